"""What a member asks his administrator for: more. No fact of a ledger, so that it can be erased with the person."""

from typing import Literal

from kvota.core.catalogue import Value
from kvota.core.notices import Event, event

AppealStatus = Literal["open", "granted", "refused"]


class Appeal(Value, frozen=True, kw_only=True):
    """``wanted`` AI requests more. ``action``, ``reason`` and ``cap`` are those of the decline that led to it.

    A granted one names the cap that was set for it (``set_cap``), or the order that was placed (``order_id``).
    """

    company: str
    id: str
    user: str
    text: str | None = None
    wanted: int | None = None
    action: str | None = None
    reason: str | None = None
    cap: str | None = None
    status: AppealStatus = "open"
    asked_at: int
    closed_at: int | None = None
    closed_by: str | None = None
    answer: str | None = None
    set_cap: str | None = None
    order_id: str | None = None


def made(appeal: Appeal) -> Event:
    """What a company is told of a new one: not its text, which is erased with the person."""
    about = {"user": appeal.user, "wanted": appeal.wanted, "action": appeal.action, "reason": appeal.reason}
    return event(
        appeal.company, "appeal.made", appeal.id, appeal.asked_at, {"appeal": appeal.id, **about, "cap": appeal.cap}
    )
