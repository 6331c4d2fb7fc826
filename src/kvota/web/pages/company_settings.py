"""A company's settings: its name, zone and language, the tools that are on, whether a user must be named."""

from zoneinfo import available_timezones

from kvota.web.answers import Answer, Reply
from kvota.web.form import Form
from kvota.web.page import ADMINS, COMPANY, SEERS, Page, page
from kvota.web.visit import Visit
from kvota.wire import asking
from kvota.wire.fields import encode
from kvota.wire.reading import read_body
from kvota.wire.requests import CompanyRequest


async def show(visit: Visit) -> Reply:
    """The form."""
    reads = visit.reads
    account = await visit.read(reads.company, visit.company)
    catalogue = await visit.read(reads.catalogue)
    off = set(catalogue.tools) - set(visit.form.all("tools")) if "name" in visit.form else set(account.tools_off)
    return visit.show(
        "settings.html",
        account=account,
        catalogue=catalogue,
        off=off,
        requires="require_user" in visit.form if "name" in visit.form else account.require_user,
        zone=account.next_time_zone or account.time_zone,
        zones=sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")),
        may_set=visit.session.role in ADMINS,
    )


async def change(visit: Visit) -> Answer:
    """Change them."""
    catalogue = await visit.read(visit.reads.catalogue)
    body = _read(visit.form, list(catalogue.tools))
    await visit.submit(asking.put_company(visit.company, body, visit.asker, is_patch=True))
    return visit.go(f"/companies/{visit.company}/settings", "flash.settings_changed")


def _read(form: Form, tools: list[str]) -> CompanyRequest:
    on = set(form.all("tools"))
    said: dict[str, object] = {name: form.get(name) for name in ("name", "time_zone", "locale")}
    said["tools_off"] = [tool for tool in tools if tool not in on]
    said["require_user"] = "require_user" in form
    return read_body(CompanyRequest, encode(said))


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("settings", SEERS, f"GET {COMPANY}/settings", show, nav=110),
        page("change_settings", ADMINS, f"POST {COMPANY}/settings", change, again=show),
    ]
