"""Makes the picture of the README: ``python -m tests.web.pictures``, a part of ``make pictures``."""

import tempfile
from pathlib import Path

from playwright.sync_api import FloatRect, sync_playwright

from tests.cli.processes import Server
from tests.web.conftest import CHROMIUM, QUIET
from tests.web.demo import Demo

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH, HEIGHT = 1000, 800


def make() -> None:
    """The first page of the demo company."""
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder), command="demo") as server,
        sync_playwright() as playwright,
    ):
        server.read_until("The calls are described at")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        page, seen = Demo(server, browser).open("admin", "en")
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.goto("/companies/acme")
        page.wait_for_selector("[hx-trigger=load]", state="detached")
        page.evaluate("document.body.style.zoom = '0.88'")  # small enough to look well beside text
        end = page.evaluate("document.querySelector('.wide').getBoundingClientRect().bottom")
        clip = FloatRect(x=0, y=0, width=WIDTH, height=end + 16)
        page.screenshot(path=FOLDER / "overview.png", full_page=True, clip=clip)
        assert seen.problems == []
        browser.close()


if __name__ == "__main__":
    make()
