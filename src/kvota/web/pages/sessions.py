"""Where somebody is signed in, and ending it; the own password."""

from kvota.access import visitor_of
from kvota.errors import Invalid, NotFound
from kvota.web.answers import Answer, Reply
from kvota.web.page import EVERYBODY, Page, page
from kvota.web.pages.entrance import begin_session
from kvota.web.visit import Visit

_BROWSERS = {
    "Edg/": "Edge", "YaBrowser/": "Yandex Browser", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome",
    "Safari/": "Safari",
}  # fmt: skip
_SYSTEMS = {
    "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS X": "macOS",
    "Linux": "Linux",
}  # fmt: skip


def device(agent: str) -> str:
    """What a browser says of itself, as people call it: the first name that fits, for most name others as well."""
    found = [next((name for mark, name in names.items() if mark in agent), "") for names in (_BROWSERS, _SYSTEMS)]
    return ", ".join(filter(None, found)) or agent


async def show(visit: Visit) -> Reply:
    """All sessions of who is signed in."""
    found = await visit.read(visit.access.sessions, visit.session.owner)
    found.sort(key=lambda one: (one.id != visit.session.id, -one.seen_at))
    return visit.show("sessions.html", sessions=found, device=device)


async def end(visit: Visit) -> Answer:
    """End one of them."""
    name = visit.named("session")
    if not await visit.read(visit.access.end, visit.session.owner, name):
        raise NotFound("session", name)
    return visit.go("/sessions", "flash.session_ended")


async def change_password(visit: Visit) -> Answer:
    """Set another password; every other session ends."""
    form, session = visit.form, visit.session
    found = await visit.services.check_password(visit.access.by_password, session.name, form.get("present"))
    if found is None or found.id != session.owner:
        raise Invalid.field("present", "is not your password")
    if form.get("password") != form.get("repeated"):
        raise Invalid.field("repeated", "is not the same password")
    await visit.services.check_password(visit.access.set_password, found, form.get("password"))
    await begin_session(visit, visitor_of(found))
    return visit.go("/sessions", "flash.password_set")


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("sessions", EVERYBODY, "GET /sessions", show),
        page("end_session", EVERYBODY, "POST /sessions/{session}/end", end),
        page("change_password", EVERYBODY, "POST /sessions/password", change_password, again=show),
    ]
