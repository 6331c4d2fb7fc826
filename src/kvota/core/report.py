"""Statistics over local dates, as values."""

import msgspec


class UsageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a usage report; ``keys`` in the order of ``by``: an ``hour`` is an instant, a ``day`` a local date."""

    keys: tuple[str | int | None, ...]
    calls: int
    requests: int
    refunded: int
    written_off: int


class UsageReport(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics over local dates. ``declines`` are (reason, tool, count)."""

    by: tuple[str, ...]
    rows: list[UsageLine]
    total: UsageLine
    declines: list[tuple[str, str, int]]
