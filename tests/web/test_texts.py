"""The texts: both languages have each, with the same places, and each is used."""

import re
from importlib import resources
from string import Formatter

import pytest

from kvota.web.pages import pages
from kvota.web.wording import load_texts

TEXTS = load_texts()
SOURCES = "\n".join(
    file.read_text()
    for folder in (".", "templates", "pages")
    for file in resources.files("kvota.web").joinpath(folder).iterdir()
    if file.name.endswith((".html", ".py"))
)
BUILT = (
    "nav.",
    *re.findall(r"""\bt\(['"]([a-z_.]+)['"] ~""", SOURCES),
    *re.findall(r"""wording\(f"([a-z_.]+)\{""", SOURCES),
)

"""Beginnings of keys that are put together from a name."""


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_stands_in_both_languages_with_the_same_places(key: str):
    pair = TEXTS[key]
    assert pair.keys() == {"en", "ru"}
    assert all(text.strip() for text in pair.values())
    places = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in pair.values()]
    assert places[0] == places[1]


@pytest.mark.parametrize("key", TEXTS)
def test_a_text_is_used(key: str):
    assert key in SOURCES or key.startswith(BUILT)


def test_every_key_that_is_asked_for_is_there():
    asked = set(re.findall(r"""\bt\(['"]([a-z_.0-9]+)['"]\s*[,)]""", SOURCES))
    assert len(asked) > 50
    assert asked <= TEXTS.keys()


def test_every_page_of_the_navigation_has_its_word():
    assert {f"nav.{page.name}" for page in pages() if page.nav is not None} <= TEXTS.keys()
