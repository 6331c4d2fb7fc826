"""What the application answers in portals: events, and the page in the left menu, where the portal signs people in."""

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

import msgspec
import structlog

from kvota.access import Access, Visitor
from kvota.asgi.defects import log_defect
from kvota.asgi.exchange import Scope, headers_of, query_of, read_all
from kvota.asgi.services import Services
from kvota.asgi.streaming import Disconnected, Receive, Send
from kvota.bitrix24.application import MEMBER, Application
from kvota.bitrix24.desk import Desk
from kvota.bitrix24.rest import PortalRefused
from kvota.errors import CallerError, Forbidden, Malformed, WorldError

SESSION_SECONDS = 30 * 24 * 3600
HOME = "/"
_PART = re.compile(r"\[([^\]]*)\]")


class Events:
    """``POST /bitrix24/events``: an application is installed, or removed."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One event. What is refused is 403, whoever sent it."""
        try:
            event = _nested(await _form(scope, receive))
            await self._took(event)
        except Disconnected:
            return
        except WorldError as error:
            structlog.get_logger("kvota.bitrix24").warning(error.code, detail=error.detail)
            await _answer(send, 503, b"try again")
        except (CallerError, KeyError, TypeError, ValueError) as error:
            structlog.get_logger("kvota.bitrix24").warning("event_refused", detail=str(error))
            await _answer(send, 403, b"refused")
        except Exception as error:  # noqa: BLE001 - the portal must not be left without an answer
            log_defect("bitrix24_event", error)
            await _answer(send, 500, b"internal")
        else:
            await _answer(send, 200, b"OK")

    async def _took(self, event: Mapping[str, Any]) -> None:
        name = str(event.get("event", "")).upper()
        if name == "ONAPPINSTALL":
            await self._application.install(event)
        elif name == "ONAPPUNINSTALL":
            await self._application.uninstall(event)
        else:
            raise Malformed(f"The event {name[:100]!r} is not one that Kvota asks for.")


class Menu:
    """``POST /bitrix24/menu``: a page in the portal, opened by somebody whom the portal knows.

    His token is asked of the portal itself; the session that begins may be framed by that portal alone.
    """

    def __init__(self, desk: Desk, services: Services, application: Application, *, is_secure: bool) -> None:
        self._desk, self._application = desk, application
        self._services, self._is_secure = services, is_secure
        self._access: Access = services.reads.access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One opening of the page."""
        try:
            secret = await self._signed_in(scope, await _form(scope, receive))
        except Disconnected:
            return
        except WorldError as error:
            structlog.get_logger("kvota.bitrix24").warning(error.code, detail=error.detail)
            await _answer(send, 503, b"The portal does not answer. Try again.")
        except CallerError as error:
            structlog.get_logger("kvota.bitrix24").warning("menu_refused", detail=str(error))
            await _answer(send, 403, b"The portal does not know who opens this page.")
        except Exception as error:  # noqa: BLE001 - the browser must not be left without an answer
            log_defect("bitrix24_menu", error)
            await _answer(send, 500, b"internal")
        else:
            site = "SameSite=None; Partitioned; Secure" if self._is_secure else "SameSite=Lax"
            name = "__Host-kvota" if self._is_secure else "kvota"
            cookie = f"{name}={secret}; Path=/; Max-Age={SESSION_SECONDS}; HttpOnly; {site}"
            await _answer(send, 303, b"", ((b"location", HOME.encode()), (b"set-cookie", cookie.encode())))

    async def _signed_in(self, scope: Scope, form: Mapping[str, str]) -> str:
        """The secret of a new session of who opened the page."""
        if scope["method"] != "POST":
            raise Malformed("The page is opened by a portal, with POST.")
        member = form.get("member_id", "")
        portal = await self._desk.ask(self._desk.store.portal, member) if MEMBER.fullmatch(member) else None
        domain = query_of(scope).get("DOMAIN", form.get("DOMAIN", ""))
        if portal is None or portal.kind != "app" or self._application.origin(domain) != portal.origin:
            raise Forbidden("The portal has not installed this application.")
        try:
            person = await self._application.person(portal, form.get("AUTH_ID", ""))
        except PortalRefused as refusal:
            raise Forbidden(str(refusal)) from refusal
        name = " ".join(str(person.get(part) or "") for part in ("NAME", "LAST_NAME")).strip() or str(person["ID"])
        visitor = Visitor(
            owner=f"{portal.portal}:{person['ID']}",
            name=name,
            role="admin" if person.get("ADMIN") is True else "member",
            company=portal.company,
            user=str(person["ID"]),
            frame=portal.origin,
        )
        agent = headers_of(scope).get(b"user-agent", b"").decode("latin-1")
        _, secret = await self._services.read(self._access.begin, visitor, agent)
        return secret


async def _form(scope: Scope, receive: Receive) -> dict[str, str]:
    """The fields of a form, or of JSON, by their flat names."""
    headers = headers_of(scope)
    body = await read_all(receive, headers)
    if headers.get(b"content-type", b"").startswith(b"application/json"):
        try:
            return _flat(msgspec.json.decode(body))
        except msgspec.DecodeError as error:
            raise Malformed("The body is not JSON.") from error
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=200))
    except ValueError as error:
        raise Malformed("The body is no form in UTF-8.") from error


def _flat(value: object, name: str = "") -> dict[str, str]:
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for key, inner in cast("dict[str, object]", value).items():
            found |= _flat(inner, f"{name}[{key}]" if name else key)
        return found
    return {name: str(value)}


def _nested(form: Mapping[str, str]) -> dict[str, Any]:
    """``auth[member_id]`` as portals send it, taken apart."""
    found: dict[str, Any] = {"auth": {}, "data": {}}
    for name, value in form.items():
        head, *parts = [name.partition("[")[0], *_PART.findall(name)]
        if not parts:
            found[head] = value
        elif len(parts) == 1 and isinstance(found.setdefault(head, {}), dict):
            found[head][parts[0]] = value
    return found


async def _answer(send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    told = (
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    await send({"type": "http.response.start", "status": status, "headers": [*told, *headers]})
    await send({"type": "http.response.body", "body": body})
