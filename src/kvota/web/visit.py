"""One request for a page, as its handler sees it: who came, with what, and the ways to answer."""

import datetime as dt
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from kvota.access import Access
from kvota.acts import is_act
from kvota.asgi import texts
from kvota.asgi.languages import Language
from kvota.asgi.services import Services
from kvota.asgi.statuses import STATUS
from kvota.core.commands import Command
from kvota.errors import CallerError, NotFound
from kvota.reads import Reads
from kvota.sign_ins import Session
from kvota.web import cookies as jar
from kvota.web.answers import Answer, Template, see
from kvota.web.cookies import Cookies
from kvota.web.form import ONCE, TOKEN, Form
from kvota.web.live import Live
from kvota.wire.asking import Asker
from kvota.wire.fields import is_id

P = ParamSpec("P")
T = TypeVar("T")


class Came(NamedTuple):
    """What is known of a request before anybody looks at it."""

    method: str
    path: str
    query: Mapping[str, str]
    address: str
    agent: str
    origin: str
    """Where this server is reached, ``https://kvota.example``: what links to it begin with."""
    is_part: bool
    """Whether htmx asks, for a piece of a page."""


class Visit:
    """``secret`` is what the browser's cookie holds: of its session, or of a visitor without one."""

    def __init__(
        self,
        services: Services,
        came: Came,
        cookies: Cookies,
        session: Session | None,
        *,
        secret: str,
        language: Language,
        live: Live,
    ) -> None:
        self.services, self.came, self.cookies, self.maybe_session = services, came, cookies, session
        self.live = live
        self.language: Language = language
        self.theme = cookies.get(jar.THEME) if cookies.get(jar.THEME) in ("light", "dark") else ""
        self.parameters: Mapping[str, str] = {}
        self.form = Form()
        self.counts: Mapping[str, int] = {}
        """What waits on pages of the navigation, by their names."""
        self.errors: dict[str, str] = {}
        """What is wrong with the fields of a form that is shown again, by their names; ``""`` is for the whole."""
        self.status = 200
        self._secret = secret

    @property
    def session(self) -> Session:
        """Who is signed in, on a page for which one has to be."""
        if self.maybe_session is None:
            raise TypeError("the page is open to everybody")
        return self.maybe_session

    @property
    def reads(self) -> Reads:
        """What can be asked."""
        return self.services.reads

    @property
    def access(self) -> Access:
        """Who may sign in."""
        return self.services.reads.access

    @property
    def company(self) -> str:
        """The company in the path, or that of who is signed in."""
        found = self.parameters.get("company") or self.session.company
        if found is None:
            raise NotFound("company", "")
        return found

    @property
    def asker(self) -> Asker:
        """Who asks, for a command: the same form sent twice carries it out once."""
        if ONCE not in self.form:
            return Asker(by=self.session.owner)
        said = self.form.digest()
        return Asker(by=self.session.owner, key=f"web-{said[:40]}", request=f"{self.came.path} {said}")

    @property
    def operator(self) -> str | None:
        """The sign-in, where that is an operator's: what it does is noted."""
        return self.session.owner if self.session.role == "operator" else None

    def named(self, what: str) -> str:
        """The id of a thing in the path; one that nothing of that kind can have is not found."""
        name = self.parameters[what]
        if not is_id(name):
            raise NotFound(what, name)
        return name

    async def read(self, ask: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Ask the store, in a thread."""
        return await self.services.read(ask, *args, **kwargs)

    async def submit(self, command: Command) -> Any:  # noqa: ANN401 - each command has its own reply
        """Have a command carried out; its reply."""
        if self.operator is not None and is_act(command):
            command = replace(command, is_operators=True)
        return (await self.services.submit(command)).reply

    async def today(self, zone: str) -> dt.date:
        """The date in that zone by the store's clock."""
        now = await self.read(self.reads.clock)
        return dt.datetime.fromtimestamp(now / 1000, ZoneInfo(zone)).date()

    # Answers

    def show(self, template: str, **values: Any) -> Template:  # noqa: ANN401 - what the template shows
        """A page made from a template."""
        return Template(template, values, self.status)

    def refuse(self, error: CallerError, told: str | None = None) -> None:
        """Let the form be shown again with what is wrong: beside its fields, or ``told`` above them."""
        self.status = STATUS[error.code]
        self.errors = {one.field: texts.translated(one.message, self.language) for one in error.errors} or {
            "": told or texts.detail(error, error.code, self.language)
        }

    def go(self, path: str, flash: str | None = None) -> Answer:
        """Go on at that path; ``flash`` is the key of a text that is shown there once."""
        if flash is not None:
            self.cookies.set(jar.FLASH, flash, seconds=60)
        return see(path)

    def take_flash(self) -> str:
        """The key of the text that is to be shown once, and no more."""
        flash = self.cookies.get(jar.FLASH)
        if flash:
            self.cookies.drop(jar.FLASH)
        return flash

    @property
    def form_token(self) -> str:
        """What every form of ours holds and no other site can know."""
        if not self._secret:
            self._secret = secrets.token_urlsafe(24)
            self.cookies.set(jar.VISITOR, self._secret)
        return self.access.token("form", self._secret)

    def is_ours(self) -> bool:
        """Whether the form that came is one that this browser was given."""
        return bool(self._secret) and self.access.is_token("form", self._secret, self.form.get(TOKEN))

    @property
    def once(self) -> str:
        """A new key for a form that must not be carried out twice."""
        return secrets.token_urlsafe(12)
