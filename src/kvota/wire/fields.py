"""The kinds of values that requests are made of, with their bounds (RULES §9), and how instants are written."""

import datetime as dt
import re
from typing import Annotated

import msgspec
from msgspec import Meta

from kvota.core.catalogue import MAX_AMOUNT, MAX_QUANTITY
from kvota.core.commands import MAX_HOLD_SECONDS
from kvota.core.periods import EPOCH, MAX_INSTANT, Instant, instant, milliseconds

MAX_MEASURE = 10**15
MAX_NAMES = 100
MAX_OPERATIONS = 1000
MAX_PAGE = 1000

ID_PATTERN = r"^[A-Za-z0-9._:@-]{1,64}\Z"
PRINTABLE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]*\Z"
_NO_EMAIL = r"\s@<>()\[\],;:\\\"\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff"
EMAIL_PATTERN = rf"^[^{_NO_EMAIL}]{{1,64}}@[^{_NO_EMAIL}.]{{1,63}}(?:\.[^{_NO_EMAIL}.]{{1,63}})*\Z"
ASCII_PATTERN = r"^[\x20-\x7e]*\Z"

Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Text = Annotated[str, Meta(min_length=1, max_length=200, pattern=PRINTABLE_PATTERN)]
Note = Annotated[str, Meta(max_length=200, pattern=PRINTABLE_PATTERN)]
ShortText = Annotated[str, Meta(min_length=1, max_length=64, pattern=PRINTABLE_PATTERN)]
Email = Annotated[str, Meta(min_length=3, max_length=254, pattern=EMAIL_PATTERN)]
Key = Annotated[str, Meta(min_length=1, max_length=200, pattern=ASCII_PATTERN)]
Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT)]
AmountOrZero = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
SignedAmount = Annotated[int, Meta(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
Seconds = Annotated[int, Meta(ge=1, le=MAX_HOLD_SECONDS)]
Quantities = Annotated[dict[ShortText, Annotated[int, Meta(ge=0, le=MAX_QUANTITY)]], Meta(max_length=MAX_NAMES)]
Measures = Annotated[dict[ShortText, Annotated[int, Meta(ge=0, le=MAX_MEASURE)]], Meta(max_length=MAX_NAMES)]
Names = Annotated[tuple[ShortText, ...], Meta(max_length=MAX_NAMES)]

INSTANT_RULE = (
    "must be an instant of RFC 3339 with its offset, such as 2026-11-01T00:00:00.000Z, "
    "no finer than a millisecond, in the years 1970 to 2099"
)
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,3})0{0,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # fmt: skip
_ID = re.compile(ID_PATTERN)


def is_id(text: str) -> bool:
    """Whether the caller may name a company, a user or a cap so."""
    return _ID.match(text) is not None


def parse_instant(text: str) -> Instant:
    """An instant of RFC 3339; ``ValueError`` for a naive one, a finer one, or one outside of 1970 to 2099."""
    parts = _INSTANT.fullmatch(text)
    if parts is None:
        raise ValueError(INSTANT_RULE)
    date, clock, fraction, offset = parts.groups()
    zone = "+00:00" if offset in ("Z", "z") else offset
    try:
        at = milliseconds(dt.datetime.fromisoformat(f"{date}T{clock}.{(fraction or '').ljust(3, '0')}{zone}"))
    except (ValueError, OverflowError):
        raise ValueError(INSTANT_RULE) from None
    if not 0 <= at < MAX_INSTANT:
        raise ValueError(INSTANT_RULE)
    return instant(at)


def dec_hook(kind: type, value: object) -> object:
    """Read what msgspec cannot: instants."""
    if kind is Instant and isinstance(value, str):
        return parse_instant(value)
    raise ValueError(INSTANT_RULE)


def enc_hook(value: object) -> str:
    """Write what msgspec cannot: instants, always with milliseconds."""
    if isinstance(value, Instant):
        return str(value)
    raise NotImplementedError(type(value).__name__)


encode = msgspec.json.Encoder(enc_hook=enc_hook).encode
"""Any reply as JSON."""

__all__ = ["EPOCH", "Instant", "dec_hook", "enc_hook", "encode", "is_id", "parse_instant"]
