"""Bars in the terminal, and the statistics drawn with them, in English and Russian."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kvota.cli import OK
from kvota.cli.options import Where

if TYPE_CHECKING:
    from kvota.cli.door import Door
    from kvota.insight.words import Language, Titles
    from kvota.wire.statistics import Statistics, StatisticsLine

WIDTH = 40
SHOWN = 10
LISTS = (
    ("days", "By day", "По дням"),
    ("hours", "By hour of the day", "По часам суток"),
    ("tools", "By tool", "По инструментам"),
    ("actions", "By action", "По действиям"),
    ("users", "By user", "По сотрудникам"),
    ("departments", "By department", "По отделам"),
)


def titles_of(door: "Door", where: Where) -> "Titles":
    """What things of the catalogue are called; what has no title is called by its id."""
    found = door.ask("GET", "catalogue").json
    names: dict[str, str] = {
        name: title.get(where.language) or name
        for things in (found["actions"], found["plans"], found["boosts"])
        for name, title in ((name, one["title"]) for name, one in things.items())
    }
    names.update({name: title.get(where.language) or name for name, title in found["tools"].items()})
    return lambda name: names.get(name, name)


def say_bar(name: str, part: int, of: int, told: str) -> None:
    from kvota.cli.screen import is_fancy, say

    filled = round(WIDTH * min(part, of) / of) if of else 0
    if not is_fancy():
        say(f"  {name:<12} {'#' * filled}{'.' * (WIDTH - filled)} {told}")
        return
    from rich.console import Console
    from rich.text import Text

    line = Text(f"  {name:<12} ")
    line.append("█" * filled, style="cyan").append("░" * (WIDTH - filled), style="dim").append(f" {told}")
    Console().print(line)


def draw_statistics(door: "Door", company: str, days: Mapping[str, str], where: Where) -> int:
    """Who used what and when; with ``--json`` the reply itself."""
    import msgspec

    from kvota.cli.screen import is_told
    from kvota.wire.fields import dec_hook
    from kvota.wire.statistics import Statistics

    answer = door.ask("GET", "companies", company, "statistics", query={**days, "limit": SHOWN})
    if is_told(answer, where):
        return OK
    said = msgspec.json.decode(answer.body, type=Statistics, dec_hook=dec_hook)
    _say_statistics(said, titles_of(door, where), _language(where))
    return OK


def _language(where: Where) -> Any:  # noqa: ANN401 - the two that there are
    return where.language


def _say_statistics(said: "Statistics", titles: "Titles", language: "Language") -> None:
    from kvota.cli.screen import note, say
    from kvota.insight import figures

    for line in figures.total(said, language):
        say(line)
    if not said.total.calls and not said.total.before.calls:
        note("За эти дни ничего не израсходовано." if language == "ru" else "Nothing was used in these days.")
    for name, english, russian in LISTS:
        lines: Sequence[StatisticsLine] = getattr(said, name)
        if said.total.calls or said.total.before.calls:
            say("")
            say(russian if language == "ru" else english)
            _say_lines(lines, titles, language)
    if said.declines:
        say("")
        say("Отклонено" if language == "ru" else "Declined")
        most = max(one.count for one in said.declines)
        for one in said.declines:
            told = figures.compared(one.count, one.before, language)
            say_bar(f"{figures.reason(one.reason, language)}, {titles(one.tool)}", one.count, most, told)


def _say_lines(lines: "Sequence[StatisticsLine]", titles: "Titles", language: "Language") -> None:
    from kvota.insight import figures

    most = max([1, *(line.requests - line.refunded for line in lines)])
    names = [figures.name(line, titles, language) for line in lines]
    width = max(map(len, names))
    for name, line in zip(names, lines, strict=True):
        spent = line.requests - line.refunded
        told = figures.compared(spent, line.before.requests - line.before.refunded, language)
        say_bar(f"{name:<{width}}", max(0, spent), most, told)
