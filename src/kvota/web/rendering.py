"""From templates to HTML, in the language and with the navigation of who came."""

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from kvota.asgi.languages import Language
from kvota.core.catalogue import Catalogue, Price
from kvota.insight import words
from kvota.web.assets import Assets
from kvota.web.page import Page
from kvota.web.visit import Visit
from kvota.web.wording import LANGUAGES, Wording, load_texts


class NavItem(NamedTuple):
    """One line of the navigation."""

    text: str
    path: str
    is_here: bool
    waiting: int = 0
    """How many things wait there."""


class Renderer:
    """One environment for each language."""

    def __init__(self, pages: Sequence[Page], assets: Assets) -> None:
        self._nav = sorted((page for page in pages if page.nav is not None), key=lambda page: page.nav or 0)
        texts = load_texts()
        self.wordings: dict[Language, Wording] = {one: Wording(texts, one) for one in LANGUAGES}
        self._environments = {one: _environment(self.wordings[one], assets) for one in LANGUAGES}

    def render(self, visit: Visit, template: str, **values: Any) -> bytes:  # noqa: ANN401
        """The page as it is sent."""
        found = self._environments[visit.language].get_template(template)
        flash = visit.take_flash() if not visit.came.is_part else ""
        return found.render(
            visit=visit,
            form=visit.form,
            errors=visit.errors,
            nav=self._navigation(visit),
            flash=flash if flash in self.wordings[visit.language] and flash.startswith("flash.") else "",
            **values,
        ).encode()

    def bare(self, language: Language, **values: Any) -> bytes:  # noqa: ANN401
        """A page that knows nobody, and says what is wrong."""
        return self._environments[language].get_template("bare.html").render(**values).encode()

    def _navigation(self, visit: Visit) -> list[NavItem]:
        session = visit.maybe_session
        company = visit.parameters.get("company") or (session and session.company)
        wording = self.wordings[visit.language]
        items: list[NavItem] = []
        for page in self._nav:
            is_open = page.roles is None or (session is not None and session.role in page.roles)
            if not is_open or ("company" in page.parameters and not company):
                continue
            path = page.path.replace("{company}", company or "")
            is_here, count = path == visit.came.path, visit.counts.get(page.name, 0)
            items.append(NavItem(wording(f"nav.{page.name}"), path, is_here, count))
        return items


def _environment(wording: Wording, assets: Assets) -> Environment:
    language: Language = wording.language
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=PackageLoader("kvota.web"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    there: dict[str, Any] = {
        "t": wording, "asset": assets.url, "language": language, "titles": partial(titles, language), "json": as_json,
    }  # fmt: skip
    cast("dict[str, Any]", environment.globals).update(there)
    cast("dict[str, Any]", environment.filters).update(_filters(language))
    return environment


def _filters(language: Language) -> dict[str, Any]:  # noqa: C901 - a list of short functions
    """How values are told: ``{{ at | moment(zone) }}``, ``{{ count | counted('requests') }}``."""

    def number(value: int) -> str:
        return words.number(value, language)

    def money(price: Price) -> str:
        return words.money(price, language)

    def date(day: dt.date | str) -> str:
        return words.date(day if isinstance(day, dt.date) else dt.date.fromisoformat(day), language)

    def counted(count: int, what: str) -> str:
        return words.counted(count, what, language)

    def word(count: int, what: str) -> str:
        return words.plural(count, what, language)

    def titled(name: str, named: words.Titles) -> str:
        return named(name)

    def told(at: dt.datetime | int, zone: str) -> str:
        return moment(at, zone, language)

    def day(at: dt.datetime | int, zone: str) -> str:
        return words.date(local(at, zone).date(), language)

    def titled_pairs(names: Iterable[str], named: words.Titles) -> list[tuple[str, str]]:
        return [(name, named(name)) for name in names]

    def paired(names: Iterable[str], also: str) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted({*names, also})]

    return {
        "number": number, "money": money, "date": date, "counted": counted, "word": word, "titled": titled,
        "moment": told, "day": day, "titled_pairs": titled_pairs, "paired": paired,
    }  # fmt: skip


def local(at: dt.datetime | int, zone: str) -> dt.datetime:
    """An instant, or milliseconds since the epoch, by the clocks of a zone."""
    if isinstance(at, int):
        return dt.datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    return at.astimezone(ZoneInfo(zone))


def moment(at: dt.datetime | int, zone: str, language: Language) -> str:
    """``27 November, 14:05``."""
    there = local(at, zone)
    return f"{words.date(there.date(), language)}, {there:%H:%M}"


def as_json(value: object) -> str:
    """What a script of ours reads."""
    return msgspec.json.encode(value).decode()


def titles(language: Language, catalogue: Catalogue) -> words.Titles:
    """What the things of a catalogue are called; what has no title is called by its id."""
    names: dict[str, str] = {}
    for things in (catalogue.actions, catalogue.plans, catalogue.boosts):
        names.update((name, one.title.get(language) or name) for name, one in things.items())
    names.update((name, title.get(language) or name) for name, title in catalogue.tools.items())
    return lambda name: names.get(name, name)
