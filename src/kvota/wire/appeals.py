"""Appeals as JSON: what is asked, how it is answered, and how it is shown."""

from typing import Literal

from msgspec import UNSET, UnsetType

from kvota.core import appeals as core
from kvota.core.limits import Reason
from kvota.core.periods import instant
from kvota.wire.fields import Amount, AmountOrZero, Id, Instant, ShortText, Text
from kvota.wire.queries import PageQuery
from kvota.wire.replies import Reply
from kvota.wire.requests import Request


class AppealRequest(Request, frozen=True, kw_only=True):
    """``wanted`` AI requests more. ``action``, ``reason`` and ``cap`` are those of the decline that led to it."""

    user: Id | None = None
    text: Text | None = None
    wanted: Amount | None = None
    action: ShortText | None = None
    reason: Reason | None = None
    cap: Id | None = None


class CapChange(Request, frozen=True, kw_only=True):
    """``cap``: a cap that there is; without it the person's own, which is made where there is none."""

    cap: Id | None = None
    requests: AmountOrZero
    per: Literal["day", "week", "month"] | None = None
    until: Instant | None = None


class GrantRequest(Request, frozen=True, kw_only=True):
    """Exactly one of ``cap_change`` and ``boost`` (of the catalogue, which is ordered)."""

    cap_change: CapChange | None = None
    boost: ShortText | None = None
    answer: Text | None = None


class RefuseRequest(Request, frozen=True, kw_only=True):
    answer: Text | None = None


class AppealsQuery(PageQuery, frozen=True, kw_only=True):
    status: core.AppealStatus | UnsetType = UNSET
    user: Id | UnsetType = UNSET


class Appeal(Reply, frozen=True, kw_only=True):
    """A granted one names the cap that was set for it (``set_cap``), or the ``order`` that was placed."""

    id: str
    user: str
    text: str | None
    wanted: int | None
    action: str | None
    reason: str | None
    cap: str | None
    status: core.AppealStatus
    asked_at: Instant
    closed_at: Instant | None
    answer: str | None
    set_cap: str | None
    order: str | None


def appeal(row: core.Appeal) -> Appeal:
    """An appeal as it is shown."""
    return Appeal(
        id=row.id,
        user=row.user,
        text=row.text,
        wanted=row.wanted,
        action=row.action,
        reason=row.reason,
        cap=row.cap,
        status=row.status,
        asked_at=instant(row.asked_at),
        closed_at=None if row.closed_at is None else instant(row.closed_at),
        answer=row.answer,
        set_cap=row.set_cap,
        order=row.order_id,
    )
