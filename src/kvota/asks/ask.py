"""What is asked: one call of the API as a value, and a call whose reply comes page by page."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Generic, TypeVar

import msgspec

from kvota.core.periods import Instant, instant, milliseconds
from kvota.errors import Invalid, NotFound
from kvota.wire import replies, requests
from kvota.wire.fields import is_id, parse_instant
from kvota.wire.rules import ID_RULE

T = TypeVar("T")
MAX_KEY = 200
PAGE = 1000


def _itself(reply: Any) -> Any:  # noqa: ANN401 - what the reply is
    return reply


class Ask(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One call. ``operation`` is its name in the API's registry, ``parameters`` what stands in its path.

    ``body`` holds the fields of ``kind`` that were given; ``text`` is a body of the type ``media``. ``reply`` is the
    Struct that comes back, None for nothing; ``take`` makes the caller's value of it. A decline comes back as
    ``replies.Decline``. A reply of another type than JSON is written ``into`` a file, as it comes.
    """

    operation: str
    method: str
    path: str
    parameters: Mapping[str, str] = {}
    kind: type[requests.Request] | None = None
    body: Mapping[str, object] = {}
    text: str = ""
    media: str | None = None
    query: Mapping[str, str] = {}
    reply: Any = None
    comes_as: str = "application/json"
    into: BinaryIO | None = None
    take: Callable[[Any], T] = _itself
    takes_key: bool = False
    key: str | None = None
    missing: str | None = None
    """What there is none of where the code is ``not_found``; the last parameter where nothing is said."""
    is_repeatable: bool = True
    """False where a repeat would do it again: it must not be sent twice."""


class Pages(msgspec.Struct, Generic[T], frozen=True):
    """A list that comes page by page."""

    first: Ask[replies.Page[T]]

    def after(self, place: str | int) -> Ask[replies.Page[T]]:
        """The page after the one whose ``next`` is ``place``."""
        return msgspec.structs.replace(self.first, query={**self.first.query, "after": str(place)})


def company_path(company: str, rest: str = "", /, **parameters: str) -> dict[str, Any]:
    """The path of a call about a company, and its parameters; what no company and no thing can be called is not found.

    ``rest`` is what follows the company, with the names of its parameters in braces.
    """
    named = {"company": company, **parameters}
    for what, name in named.items():
        if not is_id(name):
            raise NotFound(what, name)
    return {"path": f"/v1/companies/{company}" + rest.format(**parameters), "parameters": named}


def own_id(field: str, name: str) -> str:
    """An id that the caller chooses."""
    if not is_id(name):
        raise Invalid.field(field, ID_RULE, name)
    return name


def once(key: str | None) -> dict[str, Any]:
    """A call that takes an idempotency key, and that key."""
    if key is not None and not (1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        raise Invalid.field("key", f"must be 1 to {MAX_KEY} printable ASCII characters", key)
    return {"takes_key": True, "key": key}


def given(**fields: object) -> dict[str, object]:
    """The fields that were given; None stands for one that was not."""
    return {name: value for name, value in fields.items() if value is not None}


def asked(**parameters: str | None) -> dict[str, str]:
    """The parameters of a query that were given; ``start`` and ``end`` are ``from`` and ``to`` there."""
    names = {"start": "from", "end": "to"}
    return {names.get(name, name): value for name, value in parameters.items() if value is not None}


def paged(**parameters: str | None) -> dict[str, str]:
    """The query of a list that comes page by page."""
    return {**asked(**parameters), "limit": str(PAGE)}


def moment(field: str, at: dt.datetime | None) -> Instant | None:
    """An aware datetime as an instant; ``Invalid`` for a naive one, or one finer than a millisecond."""
    if at is None:
        return None
    try:
        return instant(milliseconds(parse_instant(at.isoformat())))
    except ValueError as error:
        raise Invalid.field(field, str(error), at.isoformat()) from None


def date_or_moment(field: str, at: dt.date | None) -> str | None:
    """A local date, or an instant, as a query names it."""
    return str(moment(field, at)) if isinstance(at, dt.datetime) else None if at is None else at.isoformat()
