"""The parameters of queries. An absent one is UNSET, so that no text stands for it; unknown ones are refused."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kvota.wire.fields import MAX_PAGE, Id, Note, ShortText

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE)]
By = Literal["hour", "day", "tool", "action", "user", "department"]
BY: tuple[By, ...] = ("hour", "day", "tool", "action", "user", "department")


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No parameters."""


class PageQuery(Query, frozen=True, kw_only=True):
    """A page: what comes ``after`` the ``next`` of the one before."""

    after: Note = ""
    limit: Limit = 100


class HoldsQuery(PageQuery, frozen=True, kw_only=True):
    status: Literal["open", "captured", "void", "expired"] | UnsetType = UNSET


class ExportQuery(Query, frozen=True, kw_only=True):
    """Which entries. ``from`` and ``to`` are local dates or instants, half-open."""

    kind: ShortText | UnsetType = UNSET
    user: Id | UnsetType = UNSET
    action: ShortText | UnsetType = UNSET
    start: ShortText | UnsetType = msgspec.field(name="from", default=UNSET)
    end: ShortText | UnsetType = msgspec.field(name="to", default=UNSET)


class EntriesQuery(ExportQuery, frozen=True, kw_only=True):
    """A page of them."""

    after: Annotated[int, Meta(ge=0, le=10**15)] = 0
    limit: Limit = 100


class EditionsQuery(Query, frozen=True, kw_only=True):
    """A page of numbered editions."""

    after: Annotated[int, Meta(ge=0, le=10**15)] = 0
    limit: Limit = 100


class CatalogueQuery(PageQuery, frozen=True, kw_only=True):
    """``after`` and ``limit`` are of the companies that a dry run shows."""

    dry_run: Literal["true", "false"] = "false"


class UsageQuery(Query, frozen=True, kw_only=True):
    """Local dates, ``to`` exclusive. ``by``: any of hour, day, tool, action, user, department, with commas between."""

    start: ShortText = msgspec.field(name="from")
    end: ShortText = msgspec.field(name="to")
    by: ShortText = "day"


class StatisticsQuery(Query, frozen=True, kw_only=True):
    """Local dates, ``to`` exclusive. ``without``: user, department or both, for calls that named none.

    ``limit`` is how many users and departments are named.
    """

    start: ShortText = msgspec.field(name="from")
    end: ShortText = msgspec.field(name="to")
    hour: Annotated[int, Meta(ge=0, le=23)] | UnsetType = UNSET
    tool: ShortText | UnsetType = UNSET
    action: ShortText | UnsetType = UNSET
    user: Id | UnsetType = UNSET
    department: ShortText | UnsetType = UNSET
    without: ShortText | UnsetType = UNSET
    limit: Limit = 100


class CountedQuery(StatisticsQuery, frozen=True, kw_only=True):
    """A page of the entries behind them."""

    after: Annotated[int, Meta(ge=0, le=10**15)] = 0
