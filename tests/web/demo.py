"""The demo in a browser: signed in as each role once, watched for everything that a page must not do."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.cli.processes import Server


class Seen(NamedTuple):
    """What a browser said while it was looked at."""

    problems: list[str]


class Demo:
    """``open`` gives a page of a browser in which somebody of that role is signed in."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server, self.url, self._browser = server, server.url, browser
        told = next(line for line in server.lines if line.startswith("The dashboard is at"))
        self.password = told.rpartition(" ")[2]
        self.emails = dict(re.findall(r"^  (\w+): +(\S+@\S+)$", "\n".join(server.lines), re.MULTILINE))
        self._contexts: dict[tuple[str | None, str], BrowserContext] = {}

    def close(self) -> None:
        for context in self._contexts.values():
            context.close()

    def context(self, role: str | None, language: str) -> BrowserContext:
        """The browser of that role, kept for all pages."""
        found = self._contexts.get((role, language))
        if found is None:
            found = self._browser.new_context(locale=language, base_url=self.url, reduced_motion="reduce")
            self._contexts[role, language] = found
            if role is not None:
                self.sign_in(found, role)
        return found

    def sign_in(self, context: BrowserContext, role: str) -> None:
        page = context.new_page()
        page.goto("/sign-in")
        page.fill("#email", self.emails[role])
        page.fill("#password", self.password)
        page.click("main button")
        page.wait_for_selector(".who")
        page.close()

    def open(self, role: str | None, language: str) -> tuple[Page, Seen]:
        """A new page, and what it will have said: errors of the console, requests to other hosts, failed ones."""
        page = self.context(role, language).new_page()
        seen = Seen([])

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                seen.problems.append(f"console: {message.text}")

        def on_request(request: Request) -> None:
            if not request.url.startswith((self.url, "data:")):
                seen.problems.append(f"request to another host: {request.url}")

        def on_failed(request: Request) -> None:
            if not urlsplit(request.url).path.endswith("/parts/moves"):  # a stream ends with the page that reads it
                seen.problems.append(f"failed: {request.url}")

        page.on("console", on_console)
        page.on("pageerror", lambda error: seen.problems.append(f"script: {error}"))
        page.on("request", on_request)
        page.on("requestfailed", on_failed)
        return page, seen
