"""One call over HTTP: the request that it is, and what its reply means. The same for both clients."""

import ssl
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
import msgspec

from kvota.asks.ask import Ask
from kvota.asks.problems import decline, decoder, failure
from kvota.asks.usage import new_key
from kvota.client.patience import Failed, Patience, Tries
from kvota.errors import Invalid, KvotaError, NotFound, ServerUnreachable, WorldError
from kvota.wire.fields import encode
from kvota.wire.replies import Problem

T = TypeVar("T")
NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
PASSING = (502, 503, 504)
FIRST_THAT_IS_NO_REPLY = 300
_SHOWN = 200


class Server(NamedTuple):
    """Where to, as whom, and with how much patience."""

    url: str
    headers: dict[str, str]
    patience: Patience

    @classmethod
    def at(cls, url: str, key: str, language: str, patience: Patience) -> "Server":
        """Raises ``Invalid`` for what is no URL of a server and no API key."""
        try:
            parsed, host = httpx2.URL(url), urlsplit(url).hostname
        except (ValueError, httpx2.InvalidURL):  # ValueError: half of an IPv6 address
            parsed, host = httpx2.URL(), None
        if parsed.scheme not in ("http", "https") or not host:
            raise Invalid.field("url", "must be a URL such as http://127.0.0.1:8024", url)
        if not key or not key.isascii() or not key.isprintable():
            raise Invalid("key: must be an API key; it looks like kv_ and then letters and digits.")
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", "Accept-Language": language}
        return cls(url.removesuffix("/"), headers, patience)

    def certificates(self, tls: ssl.SSLContext | None) -> ssl.SSLContext | bool:
        """What the server's certificate is checked against: ``tls``, else the usual ones, else there is none to come.

        Loading the usual ones takes a tenth of a second.
        """
        return tls or self.url.startswith("https://")


class Exchange(Generic[T]):
    """One call with its tries. Every one of them sends the same idempotency key; a write without one gets one."""

    def __init__(self, server: Server, ask: Ask[T]) -> None:
        self._server, self._ask = server, ask
        self.tries = Tries(server.patience, is_repeatable=ask.is_repeatable, is_file=ask.into is not None)
        self._saved = 0
        self._key = ask.key or (new_key() if ask.takes_key else None)
        self._headers = {} if self._key is None else {"Idempotency-Key": self._key}
        self._content = None
        if ask.media is not None:
            self._content = ask.text.encode()
            self._headers["Content-Type"] = ask.media
        elif ask.kind is not None:
            self._content = encode(ask.body)
            self._headers["Content-Type"] = "application/json"

    def request(self, client: httpx2.Client | httpx2.AsyncClient) -> httpx2.Request:
        """The request of the next try, which waits for nothing longer than half of the time that is left.

        For a file it waits for all of it: another try would have the file made anew.
        """
        left, patience = self.tries.left_seconds, self._server.patience
        connecting = min(patience.connect_seconds, left / 4)
        reading = min(patience.read_seconds, left / 2) if self._ask.into is None else left
        return client.build_request(
            self._ask.method,
            quote(self._ask.path, safe="/:@"),
            params=dict(self._ask.query),
            content=self._content,
            headers=self._headers,
            timeout=httpx2.Timeout(connect=connecting, pool=connecting, read=reading, write=reading),
        )

    def is_file(self, reply: httpx2.Response) -> bool:
        """Whether what comes is to be saved. Raises ``Failed`` where it is no file of Kvota's, or its end unknown."""
        if self._ask.into is None or reply.status_code >= FIRST_THAT_IS_NO_REPLY:
            return False
        came = reply.headers.get("content-type", "").split(";")[0]
        if came != self._ask.comes_as:
            raise Failed(self._no_kvota(reply.status_code, came.encode()), was_sent=True, is_passing=False)
        if not {"content-length", "transfer-encoding"} & reply.headers.keys():
            error = ServerUnreachable(
                f"A proxy before {self._server.url} passes files on without saying where they end, so that one which "
                "breaks off would look whole. Let it speak HTTP/1.1 or newer to both sides."
            )
            raise Failed(error, was_sent=True, is_passing=False)
        return True

    def save(self, piece: bytes) -> None:
        """Write a piece of the file. From the first one on there is no other try."""
        if self._ask.into is not None:
            self._saved += len(piece)
            self._ask.into.write(piece)

    def reply(self, status: int, headers: httpx2.Headers, body: bytes) -> T:
        """What the call returns. Raises ``Failed`` where it may be tried again, and the exception of the problem."""
        try:
            if status < FIRST_THAT_IS_NO_REPLY:
                return self._ask.take(None if self._ask.reply is None else decoder(self._ask.reply).decode(body))
            problem: Problem = decoder(Problem).decode(body)
        except msgspec.MsgspecError as error:
            raise Failed(self._no_kvota(status, body), was_sent=True, is_passing=status in PASSING) from error
        declined: Any = decline(problem)
        if declined is not None:
            return declined
        problems = failure(problem, self._ask.parameters, missing=self._ask.missing)
        if status in PASSING:
            seconds = _seconds(headers.get("retry-after"))
            if isinstance(problems, WorldError):
                problems.retry_after_seconds = round(seconds or 1)
            raise Failed(self._with_key(problems), was_sent=True, retry_after=seconds)
        if self._is_gone_already(problems):
            return self._ask.take(None)
        raise problems

    def unanswered(self, error: Exception) -> Failed:
        """A try whose reply did not come, or not to its end."""
        was_sent = not isinstance(error, NOT_SENT)
        why = str(error) or type(error).__name__
        if self._saved:
            broken = ServerUnreachable(
                f"The file from {self._server.url} broke off after {self._saved} bytes: {why}. "
                "What has been written is not all of it: ask for it again, from its beginning."
            )
            return Failed(broken, was_sent=True, is_passing=False)
        what = "It may have been carried out, or not" if was_sent else "Nothing was sent"
        return Failed(
            self._with_key(ServerUnreachable(f"There is no answer from {self._server.url}: {why}. {what}.")),
            was_sent=was_sent,
        )

    def _no_kvota(self, status: int, body: bytes) -> KvotaError:
        shown = body[:_SHOWN].decode(errors="replace")
        return self._with_key(
            ServerUnreachable(
                f"{self._server.url} answered {status}, and not as Kvota does: {shown!r}. Is this the URL of a Kvota "
                "server, and does the proxy before it reach it?"
            )
        )

    def _is_gone_already(self, error: KvotaError) -> bool:
        """A DELETE that was repeated and finds nothing any more: an earlier try has done its work."""
        return (
            self._ask.method == "DELETE"
            and self.tries.was_sent
            and isinstance(error, NotFound)
            and error.code == "not_found"
        )

    def _with_key(self, error: KvotaError) -> KvotaError:
        if isinstance(error, WorldError) and self._key is not None:
            error.key = self._key
            error.add_note(f"The idempotency key was {self._key!r}: the same call with it has one effect, whenever.")
        return error


def _seconds(retry_after: str | None) -> float | None:
    """The seconds of a ``Retry-After``; a date, which Kvota never sends, is passed over."""
    return float(retry_after) if retry_after is not None and retry_after.isdecimal() else None
