"""Kvota as an application of portals: installed and removed by events, with tokens that are renewed.

Nobody is believed for what an event says: the portal itself is asked, at its own address, whose application the token
is of. The ``application_token`` that the installation brings is compared at every later event.
"""

import asyncio
import hmac
import re
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import structlog
from msgspec.structs import replace

from kvota.bitrix24.desk import Desk, secret_hash
from kvota.bitrix24.rest import Access, PortalRefused, Rest, fetch_json
from kvota.errors import Forbidden, Invalid
from kvota.outgoing import Outgoing
from kvota.portals import Portal

MEMBER = re.compile(r"[A-Za-z0-9]{8,59}")
_CLOUD = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)?\.bitrix24\.[a-z]{2,4}(\.[a-z]{2})?")
SECOND = 1000
MARGIN = 60 * SECOND
"""A token is renewed so long before its end."""
RUSSIAN = ("ru", "by", "kz", "ua")


class Credentials(NamedTuple):
    """What the vendor knows the application by; ``oauth`` is its authorization server."""

    client_id: str
    client_secret: str
    oauth: str


class Tokens(NamedTuple):
    """What an installation or an opened page brings."""

    access: str
    refresh: str
    seconds: int


class Application:
    """The application in all portals. ``changed`` is set when there is something to follow."""

    def __init__(self, desk: Desk, outgoing: Outgoing, credentials: Credentials) -> None:
        self._desk, self._outgoing, self._credentials = desk, outgoing, credentials
        self._session: aiohttp.ClientSession | None = None
        self.changed = asyncio.Event()

    def open(self, session: aiohttp.ClientSession) -> None:
        """Call through this session from now on."""
        self._session = session

    @property
    def session(self) -> aiohttp.ClientSession:
        """The session that was opened."""
        if self._session is None:
            raise RuntimeError("open(session) comes first")
        return self._session

    def origin(self, domain: str) -> str:
        """Where a portal of that domain is; ``Invalid`` for what is no portal of the vendor's cloud."""
        domain = domain.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")
        host = domain.partition(":")[0]
        if self._outgoing.may_be_private(host):
            return f"http://{domain}"
        if not _CLOUD.fullmatch(domain):
            raise Invalid.field("domain", "must be a cloud portal, such as example.bitrix24.com", domain[:200])
        return f"https://{domain}"

    # Installing

    async def install(self, event: Mapping[str, Any]) -> None:
        """``ONAPPINSTALL``: keep the portal. A portal that is known must tell the token that it told first."""
        auth = event["auth"]
        origin, token = self.origin(str(auth.get("domain", ""))), str(auth.get("application_token", ""))
        known = await self._desk.ask(self._desk.store.portal, _member(auth))
        if known is not None and known.application_token is not None:
            await self.check(known, token)
        access = str(auth.get("access_token", ""))
        if not token or not access:
            raise Invalid.field("auth", "an installation brings application_token, access_token and refresh_token")
        tokens = Tokens(access, str(auth.get("refresh_token", "")), int(auth.get("expires_in", 3600)))
        language = str(event.get("data", {}).get("LANGUAGE_ID", ""))
        await self._keep(origin, _member(auth), tokens, language=language, application_token=token)

    async def _keep(self, origin: str, member: str, tokens: Tokens, *, language: str, application_token: str) -> Portal:
        access = Access(f"{origin}/rest/", tokens.access)
        rest = Rest(self.session, access)
        info = await rest.call("app.info")
        if self._credentials.client_id not in (str(info.get("CODE")), str(info.get("ID"))):
            raise Forbidden("The token is not one of this application.")
        user = await rest.call("user.current")
        store = self._desk.store
        known = await self._desk.ask(store.portal, member)
        portal = Portal(
            portal=member,
            company=f"b24-{member}",
            kind="app",
            origin=origin,
            hosts=(urlsplit(origin).netloc,),
            language="ru" if (language or str(info.get("LANGUAGE_ID", ""))) in RUSSIAN else "en",
            application_token=await self._desk.ask(secret_hash, store, application_token),
            access_token=tokens.access,
            refresh_token=tokens.refresh,
            access_until=round(time.time() + tokens.seconds) * SECOND,
            plan_code=None if known is None else known.plan_code,
            administrator=str(user.get("ID", "")) or None,
            connected_at=await self._desk.ask(store.real_clock),
        )
        await self._desk.ask(store.put_portal, portal)
        self.changed.set()
        return portal

    async def uninstall(self, event: Mapping[str, Any]) -> None:
        """``ONAPPUNINSTALL``: forget the portal, its engines and tokens. The company and its ledger stay."""
        auth = event["auth"]
        known = await self._desk.ask(self._desk.store.portal, _member(auth))
        if known is None:
            raise Forbidden("The portal is not known.")
        await self.check(known, str(auth.get("application_token", "")))
        await self._desk.ask(self._desk.store.remove_portal, known.portal)
        structlog.get_logger("kvota.bitrix24").info("uninstalled", company=known.company)

    async def check(self, portal: Portal, token: str) -> None:
        """``Forbidden`` where it is not the token that the installation brought."""
        said = await self._desk.ask(secret_hash, self._desk.store, token)
        if not hmac.compare_digest(said, portal.application_token or ""):
            raise Forbidden("The application_token is not the one that the installation brought.")

    # Calling

    def rest(self, portal: Portal) -> Rest:
        """Calls in the name of who installed it."""

        async def renew() -> Access:
            return await self._renewed(portal)

        return Rest(self.session, Access(f"{portal.origin}/rest/", portal.access_token), renew)

    async def _renewed(self, portal: Portal) -> Access:
        """New tokens; those that another process has got meanwhile where there are such."""
        query = {
            "grant_type": "refresh_token",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
            "refresh_token": portal.refresh_token or "",
        }
        _, reply = await fetch_json(self.session, f"{self._credentials.oauth}/oauth/token/", {}, query=query)
        store = self._desk.store
        latest = await self._desk.ask(store.portal, portal.portal)
        if latest is None:
            raise PortalRefused("oauth", "uninstalled", "The application was removed from the portal.")
        if "error" in reply:
            if latest.access_token not in (None, portal.access_token):
                return Access(f"{latest.origin}/rest/", latest.access_token)
            raise PortalRefused("oauth", str(reply["error"]), str(reply.get("error_description", "")))
        renewed = replace(
            latest,
            access_token=str(reply["access_token"]),
            refresh_token=str(reply["refresh_token"]),
            access_until=round(time.time() + int(reply.get("expires_in", 3600))) * SECOND,
        )
        await self._desk.ask(store.put_portal, renewed)
        return Access(f"{renewed.origin}/rest/", renewed.access_token)

    async def person(self, portal: Portal, access_token: str) -> Mapping[str, Any]:
        """Whose token it is, as the portal says."""
        found: Mapping[str, Any] = await Rest(self.session, Access(f"{portal.origin}/rest/", access_token)).call(
            "profile"
        )
        return found


def _member(auth: Mapping[str, Any]) -> str:
    member = str(auth.get("member_id", ""))
    if not MEMBER.fullmatch(member):
        raise Invalid.field("auth.member_id", "is needed: what the portal calls itself", member[:100])
    return member
