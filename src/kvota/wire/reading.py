"""Reading bodies and queries: a request, or an error that names each field at fault, its value and what is allowed.

msgspec decides what is valid; what it refuses is looked at a second time, to say why. JSON with a name twice is found
always: re-encoded, a document in which a name came twice has fewer colons than it had, and one with escapes is read
again by the slower decoder.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import inspect

from kvota.errors import FieldError, Invalid, Malformed
from kvota.wire.faults import SHOWN, faults
from kvota.wire.fields import dec_hook

T = TypeVar("T")
MAX_ERRORS = 20
_decode_any = msgspec.json.Decoder().decode
_encode_any = msgspec.json.Encoder().encode


@lru_cache(maxsize=128)
def _decoder(kind: object) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, dec_hook=dec_hook)  # type: ignore[call-overload]


def read_body(kind: type[T], body: bytes) -> T:
    """A request from its JSON; an empty body is ``{}``. Raises ``Malformed`` or ``Invalid``."""
    body = body or b"{}"
    try:
        value = _decoder(kind).decode(body)
    except (ValueError, RecursionError) as error:
        raise _refusal(kind, body, error) from None
    if _repeats_a_name(body):
        _document(body)
    return value


def read_part(kind: object, part: msgspec.Raw) -> Any:  # noqa: ANN401 - of that kind, which may be a union
    """A part of a body that has been read already, so no name comes twice in it. Raises ``Invalid``."""
    try:
        return _decoder(kind).decode(part)
    except (ValueError, RecursionError) as error:
        raise _refusal(kind, bytes(part), error) from None


def read_query(kind: type[T], query: Mapping[str, str]) -> T:
    """A query's parameters: text, read as what the fields are."""
    errors = list(faults(inspect.type_info(kind), dict(query), "", is_text=True))
    if errors:
        raise _invalid(errors, "")
    return msgspec.convert(query, kind, strict=False, dec_hook=dec_hook)


def _repeats_a_name(body: bytes) -> bool:
    """Whether it may repeat one. ``body`` is valid JSON."""
    return b"\\" in body or _encode_any(_decode_any(body)).count(b":") != body.count(b":")


class _Repeated(Exception):
    """A name came twice in one object."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Repeated(next(name for name in names if names.count(name) > 1))
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= SHOWN else 10 ** (SHOWN + 1)


_strict = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer)


def _document(body: bytes) -> object:
    """The document of a body; raises ``Malformed``."""
    try:
        document: object = _strict.decode(body.decode())
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} does not belong. Send JSON in UTF-8.") from None
    except UnicodeEncodeError:
        raise Malformed("The body has half of a surrogate pair. Send whole characters, in UTF-8.") from None
    except _Repeated as error:
        raise Malformed(f"The name {str(error)[:SHOWN]!r} comes twice in one object. Send each name once.") from None
    except RecursionError:
        raise Malformed("The body is nested too deeply. Send the object that the call describes.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"The body is not JSON: {where}. Send one JSON object, in UTF-8.") from None
    except ValueError:
        raise Malformed(
            "The body is not JSON: it has a number that JSON does not know. Send one JSON object."
        ) from None
    return document


def _refusal(kind: object, body: bytes, error: Exception) -> Malformed | Invalid:
    document = _document(body)
    if not isinstance(error, msgspec.ValidationError):
        return Malformed("The body is not JSON as RFC 8259 has it. Send one JSON object, in UTF-8.")
    return _invalid(list(faults(inspect.type_info(kind), document, "")), str(error))


def _invalid(errors: list[FieldError], message: str) -> Invalid:
    errors = errors[:MAX_ERRORS]
    return Invalid("; ".join(f"{one.field}: {one.message}" for one in errors) or message, errors=errors)
