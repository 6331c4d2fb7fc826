"""What a kind of field allows: as a sentence, and as a test of a value that has been refused."""

import re
from collections.abc import Sized
from typing import Any

from msgspec import inspect

from kvota.wire.fields import ASCII_PATTERN, EMAIL_PATTERN, ID_PATTERN, INSTANT_RULE, Instant, parse_instant

ID_RULE = "must be 1 to 64 characters of A-Z, a-z, 0-9 and . _ : @ -"


def members(info: inspect.Type) -> tuple[list[inspect.Type], bool]:
    """The kinds that a field may have, apart from null, and whether it may be null."""
    while isinstance(info, inspect.Metadata):
        info = info.type
    kinds = list(info.types) if isinstance(info, inspect.UnionType) else [info]
    real = [one for one in kinds if not isinstance(one, inspect.NoneType)]
    return real, len(real) < len(kinds)


def rule(info: inspect.Type) -> str:  # noqa: C901 - one line for each kind of field
    """What is allowed, as a predicate: ``must be …``."""
    match members(info)[0][0]:
        case inspect.IntType(ge=low, le=high) if low is not None or high is not None:
            return f"must be a whole number from {low} to {high}"
        case inspect.IntType():
            return "must be a whole number"
        case inspect.BoolType():
            return "must be true or false"
        case inspect.StrType(pattern=pattern) if pattern == ID_PATTERN:
            return ID_RULE
        case inspect.StrType(pattern=pattern, max_length=high) if pattern == EMAIL_PATTERN:
            return f"must be an e-mail address such as ivan@example.com, of at most {high} characters"
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern) if high is not None:
            which = "printable ASCII" if pattern == ASCII_PATTERN else "printable"
            return f"must be text of {low or 0} to {high} {which} characters"
        case inspect.StrType():
            return "must be text"
        case inspect.LiteralType(values=values):
            return f"must be one of {', '.join(str(one) for one in values)}"
        case inspect.CustomType():
            return INSTANT_RULE
        case inspect.DictType(min_length=low, max_length=high):
            return "must be an object" + (f" of {low or 0} to {high} names" if high is not None else "")
        case inspect.ListType(min_length=low, max_length=high) | inspect.VarTupleType(min_length=low, max_length=high):
            return "must be a list" + (f" of {low or 0} to {high}" if high is not None else "")
        case _:
            return "must be an object"


def is_allowed(info: inspect.Type, value: Any, *, is_text: bool = False) -> bool:  # noqa: ANN401 - any JSON
    """Whether the value itself, not what is in it, is as the rule says. ``is_text``: it comes from a query."""
    match members(info)[0][0]:
        case inspect.IntType(ge=low, le=high):
            number = _whole(value, is_text=is_text)
            return number is not None and (low is None or number >= low) and (high is None or number <= high)
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern):
            return (
                isinstance(value, str)
                and _has_size(value, low, high)
                and (pattern is None or re.search(pattern, value) is not None)
            )
        case inspect.LiteralType(values=values):
            return isinstance(value, str) and value in values
        case inspect.CustomType(cls=cls) if cls is Instant:
            return isinstance(value, str) and _is_instant(value)
        case inspect.DictType(min_length=low, max_length=high):
            return isinstance(value, dict) and _has_size(value, low, high)  # pyright: ignore[reportUnknownArgumentType]
        case inspect.ListType(min_length=low, max_length=high) | inspect.VarTupleType(min_length=low, max_length=high):
            return isinstance(value, list) and _has_size(value, low, high)  # pyright: ignore[reportUnknownArgumentType]
        case inspect.RawType():
            return True
        case _:
            return isinstance(value, dict)


def _whole(value: object, *, is_text: bool) -> int | None:
    if isinstance(value, bool):
        return None
    if is_text and isinstance(value, str):
        return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII) else None
    return value if isinstance(value, int) else None


def _has_size(value: Sized, low: int | None, high: int | None) -> bool:
    return (low is None or len(value) >= low) and (high is None or len(value) <= high)


def _is_instant(text: str) -> bool:
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True
