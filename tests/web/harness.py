"""The pages without a browser: the doors of a server over a real engine and a real SQLite store in memory."""

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from kvota.access import visitor_of
from kvota.asgi.metrics import Metrics
from kvota.core import commands
from kvota.doors import open_doors
from kvota.settings import Settings
from kvota.wiring import open_meter

CATALOGUE = Path(__file__).parent / "pages.toml"

HOST = "127.0.0.1:8024"
PASSWORD = "a password of the tests"
PEOPLE = {
    "operator": ("operator", None, None),
    "admin": ("admin", "acme", None),
    "member": ("member", "acme", "ivan"),
    "auditor": ("auditor", "acme", None),
    "beta_admin": ("admin", "beta", None),
}


class Shown(NamedTuple):
    """A reply, as a browser would have it."""

    status: int
    headers: httpx2.Headers
    text: str

    @property
    def token(self) -> str:
        """The token of the page's forms."""
        return unescape(re.findall(r'name="form_token" value="([^"]+)"', self.text)[0])

    @property
    def location(self) -> str:
        return self.headers["location"]


class Site:
    """``browser(role)`` is signed in as that role; ``browser()`` as nobody."""

    def __init__(self, **settings: Any) -> None:
        given = Settings(store="sqlite:///:memory:", catalogue=str(CATALOGUE), **settings)
        self.meter = open_meter(given)
        for name in ("acme", "beta"):
            self.meter.engine.execute(
                commands.PutCompany(company=name, name=name.title(), plan="tiny", time_zone="UTC", by="tests")
            )
        access = self.meter.reads.access
        self.people = {}
        self.tokens = {}
        for person, (role, company, user) in PEOPLE.items():
            email = f"{person}@example.com"
            self.people[person], self.tokens[person] = access.invite(email=email, role=role, company=company, user=user)
        self._app = open_doors(self.meter, Metrics(), given, logs_requests=False)
        # its own thread: where a browser of Playwright is open, this one has a loop already
        self._thread = start_blocking_portal()
        self._portal = self._thread.__enter__()
        self._browsers: list[Browser] = []

    def browser(self, person: str | None = None, *, host: str = f"http://{HOST}", language: str = "en") -> "Browser":
        """A browser of its own."""
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self._app), base_url=host, headers={"Accept-Language": language}
        )
        browser = Browser(self._portal, client, host)
        self._browsers.append(browser)
        if person is not None:
            _, secret = self.meter.reads.access.begin(visitor_of(self.people[person]), "the tests")
            client.cookies.set("kvota", secret)
        return browser

    def close(self) -> None:
        for browser in self._browsers:
            self._portal.call(browser.client.aclose)
        self._thread.__exit__(None, None, None)
        self.meter.close()


class Browser:
    """Keeps cookies, and follows no redirect by itself."""

    def __init__(self, portal: BlockingPortal, client: httpx2.AsyncClient, origin: str) -> None:
        self._portal, self.client, self.origin = portal, client, origin

    def get(self, path: str, **headers: str) -> Shown:
        return self._shown(self.client.build_request("GET", path, headers=headers))

    def head(self, path: str) -> Shown:
        return self._shown(self.client.build_request("HEAD", path))

    def post(
        self,
        path: str,
        fields: Mapping[str, str | list[str]] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Shown:
        """Send a form as it stands, from our own origin unless other headers are given."""
        sent = {"Origin": self.origin} if headers is None else headers
        return self._shown(self.client.build_request("POST", path, data=dict(fields or {}), headers=dict(sent)))

    def send(self, page: str, path: str, **fields: str | list[str]) -> Shown:
        """Open the page, and send a form of it."""
        return self.post(path, {"form_token": self.get(page).token, **fields})

    def _shown(self, request: httpx2.Request) -> Shown:
        reply = self._portal.call(self.client.send, request)
        return Shown(reply.status_code, reply.headers, reply.text)
