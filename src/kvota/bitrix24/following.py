"""What portals have changed is followed: the plan, people and departments, our engines and the page in their menu.

And they are told of the levels of their package that the outbox tells of, by the portal's own messages: each once. Such
a message is a job, like a portal's own, so it survives what jobs survive.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp
import structlog
from msgspec.structs import replace

from kvota.asgi.defects import log_defect
from kvota.asgi.languages import Language
from kvota.asgi.services import Services
from kvota.bitrix24.application import Application
from kvota.bitrix24.carrying import NOTICE
from kvota.bitrix24.connecting import Connection, connect
from kvota.bitrix24.desk import Desk
from kvota.bitrix24.rest import PortalRefused, Rest
from kvota.bitrix24.texts import level_reached
from kvota.catalogue_file.prompts import SCENARIOS
from kvota.core.commands import ChangePlan, PutCompany
from kvota.core.notices import Event
from kvota.core.periods import is_time_zone
from kvota.errors import KvotaError, NotFound
from kvota.portals import Job, Portal

EVERY_SECONDS = 60.0
PEOPLE_EVERY = 10
"""Of so many looks one asks the portal for plan and people."""
LATELY = 24 * 3_600_000
NOTICE_TTL = 24 * 3_600_000
PAGE = 1000
MAX_DEPARTMENT = 64
BY = "bitrix24:app"


class Follower:
    """Follows every portal that has installed the application."""

    def __init__(self, desk: Desk, services: Services, application: Application, public_url: str) -> None:
        self._desk, self._services, self._application = desk, services, application
        self._public_url = public_url.rstrip("/")

    @contextlib.asynccontextmanager
    async def life(self) -> AsyncGenerator[None]:
        """Follow as long as the block runs."""
        following = asyncio.create_task(self._follow_all())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow_all(self) -> None:
        looks = 0
        while True:
            is_asked = self._application.changed.is_set() or looks % PEOPLE_EVERY == 0
            self._application.changed.clear()
            after = ""
            try:
                while page := await self._desk.ask(self._desk.store.portals, after, PAGE):
                    for portal in page:
                        if portal.kind == "app":
                            await self._look(portal, is_asked=is_asked)
                    after = page[-1].portal
            except KvotaError as error:
                structlog.get_logger("kvota.bitrix24").warning(error.code, detail=str(error))
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look is soon
                log_defect("bitrix24_following", error)
            looks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._application.changed.wait(), EVERY_SECONDS)

    async def _look(self, portal: Portal, *, is_asked: bool) -> None:
        try:
            if is_asked:
                await self.follow(portal)
            await self.tell(portal)
        except (KvotaError, aiohttp.ClientError, TimeoutError) as error:
            structlog.get_logger("kvota.bitrix24").warning("portal", company=portal.company, detail=str(error))
        except Exception as error:  # noqa: BLE001 - one portal must not keep the others from being followed
            log_defect("bitrix24_following", error)

    async def follow(self, portal: Portal) -> None:
        """Bring the company up to what the portal says; doing it again changes nothing."""
        rest = self._application.rest(portal)
        info = await rest.call("app.info")
        await self._follow_plan(portal, rest, info)
        await self._follow_people(portal, rest)
        known = {one.scenario for one in await self._desk.ask(self._desk.store.engines, portal.portal)}
        if missing := [one for one in SCENARIOS if one not in known]:
            latest = await self._desk.ask(self._desk.store.portal, portal.portal)
            if latest is None:
                return
            await connect(Connection(self._desk.store, rest, latest, self._public_url, _language(portal)), missing)
            await self._bind_menu(rest)

    async def _bind_menu(self, rest: Rest) -> None:
        place = {"PLACEMENT": "LEFT_MENU", "HANDLER": f"{self._public_url}/bitrix24/menu", "TITLE": "Kvota"}
        try:
            await rest.call("placement.bind", place)
        except PortalRefused as refusal:
            if "ALREADY_BINDED" not in refusal.error:
                raise

    async def _follow_plan(self, portal: Portal, rest: Rest, info: Mapping[str, Any]) -> None:
        """The plan, where the portal has changed it since it was last seen: what the operator has set stays."""
        codes = [str(info.get(name, "")) for name in ("LICENSE", "LICENSE_TYPE", "LICENSE_FAMILY")]
        catalogue = await self._services.read(self._services.reads.catalogue)
        owners = {code: plan.id for plan in catalogue.plans.values() for code in plan.codes}
        plan = next((owners[code] for code in codes if code in owners), None)
        if plan is None:
            structlog.get_logger("kvota.bitrix24").warning("unknown_plan", company=portal.company, codes=codes)
        try:
            present = (await self._services.read(self._services.reads.company, portal.company)).plan
        except NotFound:
            smallest = min(catalogue.plans.values(), key=lambda one: (one.allowance, one.id)).id
            await self._services.submit(
                PutCompany(
                    company=portal.company,
                    by=BY,
                    name=portal.hosts[0],
                    plan=plan or smallest,
                    time_zone=_zone(str(await rest.call("server.time"))),
                    locale=portal.language,
                )
            )
        else:
            if plan is not None and plan != present and portal.plan_code != codes[0]:
                await self._services.submit(ChangePlan(company=portal.company, by=BY, plan=plan))
        latest = await self._desk.ask(self._desk.store.portal, portal.portal)
        if latest is not None and latest.plan_code != codes[0]:
            await self._desk.ask(self._desk.store.put_portal, replace(latest, plan_code=codes[0]))

    async def _follow_people(self, portal: Portal, rest: Rest) -> None:
        departments = {str(one["ID"]): str(one["NAME"]) async for one in rest.pages("department.get")}
        known = {one.user: one for one in await self._people(portal.company)}
        async for one in rest.pages("user.get", {"FILTER": {"ACTIVE": True}}):
            of = next((departments[str(id_)] for id_ in one.get("UF_DEPARTMENT") or () if str(id_) in departments), "")
            told: dict[str, str | None] = {
                "name": " ".join(str(one.get(part) or "") for part in ("NAME", "LAST_NAME")).strip()[:200] or None,
                "email": str(one.get("EMAIL") or "") or None,
                "department": of[:MAX_DEPARTMENT] or None,
            }
            user, person = str(one["ID"]), known.get(str(one["ID"]))
            if person is None or {name: getattr(person, name) for name in told} != told:
                await self._services.read(self._services.reads.put_person, portal.company, user, told)

    async def _people(self, company: str) -> list[Any]:
        found: list[Any] = []
        after = ""
        while page := await self._services.read(self._services.reads.people, company, after, PAGE):
            found += page
            after = page[-1].user
        return found

    async def tell(self, portal: Portal) -> None:
        """Have a message sent for each level that the package has crossed lately: of one entry's the highest."""
        if portal.administrator is None:
            return
        try:
            balance = await self._services.read(self._services.reads.balance, portal.company)
        except NotFound:
            return  # the company is not made yet
        events = await self._desk.ask(self._desk.store.told, [portal.company], balance.at - LATELY)
        highest: dict[int, Event] = {}
        for one in events:
            if one.kind == "package.threshold" and _level(one) >= _level(highest.get(one.at, one)):
                highest[one.at] = one
        for one in highest.values():
            language = _language(portal)
            text = level_reached(_level(one), balance.available, balance.period_end, balance.time_zone, language)
            await self._desk.take(
                Job(
                    company=portal.company,
                    hash=f"{NOTICE}-{one.id}",
                    portal=portal.portal,
                    scenario=NOTICE,
                    category=NOTICE,
                    body=text,
                    ttl=NOTICE_TTL,
                )
            )


def _level(one: Event) -> int:
    return int(str(one.data.get("level", 0)))


def _language(portal: Portal) -> Language:
    return "ru" if portal.language == "ru" else "en"


def _zone(time: str) -> str:
    """A zone of the portal's offset: it tells no name of one."""
    try:
        offset = dt.datetime.fromisoformat(time).utcoffset() or dt.timedelta()
    except ValueError:
        return "UTC"
    hours, rest = divmod(offset, dt.timedelta(hours=1))
    name = {3: "Europe/Moscow"}.get(hours, f"Etc/GMT{-hours:+d}" if hours else "UTC")
    return name if not rest and is_time_zone(name) else "UTC"
