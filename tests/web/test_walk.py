"""A real browser walks over every page: both languages, both themes, phone and desk, with axe-core looking on.

Axe-core takes most of the time: a quarter of its looks are taken each time, all of them in ``make soak``.
"""

import os
import re
from collections.abc import Collection
from itertools import product
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from kvota.asgi.routing import Router
from kvota.web.pages import pages
from kvota.web.wording import load_texts
from tests.web.demo import Demo
from tests.web.walk import ELSEWHERE, STOPS, Stop

THEMES = ("light", "dark")
WIDTHS = (390, 1440)
LOOKS = tuple(product(THEMES, WIDTHS))
EXAMINE = "() => axe.run({resultTypes: ['violations']})"
SCREENSHOTS = os.environ.get("KVOTA_SCREENSHOTS")
"""A folder to keep what was seen in, to be looked at."""
EVERY_TEXT = """
() => [...document.querySelectorAll('body *')]
  .filter(element => element.checkVisibility() && !element.closest('[lang=en]'))
  .flatMap(element => [...element.childNodes])
  .filter(node => node.nodeType === 3)
  .map(node => node.data.trim())
"""
OVERFLOWING = """
async () => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return [document.documentElement, ...document.querySelectorAll('.scroll')]
    .filter(place => place.scrollWidth > place.clientWidth + 1)
    .map(place => place.getAttribute('aria-label') ?? 'the page');
}
"""
SQUEEZED = """
() => [...document.querySelectorAll('button, .button')]
  .filter(one => one.checkVisibility() && one.clientHeight > 88)
  .map(one => one.textContent.trim());
"""
ENGLISH = {pair["en"] for pair in load_texts().values() if pair["en"] != pair["ru"] and "{" not in pair["en"]}


def name_of(stop: Stop) -> str:
    return f"{stop.path} as {stop.as_ or 'nobody'}"


def a_quarter(stop: Stop, language: str) -> tuple[tuple[str, int], ...]:
    """One look of the four; with that of the other language, each page is examined in both themes and widths."""
    first = STOPS.index(stop) % len(LOOKS)
    return (LOOKS[first if language == "en" else -1 - first],)


def problems_of(page: Page, name: str, examined: Collection[tuple[str, int]]) -> list[str]:
    """What is wrong with an open page: its width in each look, and what axe-core finds in those to be examined."""
    problems = list[str]()
    page.evaluate(Axe().axe_script)
    for theme, width in LOOKS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        where = f"{theme}, {width} px: "
        problems += [f"{where}{place} is wider than its place" for place in page.evaluate(OVERFLOWING)]
        problems += [f"{where}the button {text!r} takes more than two lines" for text in page.evaluate(SQUEEZED)]
        if (theme, width) in examined:
            problems += [
                f"{where}{one['id']}: {node['html'][:200]} {node.get('failureSummary', '')}"
                for one in page.evaluate(EXAMINE)["violations"]
                for node in one["nodes"]
            ]
        if SCREENSHOTS:
            seen = re.sub(r"\W+", "-", f"{name}-{theme}-{width}")
            page.screenshot(path=Path(SCREENSHOTS) / f"{seen}.png", full_page=True)
    return problems


def walk(demo: Demo, stop: Stop, language: str, examined: Collection[tuple[str, int]]) -> list[str]:
    """What is wrong with a page in one language."""
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
    problems = problems_of(page, f"{stop.as_}{stop.path}-{language}", examined)
    if language == "ru":
        problems += [f"untranslated: {text}" for text in page.evaluate(EVERY_TEXT) if text in ENGLISH]
    page.close()
    return problems + seen.problems


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("stop", STOPS, ids=name_of)
def test_a_page_is_whole_readable_and_speaks_one_language(demo: Demo, stop: Stop, language: str):
    assert walk(demo, stop, language, a_quarter(stop, language)) == []


@pytest.mark.soak
@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("stop", STOPS, ids=name_of)
def test_a_page_is_readable_in_each_theme_at_each_width(demo: Demo, stop: Stop, language: str):
    assert walk(demo, stop, language, LOOKS) == []


def test_each_page_is_examined_in_both_themes_and_at_both_widths():
    for stop in STOPS:
        themes, widths = zip(*a_quarter(stop, "en"), *a_quarter(stop, "ru"), strict=True)
        assert (set(themes), set(widths)) == (set(THEMES), set(WIDTHS)), stop


def test_every_page_is_walked_over():
    router = Router(pages())
    walked = {found["GET"].name for stop in STOPS if (found := router.find(stop.path.partition("?")[0])[0])}
    wanted = {page.name for page in pages() if page.method == "GET" and not page.is_part}
    assert wanted - walked == set(ELSEWHERE)
