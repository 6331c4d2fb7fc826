"""What sets two catalogues apart, in words."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

from kvota.catalogue_file.toml_tables import named
from kvota.core.catalogue import Catalogue

_SECTIONS = ("tools", "actions", "plans", "boosts")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Path = tuple[str, ...]


def differences(old: Catalogue, new: Catalogue) -> list[str]:
    """One line for each value that differs, and one for each tool, action, plan or boost that came or went.

    ``actions.follow_up.stages.overview: 1 → 2``, in the order of the new file, what is gone last. Empty where both say
    the same, in whatever order.
    """
    was, now = dict(_leaves(old, ())), dict(_leaves(new, ()))
    came, went = _entries(new) - _entries(old), _entries(old) - _entries(new)
    lines: dict[Path, str] = {}
    for path in dict.fromkeys((*now, *was)):
        entry = path[:2]
        if entry in came:
            lines.setdefault(entry, f"{named(entry)}: added ({_told(entry, now)})")
        elif entry in went:
            lines.setdefault(entry, f"{named(entry)}: removed ({_told(entry, was)})")
        elif was.get(path) != now.get(path):
            lines[path] = f"{named(path)}: {was.get(path, 'none')} → {now.get(path, 'none')}"
    return list(lines.values())


def _entries(catalogue: Catalogue) -> set[Path]:
    return {
        (section, name) for section in _SECTIONS for name in cast("Mapping[str, object]", getattr(catalogue, section))
    }


def _told(entry: Path, leaves: Mapping[Path, str]) -> str:
    return ", ".join(f"{named(path[2:])} {value}" for path, value in leaves.items() if path[:2] == entry)


def _leaves(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Every single value below ``path``, as the file writes it; an entry's ``id`` is its key already."""
    match value:
        case msgspec.Struct():
            for field in value.__struct_fields__:
                if field != "id" or not path:
                    yield from _leaves(getattr(value, field), (*path, field))
        case Mapping():
            for key, inner in cast("Mapping[str, object]", value).items():
                yield from _leaves(inner, (*path, key))
        case _:
            if text := _written(value, path):
                yield path, text


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
