"""A portal's REST interface: the few methods that are needed, by an inbound webhook or in an application's name."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import aiohttp
import msgspec

from kvota.errors import CallerError, Invalid, WorldError

MAX_REPLY = 16 * 1024 * 1024
CHECKING_SECONDS = 30.0
"""Registering an engine has the portal call us, so it takes its time."""
_TIMEOUT = aiohttp.ClientTimeout(total=CHECKING_SECONDS)
_UNAVAILABLE = 500


class PortalRefused(CallerError):
    """The portal does not do what was asked: ``error`` is its own code."""

    code = "portal_refused"

    def __init__(self, method: str, error: str, description: str) -> None:
        super().__init__(f"The portal refuses {method}: {error}. {description}".strip())
        self.method, self.error, self.description = method, error, description


class PortalUnreachable(WorldError):
    """The portal does not answer, or not as a portal does."""

    code = "portal_unreachable"


class Access(NamedTuple):
    """Where the methods are, and what each call carries."""

    base: str
    token: str | None = None


Renewal = Callable[[], Awaitable[Access]]


class Rest:
    """Calls methods of one portal. ``renew`` gives new access where the old has expired; once for a call."""

    def __init__(self, session: aiohttp.ClientSession, access: Access, renew: Renewal | None = None) -> None:
        self._session, self._access, self._renew = session, access, renew

    async def call(self, method: str, parameters: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401 - JSON
        """A method's result. Raises ``PortalRefused`` or ``PortalUnreachable``."""
        return (await self._ask(method, parameters or {}))["result"]

    async def pages(self, method: str, parameters: Mapping[str, object] | None = None) -> AsyncGenerator[Any]:
        """All elements of a list, page by page."""
        start: object = 0
        while start is not None:
            reply = await self._ask(method, {**(parameters or {}), "start": start})
            for one in reply["result"]:
                yield one
            start = reply.get("next")

    async def _ask(self, method: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        status, reply = await self._post(method, parameters)
        if reply.get("error") == "expired_token" and self._renew is not None:
            self._access = await self._renew()
            status, reply = await self._post(method, parameters)
        if "error" in reply:
            description = str(reply.get("error_description", ""))
            if status >= _UNAVAILABLE or reply["error"] == "QUERY_LIMIT_EXCEEDED":
                raise PortalUnreachable(f"The portal cannot answer {method} now: {reply['error']}. {description}")
            raise PortalRefused(method, str(reply["error"]), description)
        if "result" not in reply:
            raise PortalUnreachable(f"The portal answers {method} with HTTP {status} and without a result.")
        return reply

    async def _post(self, method: str, parameters: Mapping[str, object]) -> tuple[int, dict[str, Any]]:
        token = {} if self._access.token is None else {"auth": self._access.token}
        url = f"{self._access.base}{method}.json"
        return await fetch_json(self._session, url, {**parameters, **token})


async def fetch_json(
    session: aiohttp.ClientSession, url: str, body: Mapping[str, object], *, query: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Post JSON, or get with a query; the status and the object of the reply.

    Raises ``PortalUnreachable``, which does not tell the URL.
    """
    host = urlsplit(url).netloc
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    status = 0
    try:
        content = msgspec.json.encode(body)
        async with session.request(
            "POST" if query is None else "GET",
            url,
            params=query,
            data=content if query is None else None,
            headers=headers,
            allow_redirects=False,
            timeout=_TIMEOUT,
        ) as reply:
            status = reply.status
            read = await reply.content.read(MAX_REPLY)
            while not reply.content.at_eof() and len(read) < MAX_REPLY:
                read += await reply.content.read(MAX_REPLY - len(read))
            found = msgspec.json.decode(read)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise PortalUnreachable(f"{host} does not answer: {_told(error)}") from error
    except msgspec.DecodeError as error:
        raise PortalUnreachable(f"{host} answers HTTP {status} without JSON; is it a portal?") from error
    if not isinstance(found, dict):
        raise PortalUnreachable(f"{host} answers HTTP {status} with something else than a result.")
    return status, cast("dict[str, Any]", found)


def _told(error: Exception) -> str:
    return str(getattr(error, "detail", "")) or type(error).__name__


def webhook_access(url: str) -> Access:
    """The access of an inbound webhook's URL. Raises ``Invalid``; the URL is a secret, and no message tells it."""
    parts = urlsplit(url.strip())
    steps = [step for step in parts.path.split("/") if step]
    if parts.scheme not in ("http", "https") or not parts.netloc or len(steps) < 3 or steps[0] != "rest":  # noqa: PLR2004
        raise Invalid.field(
            "webhook",
            "must be the address of an inbound webhook, such as https://example.bitrix24.com/rest/1/secret/",
        )
    return Access(f"{parts.scheme}://{parts.netloc}/rest/{steps[1]}/{steps[2]}/")


def origin_of(access: Access) -> str:
    """``https://host`` of a portal."""
    parts = urlsplit(access.base)
    return f"{parts.scheme}://{parts.netloc}"
