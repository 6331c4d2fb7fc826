"""What an answer has used, read off the bytes while they pass: tokens, seconds of audio, and what these cost.

Nothing of the answer is changed or asked for: where a service tells no usage (a stream without
``stream_options.include_usage``, say), there is none.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from kvota.upstreams.configuration import Price

MAX_WHOLE = 4 * 1024 * 1024
TAIL = 65_536
MAX_TRIES = 8
MILLION = 1_000_000
MAX_TOKENS = 10**12
_USAGE = b'"usage"'


class Reader:
    """Is fed the pieces of an answer, JSON or events, and then knows its usage. Keeps at most ``MAX_WHOLE`` bytes."""

    def __init__(self, *, is_events: bool) -> None:
        self._is_events = is_events
        self._kept = bytearray()
        self._usage: Mapping[str, Any] | None = None

    def feed(self, piece: bytes) -> None:
        """Take the next piece."""
        self._kept += piece
        if self._is_events:
            self._look_at_events()
        elif len(self._kept) > MAX_WHOLE:
            del self._kept[:-TAIL]

    @property
    def kept_bytes(self) -> int:
        """How much of the answer is in memory."""
        return len(self._kept)

    def _look_at_events(self) -> None:
        end = self._kept.rfind(b"\n") + 1
        if end:
            if self._kept.find(_USAGE, 0, end) >= 0:
                for line in bytes(self._kept[:end]).splitlines():
                    if line.startswith(b"data:") and _USAGE in line:
                        self._usage = _usage_in(line[5:]) or self._usage
            del self._kept[:end]
        elif len(self._kept) > MAX_WHOLE:
            del self._kept[:-TAIL]

    def measures(self, price: Price | None = None, *, images: int = 0) -> dict[str, int]:
        """What was used, by the names of measures; empty where nothing was told and nothing has a price."""
        usage = self._usage or _usage_in(bytes(self._kept)) or {}
        return measures_of(usage, price, images=images)


def measures_of(usage: Mapping[str, Any], price: Price | None, *, images: int = 0) -> dict[str, int]:
    """The measures of a ``usage`` object of any of the routes."""
    context = _count(usage, "prompt_tokens", "input_tokens")
    generated = _count(usage, "completion_tokens", "output_tokens")
    seconds = _count(usage, "seconds")
    cached = _count(_details(usage), "cached_tokens")
    told = {"context_tokens": context, "generated_tokens": generated, "audio_seconds": seconds}
    measures = {name: count for name, count in told.items() if count is not None}
    if cached:
        measures["cached_tokens"] = cached
    if price is not None and (measures or images):
        units = _cost(price, context or 0, min(cached or 0, context or 0), generated or 0)
        units += images * price.image + -(-(seconds or 0) * price.audio_minute // 60)
        measures[f"upstream_cost_micro_{price.currency.lower()}"] = units
    return measures


def _cost(price: Price, context: int, cached: int, generated: int) -> int:
    """In millionths of the currency, rounded up once."""
    cached_price = price.input if price.cached_input is None else price.cached_input
    exact = (context - cached) * price.input + cached * cached_price + generated * price.output
    return -(-exact // MILLION)


def _details(usage: Mapping[str, Any]) -> Mapping[str, Any]:
    found = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _count(usage: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS:
            return -int(-value // 1)
    return None


def _usage_in(text: bytes) -> Mapping[str, Any] | None:
    """The last object called ``usage`` in a text of JSON; inside of a string its quotes would be escaped."""
    at, tries = text.rfind(_USAGE), 0
    while at >= 0 and tries < MAX_TRIES:
        tries += 1
        rest = text[at + len(_USAGE) :].decode("utf-8", "replace").lstrip()
        if rest.startswith(":"):
            try:
                found, _ = json.JSONDecoder().raw_decode(rest[1:].lstrip())
            except ValueError:
                found = None
            if isinstance(found, dict):
                return cast("Mapping[str, Any]", found)
        at = text.rfind(_USAGE, 0, at)
    return None
