"""What sets two catalogues apart, in words and as data."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

import msgspec

from kvota.core.catalogue import Catalogue
from kvota.toml_file import named

_SECTIONS = ("tools", "actions", "plans", "boosts")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Path = tuple[str, ...]


class Change(NamedTuple):
    """One difference. ``field`` is the value's name in its entry, None where a whole entry came or went.

    ``before`` and ``after`` are values as JSON has them; of an entry that came or went its values by their names.
    """

    section: str
    entry: str | None
    field: str | None
    before: object
    after: object
    text: str


def differences(old: Catalogue, new: Catalogue) -> list[str]:
    """The changes in words: ``actions.follow_up.stages.overview: 1 → 2``."""
    return [change.text for change in changes(old, new)]


def changes(old: Catalogue, new: Catalogue) -> list[Change]:
    """One for each value that differs, and one for each tool, action, plan or boost that came or went.

    In the order of the new file, what is gone last. Empty where both say the same, in whatever order.
    """
    was, now = dict(_leaves(old, ())), dict(_leaves(new, ()))
    came, went = _entries(new) - _entries(old), _entries(old) - _entries(new)
    found: dict[Path, Change] = {}
    for path in dict.fromkeys((*now, *was, *sorted(came | went))):  # a tool may have no value at all
        entry = path[:2]
        if entry in came or entry in went:
            if entry not in found:
                found[entry] = _came_or_went(entry, now if entry in came else was, is_new=entry in came)
        elif (before := was.get(path)) != (after := now.get(path)):
            text = f"{named(path)}: {_told_value(before, path)} → {_told_value(after, path)}"
            section, name, field = _place(path)
            found[path] = Change(section, name, field, _plain(before, path), _plain(after, path), text)
    return list(found.values())


def _came_or_went(entry: Path, leaves: Mapping[Path, object], *, is_new: bool) -> Change:
    own = {path[2:]: (path, value) for path, value in leaves.items() if path[:2] == entry}
    told = ", ".join(f"{named(name)} {_written(value, path)}" for name, (path, value) in own.items())
    values = {named(name): _plain(value, path) for name, (path, value) in own.items()}
    text = f"{named(entry)}: {'added' if is_new else 'removed'}{f' ({told})' if told else ''}"
    return Change(entry[0], entry[1], None, None if is_new else values, values if is_new else None, text)


def _place(path: Path) -> tuple[str, str | None, str]:
    if path[0] in _SECTIONS:
        return path[0], path[1], named(path[2:])
    return (
        (path[0], None, named(path[1:]))
        if path[0] in ("policy", "bitrix24", "gateway")
        else ("catalogue", None, named(path))
    )


def _told_value(value: object, path: Path) -> str:
    return "none" if value is None and _written(None, path) == "" else _written(value, path)


def _plain(value: object, path: Path) -> object:
    """The value as JSON has it."""
    match value:
        case int() if path == ("effective_from",):
            return _instant(value)
        case tuple() | frozenset():
            items = cast("tuple[str, ...] | frozenset[str]", value)
            return sorted(items) if isinstance(items, frozenset) else list(items)
        case _:
            return value


def _entries(catalogue: Catalogue) -> set[Path]:
    return {
        (section, name) for section in _SECTIONS for name in cast("Mapping[str, object]", getattr(catalogue, section))
    }


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    """Every single value below ``path`` that a file would write; an entry's ``id`` is its key already."""
    match value:
        case msgspec.Struct():
            for field in value.__struct_fields__:
                if field != "id" or not path:
                    yield from _leaves(getattr(value, field), (*path, field))
        case Mapping():
            for key, inner in cast("Mapping[str, object]", value).items():
                yield from _leaves(inner, (*path, key))
        case _:
            if _written(value, path):
                yield path, value


def _written(value: object, path: Path) -> str:
    match value:
        case None:
            return "all" if path[0] == "plans" and path[-1] == "actions" else ""
        case bool():
            return str(value).lower()
        case int():
            return _instant(value) if path == ("effective_from",) else str(value)
        case tuple() | frozenset():
            items = cast("tuple[str, ...] | frozenset[str]", value)
            return f"[{', '.join(sorted(items) if isinstance(items, frozenset) else items)}]" if items else ""
        case _:
            return f'"{value}"'


def _instant(milliseconds: int) -> str:
    instant = _EPOCH + timedelta(milliseconds=milliseconds)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
