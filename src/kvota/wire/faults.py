"""What is wrong with a request that was refused: each field at fault, its value, and what is allowed."""

import json
import math
from collections.abc import Iterator
from typing import cast

from msgspec import UNSET, UnsetType, inspect

from kvota.errors import FieldError
from kvota.wire.rules import is_allowed, members, rule

SHOWN = 200


def shown(value: object) -> object:
    """A value as an error repeats it: short, and fit for JSON."""
    if isinstance(value, str):
        return value if len(value) <= SHOWN else value[:SHOWN] + "…"
    if isinstance(value, bool | UnsetType | None):
        return None if value is UNSET else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    text = _as_text(value)
    return value if len(text) <= SHOWN and not isinstance(value, int) else text[:SHOWN] + "…"


def _as_text(value: object) -> str:
    if isinstance(value, int):
        return str(value) if abs(value) < 10**SHOWN else "an integer of more than 200 digits"
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return "a value that is too large to show"


def faults(info: inspect.Type, value: object, field: str, *, is_text: bool = False) -> Iterator[FieldError]:
    """Each field at fault, in the order of the type's own fields. ``is_text``: the values come from a query."""
    kinds, may_be_null = members(info)
    if value is None and may_be_null:
        return
    kind = kinds[0]
    if len(kinds) > 1:
        yield from _tagged_faults(kinds, value, field)
    elif isinstance(kind, inspect.StructType) and isinstance(value, dict):
        yield from _struct_faults(kind, cast("dict[str, object]", value), field, is_text=is_text)
    elif not is_allowed(kind, value, is_text=is_text):
        yield FieldError(field or "body", rule(kind), shown(value))
    elif isinstance(kind, inspect.DictType):
        yield from _item_faults(kind, cast("dict[str, object]", value), field)
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType):
        for number, item in enumerate(cast("list[object]", value)):
            yield from faults(kind.item_type, item, f"{field}[{number}]")


def _item_faults(kind: inspect.DictType, value: dict[str, object], field: str) -> Iterator[FieldError]:
    for name, item in value.items():
        if not is_allowed(kind.key_type, name):
            yield FieldError(f"{field}.{shown(name)}", "the name " + rule(kind.key_type), shown(name))
        yield from faults(kind.value_type, item, f"{field}.{shown(name)}")


def _struct_faults(
    kind: inspect.StructType, value: dict[str, object], field: str, *, is_text: bool
) -> Iterator[FieldError]:
    prefix = f"{field}." if field else ""
    fields = {one.encode_name: one for one in kind.fields}
    known = [*([kind.tag_field] if kind.tag_field else []), *fields]
    for name, item in value.items():
        if name not in known:
            has = ", ".join(known) or "none"
            yield FieldError(f"{prefix}{shown(name)}", f"is not a known field; known are: {has}", shown(item))
    for name, one in fields.items():
        if name in value:
            yield from faults(one.type, value[name], prefix + name, is_text=is_text)
        elif one.required:
            yield FieldError(prefix + name, "is required: it " + rule(one.type))


def _tagged_faults(kinds: list[inspect.Type], value: object, field: str) -> Iterator[FieldError]:
    """One of several structs, told apart by a tag."""
    structs = {str(one.tag): one for one in kinds if isinstance(one, inspect.StructType)}
    if not isinstance(value, dict):
        yield FieldError(field or "body", "must be an object", shown(value))
        return
    tag_field = next(iter(structs.values())).tag_field or ""
    said = cast("dict[str, object]", value)
    tag = said.get(tag_field)
    if isinstance(tag, str) and tag in structs:
        yield from faults(structs[tag], said, field)
    else:
        name = f"{field}.{tag_field}" if field else tag_field
        yield FieldError(name, f"must be one of {', '.join(structs)}", shown(tag))
