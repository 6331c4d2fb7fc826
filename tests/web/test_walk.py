"""A real browser walks over every page: both languages, both themes, phone and desk, with axe-core looking on."""

import os
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from kvota.asgi.routing import Router
from kvota.web.pages import pages
from kvota.web.wording import load_texts
from tests.web.demo import Demo
from tests.web.walk import ELSEWHERE, STOPS, Stop

WIDTHS = (390, 1440)
SCREENSHOTS = os.environ.get("KVOTA_SCREENSHOTS")
"""A folder to keep what was seen in, to be looked at."""
EVERY_TEXT = """
() => [...document.querySelectorAll('body *')]
  .filter(element => element.checkVisibility() && !element.closest('[lang=en]'))
  .flatMap(element => [...element.childNodes])
  .filter(node => node.nodeType === 3)
  .map(node => node.data.trim())
"""
OVERFLOWING = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
ENGLISH = {pair["en"] for pair in load_texts().values() if pair["en"] != pair["ru"] and "{" not in pair["en"]}


def name_of(stop: Stop) -> str:
    return f"{stop.path} as {stop.as_ or 'nobody'}"


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("stop", STOPS, ids=name_of)
def test_a_page_is_whole_readable_and_speaks_one_language(demo: Demo, stop: Stop, language: str):
    page, seen = demo.open(stop.as_, language)
    reply = page.goto(stop.path)
    page.wait_for_selector("[hx-trigger=load]", state="detached")  # a part that comes later takes the place of its ask
    assert reply is not None
    if stop.path == "/nothing":
        assert reply.status == 404
        seen.problems.clear()  # the browser says on its console that it was a 404
    else:
        assert reply.status == 200, page.inner_text("main")
    if stop.click is not None:
        page.click(stop.click)
    problems = list[str]()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            where = f"{theme}, {width} px: "
            if page.evaluate(OVERFLOWING):
                problems.append(where + "wider than the screen")
            found = Axe().run(page)
            problems += [
                f"{where}{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
                for one in found.response["violations"]
                for node in one["nodes"]
            ]
            if SCREENSHOTS:
                name = re.sub(r"\W+", "-", f"{stop.as_}{stop.path}-{language}-{theme}-{width}")
                page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
    if language == "ru":
        problems += [f"untranslated: {text}" for text in page.evaluate(EVERY_TEXT) if text in ENGLISH]
    assert problems + seen.problems == []
    page.close()


def test_every_page_is_walked_over():
    router = Router(pages())
    walked = {found["GET"].name for stop in STOPS if (found := router.find(stop.path.partition("?")[0])[0])}
    wanted = {page.name for page in pages() if page.method == "GET" and not page.is_part}
    assert wanted - walked == set(ELSEWHERE)
