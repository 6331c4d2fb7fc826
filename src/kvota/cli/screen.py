"""What is written for people: tables and colours on a terminal, plain aligned text everywhere else."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any, cast

from kvota.cli import NO, OK
from kvota.cli.door import Answer
from kvota.cli.options import Output
from kvota.cli.problems import refuse

Cell = object


def is_fancy() -> bool:
    """Whether stdout is a terminal whose owner has not asked for NO_COLOR."""
    if not sys.stdout.isatty():
        return False
    from rich.console import Console

    return not Console().no_color


def say(text: str) -> None:
    """One line."""
    sys.stdout.write(text + "\n")


def note(text: str) -> None:
    """One line that is not the answer itself."""
    sys.stderr.write(text + "\n")


def is_told(answer: Answer, output: Output) -> bool:
    """Tell what needs no table: a refusal (which ends the command), or the reply as JSON. False: show it yourself."""
    if answer.status >= 400:  # noqa: PLR2004 - a problem
        refuse(answer, output)
    if output.json:
        if answer.body:
            say(answer.body.decode())
        return True
    return False


def facts(title: str, pairs: Iterable[tuple[str, Cell]]) -> None:
    """What is known of one thing, line by line."""
    rows = [(name, text(value)) for name, value in pairs]
    if not is_fancy():
        say(title)
        width = max((len(name) for name, _ in rows), default=0)
        for name, value in rows:
            say(f"  {name:<{width}}  {value}".rstrip())
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=False, title_style="bold")
    table.add_column(style="cyan")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    Console().print(table, markup=False)


def listing(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Things of one kind, one a line; whole numbers to the right."""
    found = [list(row) for row in rows]
    right = [bool(found) and all(isinstance(row[n], int) for row in found) for n in range(len(columns))]
    told = [[text(cell) for cell in row] for row in found]
    if not is_fancy():
        _plain(columns, told, right)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="cyan")
    for name, to_right in zip(columns, right, strict=True):
        table.add_column(name, justify="right" if to_right else "left", overflow="fold")
    for row in told:
        table.add_row(*row)
    Console().print(table, markup=False)


def _plain(columns: Sequence[str], rows: list[list[str]], right: list[bool]) -> None:
    lines = [list(columns), *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(columns))]
    for line in lines:
        cells = [
            f"{cell:>{width}}" if to_right else f"{cell:<{width}}"
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        say("  ".join(cells).rstrip())


def text(value: Any) -> str:  # noqa: ANN401 - any JSON
    """A value of the API's JSON in a cell."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case {"amount": int(amount), "currency": str(currency)}:
            return f"{amount / 100:.2f} {currency}"
        case {"allowance": int(allowance), "boosts": boosts}:
            parts = [f"allowance {allowance}"] if allowance or not boosts else []
            return ", ".join(parts + [f"{one['id']} {one['amount']}" for one in cast("list[Any]", boosts)])
        case dict():
            return ", ".join(f"{name}={text(one)}" for name, one in cast("dict[str, Any]", value).items()) or "-"
        case list():
            return ", ".join(text(one) for one in cast("list[Any]", value)) or "-"
        case _:
            return str(value)


def show_fields(answer: Answer, output: Output, title: str) -> int:
    """One thing, every field of it; its id goes into the title."""
    if not is_told(answer, output):
        fields = dict(answer.json)
        name = fields.pop("id", "")
        facts(f"{title} {name}".rstrip(), [(key.replace("_", " "), value) for key, value in fields.items()])
    return OK


def page(title: str, answer: Answer, output: Output, columns: Sequence[tuple[str, str]]) -> int:
    """A page of things; ``columns`` are (heading, name in the JSON)."""
    if is_told(answer, output):
        return OK
    found = answer.json
    items, following = found["items"], found["next"]
    listing(title, [heading for heading, _ in columns], [[item.get(name) for _, name in columns] for item in items])
    if not items:
        note("None.")
    elif following is not None:
        note(f"There are more: --after {following}")
    return OK


def declined(decline: dict[str, Any], what: str = "Declined") -> int:
    """A decline, and the ways out."""
    pairs: list[tuple[str, Cell]] = [
        ("cost", decline["cost"]),
        ("available", decline["available"]),
        ("short by", decline["short_by"]),
        ("renews at", decline["renews_at"]),
        ("retry at", decline["retry_at"] or "not by waiting"),
    ]
    if decline.get("cap"):
        pairs.append(("cap", decline["cap"]))
    reason, detail = decline["reason"], decline.get("detail")  # a quote's decline has no detail
    facts(f"{what}: {detail} ({reason})" if detail else f"{what}: {reason}", pairs)
    ways = [[way["kind"], way["id"], way["price"], way["at"]] for way in decline["ways_out"]]
    if ways:
        listing("Ways out", ["way out", "id", "price", "at"], ways)
    return NO
