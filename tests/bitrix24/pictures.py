"""Makes the pictures of docs/bitrix24.md: ``python -m tests.bitrix24.pictures``, a part of ``make pictures``."""

import io
import re
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from tests.bitrix24.rig import COMPANY, Rig, rigged

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH = 84


def draw(name: str, command: str, printed: str) -> None:
    """One terminal window."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi(printed.rstrip("\n")))
    drawn = console.export_svg(title="Kvota", unique_id=name)
    drawn = re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # no font is fetched from anywhere
    (PICTURES / f"{name}.svg").write_text(re.sub(r"[ \t]+$", "", drawn, flags=re.MULTILINE))


def photograph(rig: Rig, email: str, name: str, locale: str) -> None:
    """The page of the company, as its administrator sees it."""
    password = "a password of the pictures"
    invited = rig.command("sign-in", "invite", email, "--role", "admin", "--company", COMPANY, "--store", rig.store)
    link = re.search(r"https?://\S+", invited.stdout)
    assert link is not None, invited
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1000, "height": 640}, locale=locale)
        page.goto(link.group(0))
        for field in page.locator("input[type=password]").all():
            field.fill(password)
        page.locator("main form button").first.click()
        page.goto(rig.server.url + "/")
        page.screenshot(path=PICTURES / name)
        browser.close()


def main() -> None:
    """All of them, from a first connection and a first request."""
    with tempfile.TemporaryDirectory() as folder, rigged(Path(folder), f"sqlite:///{folder}/kvota.db") as rig:
        connected = rig.command("bitrix24", "connect", COMPANY, "--webhook", rig.portal.webhook)
        draw("bitrix24-connect", f"kvota bitrix24 connect {COMPANY}", connected.stdout)
        rig.portal.answer(rig.portal.engine("_texts"), prompt="What is new?")
        rig.idle()
        draw("bitrix24-status", f"kvota status {COMPANY}", rig.command("status", COMPANY).stdout)
        photograph(rig, "anna@example.com", "bitrix24-page.png", "en-GB")
        photograph(rig, "boris@example.com", "bitrix24-page.ru.png", "ru-RU")


if __name__ == "__main__":
    main()
