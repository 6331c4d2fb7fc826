"""Catalogues as they are loaded: the editions, what one changes, and what last month would have been under it."""

from typing import Any

from kvota.wire.fields import Instant
from kvota.wire.replies import Reply


class Edition(Reply, frozen=True, kw_only=True):
    """One loaded catalogue; ``number`` and ``loaded_at`` are null in a dry run."""

    number: int | None
    id: str
    version: str
    effective_at: Instant
    loaded_at: Instant | None
    in_force: bool


class CatalogueChange(Reply, frozen=True, kw_only=True):
    """One difference to the version before.

    ``entry`` is the plan, action, boost or tool, ``field`` its value; where a whole entry came or went ``field`` is
    null, and ``before`` or ``after`` holds all its values.
    """

    section: str
    entry: str | None
    field: str | None
    before: Any
    after: Any
    text: str


class MonthSums(Reply, frozen=True, kw_only=True):
    calls: int
    requests: int
    written_off: int


class ReasonCount(Reply, frozen=True, kw_only=True):
    reason: str
    count: int


class LastMonth(Reply, frozen=True, kw_only=True):
    """A company's last calendar month.

    ``declined`` are the declines that were counted then; ``newly_declined`` the calls that ran then and would not
    have run under the catalogue.
    """

    company: str
    plan: str
    start: Instant
    end: Instant
    before: MonthSums
    after: MonthSums
    declined: list[ReasonCount]
    newly_declined: list[ReasonCount]


class LastMonthTotal(Reply, frozen=True, kw_only=True):
    """The sums of this page."""

    companies: int
    before: MonthSums
    after: MonthSums
    declined: list[ReasonCount]
    newly_declined: list[ReasonCount]


class LastMonths(Reply, frozen=True, kw_only=True):
    """A page of the companies that had calls or declines last month, by id."""

    items: list[LastMonth]
    next: str | None
    total: LastMonthTotal


class OfferedCatalogue(Reply, frozen=True, kw_only=True):
    """A catalogue that was loaded, or would be; ``last_month`` is null where it is no dry run."""

    dry_run: bool
    edition: Edition
    compared_with: str | None
    changes: list[CatalogueChange]
    last_month: LastMonths | None
