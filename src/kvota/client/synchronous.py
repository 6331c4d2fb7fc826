"""The client that waits."""

import ssl
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Literal, Self, TypeVar

import httpx2

from kvota.asks.ask import Ask
from kvota.asks.methods import Methods
from kvota.client.exchange import Exchange, Server
from kvota.client.patience import Failed, Patience, Tries

T = TypeVar("T")


class Client(Methods):
    """Speaks to a Kvota server with the methods of the library. Close it, or use ``with``; any thread may call it.

    It fails closed: where the meter does not answer within ``patience``, an exception (``ServerUnreachable``,
    ``StoreUnavailable``, ``Busy``) is raised, never an approval returned; do not run the action then. Lost connections,
    time-outs and 502, 503 and 504 are tried again, always under the same idempotency key, so that nothing is charged
    twice: a write without a ``key`` gets a random one. A decline is a returned value and never tried again.

    ``key`` is the API key, ``language`` that of the texts of errors, ``tls`` what certificates are checked against.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        patience: Patience | None = None,
        language: Literal["en", "ru"] = "en",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._server = Server.at(url, key, language, patience or Patience())
        self._http = httpx2.Client(
            base_url=self._server.url, headers=self._server.headers, verify=self._server.certificates(tls)
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def execute(self, ask: Ask[T], /) -> T:
        """Send a call until it is answered or patience ends."""
        exchange = Exchange(self._server, ask)
        while True:
            try:
                return self._try(exchange)
            except Failed as failed:
                pause = exchange.tries.pause_after(failed)
            time.sleep(pause)

    def _try(self, exchange: Exchange[T]) -> T:
        try:
            reply = self._http.send(exchange.request(self._http), stream=True)
            try:
                if exchange.is_file(reply):
                    body = b""
                    for part in reply.iter_bytes():
                        exchange.save(part)
                else:
                    body = b"".join(_in_time(reply.iter_bytes(), exchange.tries))
            finally:
                reply.close()
        except httpx2.RequestError as error:
            raise exchange.unanswered(error) from error
        return exchange.reply(reply.status_code, reply.headers, body)


def _in_time(parts: Iterator[bytes], tries: Tries) -> Iterator[bytes]:
    """The parts of a body, as long as there is time: each may come in time, and all of them never end."""
    for part in parts:
        if not tries.left_seconds:
            raise httpx2.ReadTimeout("the reply was not complete at the deadline")
        yield part
