"""A TOML table read key by key: what is wrong is noted with its line and reading goes on, so that all is found at once.

A value that is wrong or absent reads as None (or as empty), for the caller to build on; nothing that was built on it is
ever used, since ``Mistakes.raise_if_any`` comes last.
"""

import difflib
import math
import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, time
from typing import cast

from kvota.errors import FieldError, FileInvalid
from kvota.toml_file.lines import Path, Place

MAX_MISTAKES = 1_000
MAX_LISTED = 50
MAX_ELEMENTS = 1_000
_SHOWN = 80
_MAX_JSON_INTEGER = 2**53
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Mistakes:
    """What is wrong with a file, in the order of its lines."""

    def __init__(self, places: Mapping[Path, Place], kind: type[FileInvalid]) -> None:
        self._places, self._kind = places, kind
        self._found: list[tuple[int, FieldError]] = []
        self._more = 0

    def add(self, path: Path, message: str, value: object = None) -> None:
        """Note a mistake; of more than ``MAX_MISTAKES`` only the number."""
        if self.is_full:
            self._more += 1
            return
        line = self.line(path)
        self._found.append((line, FieldError(f"line {line}: {named(path)}", message, shown(value))))

    @property
    def is_full(self) -> bool:
        """Whether further mistakes are only counted."""
        return len(self._found) >= MAX_MISTAKES

    def line(self, path: Path) -> int:
        """The line of the key, or of the nearest table around it that the file has."""
        while path and path not in self._places:
            path = path[:-1]
        return self._places[path].line if path else 1

    def value_at(self, path: Path) -> int | None:
        """The offset of the key's value in the text."""
        place = self._places.get(path)
        return place.value_at if place else None

    def raise_if_any(self) -> None:
        """Raise an error of the file's kind with all that was noted."""
        if not self._found:
            return
        errors = [error for _, error in sorted(self._found, key=lambda found: found[0])]
        count = len(errors) + self._more
        first = f"{errors[0].field}: {errors[0].message}"
        what = self._kind.what
        detail = f"The {what} has {count} mistakes; the first is {first}" if count > 1 else f"The {what}: {first}"
        if self._more:
            errors.append(FieldError("and more", f"{self._more} further mistakes are not listed"))
        raise self._kind(f"{detail}.", errors=errors)


class Table:
    """One table; ``known`` are the keys that it may have, None where the keys are names of the file's own."""

    def __init__(
        self, values: Mapping[str, object], path: Path, mistakes: Mistakes, known: Collection[str] | None = None
    ) -> None:
        self.values, self.path, self.mistakes = values, path, mistakes
        for key in values if known is not None else ():
            if key not in (known or ()):
                self.refuse(key, f"is not known here{self.choices(key, known or ())}")

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def refuse(self, key: str, message: str, value: object = None) -> None:
        """Note a mistake at ``key``."""
        self.mistakes.add((*self.path, key), message, value)

    def whole(self, key: str, lowest: int, highest: int, *, required: bool = False) -> int | None:
        """A whole number from ``lowest`` to ``highest``."""
        value = self.values.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self._wrong(key, f"a whole number from {lowest:,} to {highest:,}", required=required)
        return None

    def text(self, key: str, pattern: re.Pattern[str], allowed: str, *, required: bool = False) -> str | None:
        """A text that ``pattern`` matches in full; ``allowed`` says in words which do."""
        value = self.values.get(key)
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self._wrong(key, allowed, required=required)
        return None

    def flag(self, key: str) -> bool:
        """``true`` or ``false``; false where nothing is said."""
        value = self.values.get(key)
        if isinstance(value, bool):
            return value
        self._wrong(key, "true or false, without quotes")
        return False

    def instant(self, key: str) -> datetime | None:
        """A required date-time with an offset."""
        value = self.values.get(key)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value
        example = "a date-time with its offset, without quotes, such as 2026-11-01T00:00:00Z"
        self._wrong(key, example, required=True)
        return None

    def texts(self, key: str, pattern: re.Pattern[str], allowed: str) -> tuple[str, ...]:
        """A list of texts that ``pattern`` matches in full, each of them once."""
        values = self.values.get(key)
        if not isinstance(values, list) or len(cast("list[object]", values)) > MAX_ELEMENTS:
            self._wrong(key, f"a list of at most {MAX_ELEMENTS:,} elements, each of them {allowed},")
            return ()
        found: list[str] = []
        for number, value in enumerate(cast("list[object]", values)):
            path = (*self.path, key, number)
            if not isinstance(value, str) or not pattern.fullmatch(value):
                self.mistakes.add(path, f"{allowed} is needed, not {kind(value)}", value)
            elif value in found:
                self.mistakes.add(path, "stands twice in the list; once is enough", value)
            else:
                found.append(value)
        return tuple(found)

    def table(self, key: str, known: Collection[str] | None = None, *, required: bool = False) -> "Table":
        """The table below ``key``, empty if it is absent or none."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            self._wrong(key, "a table", required=required)
            value = {}
        return Table(cast("dict[str, object]", value), (*self.path, key), self.mistakes, known)

    def tables(self, pattern: re.Pattern[str], allowed: str, known: Collection[str]) -> dict[str, "Table"]:
        """Every entry of this table as a table, by its name, which ``pattern`` must match in full."""
        found: dict[str, Table] = {}
        for name in self.names(pattern, allowed):
            if isinstance(self.values[name], dict):
                found[name] = self.table(name, known)
            else:
                self._wrong(name, "a table")
        return found

    def names(self, pattern: re.Pattern[str], allowed: str) -> list[str]:
        """The keys of this table, which are names of the file's own."""
        for name in self.values:
            if not pattern.fullmatch(name):
                self.refuse(name, f"a name here is {allowed}", name)
        return [name for name in self.values if pattern.fullmatch(name)]

    def choices(self, name: str, known: Collection[str]) -> str:
        """The rest of a message on ``name``: which of ``known`` may have been meant, and which there are."""
        if self.mistakes.is_full:
            return ""
        listed = list(known)[:MAX_LISTED]
        near = difflib.get_close_matches(name[:_SHOWN], listed, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        more = f" and {len(known) - len(listed)} more" if len(known) > len(listed) else ""
        return f"{meant}; known: {', '.join(listed)}{more}" if listed else "; there are none"

    def _wrong(self, key: str, allowed: str, *, required: bool = False) -> None:
        if key in self.values:
            value = self.values[key]
            self.refuse(key, f"{allowed} is needed, not {kind(value)}", value)
        elif required:
            self.refuse(key, f"is missing; {allowed} is needed")


def named(path: Path) -> str:
    """A path as TOML writes it: ``plans.small.codes[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            text += f".{key[:_SHOWN]}" if text else key[:_SHOWN]
    return text


def kind(value: object) -> str:
    """What a wrong value is, in words."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(shown(value))
        case str():
            return f'"{shown(value)}"'
        case datetime() if value.tzinfo is None:
            return f"{value.isoformat()} without an offset"
        case datetime() | date() | time():
            return f"{value.isoformat()} without quotes"
        case _:
            return f"a list of {len(cast('list[object]', value))}" if isinstance(value, list) else "a table"


def shown(value: object) -> object:
    """``value`` as it can be reported: short, and such that JSON has it."""
    match value:
        case bool() | None:
            return value
        case int():
            return (
                value if abs(value) < _MAX_JSON_INTEGER else f"{value:.3e}" if abs(value) < 10**300 else "a huge number"
            )
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return kind(value)
