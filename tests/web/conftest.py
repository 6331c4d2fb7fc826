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
def demo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """What ``make run`` serves: a demo company with two months behind it."""
    with Server(tmp_path_factory.mktemp("demo"), command="demo") as server:
        server.read_until("The calls are described at")
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser. Not for longer than a module: while it is there the thread has a loop, and runs no other."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def demo(browser: Browser, demo_server: Server) -> Iterator[Demo]:
    """The demo company, with a browser to sign in to it."""
    demo = Demo(demo_server, browser)
    yield demo
    demo.close()
