"""The first page of each role, and the switches of language and theme."""

from kvota.web import cookies as jar
from kvota.web.answers import Answer, see
from kvota.web.page import EVERYBODY, Page, page
from kvota.web.visit import Visit


async def home(visit: Visit) -> Answer:
    """Where somebody of this role begins."""
    return see(first_path(visit))


def first_path(visit: Visit) -> str:
    """The first page of who is signed in."""
    session = visit.session
    if session.role == "operator":
        return "/companies"
    return "/mine" if session.role == "member" else f"/companies/{session.company}"


async def prefer(visit: Visit) -> Answer:
    """Keep a language or a theme."""
    form, cookies = visit.form, visit.cookies
    if form.get("language") in ("en", "ru"):
        cookies.set(jar.LANGUAGE, form.get("language"))
    if form.get("theme") in ("light", "dark"):
        cookies.set(jar.THEME, form.get("theme"))
    elif "theme" in form:
        cookies.drop(jar.THEME)
    return see(here(form.get("back")))


def here(path: str) -> str:
    """A path on this server; ``/`` where something else was said."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if is_path and len(path) <= 500 else "/"  # noqa: PLR2004 - no path of ours is longer


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("home", EVERYBODY, "GET /", home),
        page("prefer", None, "POST /preferences", prefer),
    ]
