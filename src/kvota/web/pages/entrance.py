"""Signing in and out, and the links of invitations and lost passwords."""

import math
from urllib.parse import urlsplit

from kvota.access import SESSION_LIFE, Visitor, visitor_of
from kvota.asgi.attempts import Attempts
from kvota.core.periods import SECOND
from kvota.errors import Forbidden, Invalid, NotFound, TooManyAttempts
from kvota.web import cookies as jar
from kvota.web.answers import Answer, Reply, see
from kvota.web.page import EVERYBODY, Page, page
from kvota.web.pages.home import here
from kvota.web.visit import Visit

FROM_ONE_ADDRESS, OF_ONE_SIGN_IN, WINDOW_SECONDS = 20, 10, 300.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Entrance:
    """Lets people in, and makes who guesses wait: by the address that it comes from, and by whose password it is."""

    def __init__(self) -> None:
        self._addresses = Attempts(failures=FROM_ONE_ADDRESS, window_seconds=WINDOW_SECONDS)
        self._people = Attempts(failures=OF_ONE_SIGN_IN, window_seconds=WINDOW_SECONDS)

    async def show(self, visit: Visit) -> Reply:
        """The form."""
        if visit.maybe_session is not None and not visit.errors:
            return see("/")
        return visit.show("sign_in.html", next=here(visit.form.get("next") or visit.came.query.get("next", "/")))

    async def sign_in(self, visit: Visit) -> Answer:
        """Begin a session for who has the password."""
        _check_connection(visit)
        email, address = visit.form.get("email").lower(), visit.came.address
        wait = max(self._addresses.wait_seconds(address), self._people.wait_seconds(email))
        if wait:
            raise TooManyAttempts("too many wrong passwords", retry_after_seconds=math.ceil(wait))
        found = await visit.services.check_password(visit.access.by_password, email, visit.form.get("password"))
        if found is None:
            self._addresses.failed(address)
            self._people.failed(email)
            raise Invalid.field("password", "does not open this: the address or the password is wrong")
        await begin_session(visit, visitor_of(found))
        return see(here(visit.form.get("next")))


def _check_connection(visit: Visit) -> None:
    """A password goes over HTTPS, or stays on this machine."""
    parts = urlsplit(visit.came.origin)
    if parts.scheme != "https" and (parts.hostname or "") not in LOOPBACK:
        raise Forbidden("A password is taken over HTTPS only.")


async def begin_session(visit: Visit, visitor: Visitor) -> None:
    """Sign the browser in: a new session, whatever it had before. The seam for portals that know who comes."""
    if visit.maybe_session is not None:
        await visit.read(visit.access.end, visit.session.owner, visit.session.id)
    visit.cookies.frame = visitor.frame
    _, secret = await visit.read(visit.access.begin, visitor, visit.came.agent)
    visit.cookies.drop(jar.VISITOR)
    visit.cookies.set(jar.SESSION, secret, seconds=SESSION_LIFE // SECOND)


async def sign_out(visit: Visit) -> Answer:
    """End the session."""
    await visit.read(visit.access.end, visit.session.owner, visit.session.id)
    visit.cookies.drop(jar.SESSION)
    return see("/sign-in")


async def forgotten(visit: Visit) -> Reply:
    """Who helps."""
    return visit.show("forgotten.html")


async def show_link(visit: Visit) -> Reply:
    """The form of an invitation, or of a new password."""
    token = visit.form.get("token") or visit.came.query.get("token", "")
    try:
        sign_in, kind = await visit.read(visit.access.opened, token)
    except NotFound:
        return visit.show("link_ended.html")
    return visit.show("welcome.html", token=token, email=sign_in.email, kind=kind)


async def use_link(visit: Visit) -> Answer:
    """Set the password, and sign in with it."""
    _check_connection(visit)
    password = visit.form.get("password")
    if password != visit.form.get("repeated"):
        raise Invalid.field("repeated", "is not the same password")
    token = visit.form.get("token")
    try:
        sign_in = await visit.services.check_password(visit.access.use_link, token, password)
    except NotFound:
        return see("/welcome")
    await begin_session(visit, visitor_of(sign_in))
    return visit.go("/", "flash.password_set")


def pages() -> list[Page]:
    """The pages of this module."""
    entrance = Entrance()
    return [
        page("sign_in", None, "GET /sign-in", entrance.show),
        page("try_sign_in", None, "POST /sign-in", entrance.sign_in, again=entrance.show),
        page("sign_out", EVERYBODY, "POST /sign-out", sign_out),
        page("forgotten", None, "GET /forgotten", forgotten),
        page("welcome", None, "GET /welcome", show_link),
        page("set_password", None, "POST /welcome", use_link, again=show_link),
    ]
