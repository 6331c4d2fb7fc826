from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.cli.processes import Server
from tests.web.demo import Demo
from tests.web.harness import Site

CHROMIUM = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@pytest.fixture
def site() -> Iterator[Site]:
    """The pages over a store in memory: the companies ``acme`` and ``beta``, and somebody of each role."""
    site = Site()
    try:
        yield site
    finally:
        site.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def demo(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo company of ``make run``, with a browser to sign in to it."""
    with Server(tmp_path_factory.mktemp("demo"), command="demo") as server:
        server.read_until("The calls are described at")
        demo = Demo(server, browser)
        yield demo
        demo.close()
