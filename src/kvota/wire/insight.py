"""What callers get of the insight. Amounts are AI requests; dates are those of the company's calendar."""

import datetime as dt
from typing import Literal

import msgspec

from kvota.core.catalogue import Price
from kvota.wire.fields import Instant
from kvota.wire.replies import Period, Reply


class Range(Reply, frozen=True, kw_only=True):
    """An 80 % interval: one time in ten it is below ``low``, one in two below ``middle``, one in ten above ``high``."""

    low: int
    middle: int
    high: int


class RunOut(Reply, frozen=True, kw_only=True):
    """The dates on which something is not paid for the first time; null where that is not before ``until``."""

    early: dt.date | None
    middle: dt.date | None
    late: dt.date | None
    until: dt.date


class DayAhead(Reply, frozen=True, kw_only=True):
    """What the period has used by the end of the day."""

    date: dt.date
    used: Range


class Way(Reply, frozen=True, kw_only=True):
    """A way out, and what would be ``available`` by it: a boost or a plan at once; ``at`` is when waiting helps."""

    kind: Literal["boost", "plan", "cap", "wait"]
    id: str | None
    price: Price | None
    at: Instant | None
    available: int | None
    valid_days: int | None


class UsedUp(Reply, frozen=True, kw_only=True):
    """Nothing is left ``since``. ``blocked`` are the actions that cannot run, ``declined`` the calls that were."""

    since: Instant | None
    blocked: list[str]
    declined: int
    renews_at: Instant
    returns_at: Instant | None
    ways_out: list[Way]


class Forecast(Reply, frozen=True, kw_only=True):
    """``expected``: the period's use at its end with nothing in its way; ``missing``: what of it nothing would pay."""

    company: str
    at: Instant
    period: Period
    plan: str
    paying: Literal["package", "boosts", "package_and_boosts", "nothing"]
    package_suspended: bool
    available: int
    basis: Literal["too_thin", "rough", "fair"]
    known_days: int
    verdict: Literal["unknown", "lasts", "may_run_out", "runs_out", "used_up"]
    used: int
    chance: float | None
    expected: Range | None
    missing: Range | None
    runs_out: RunOut | None
    ahead: list[DayAhead]
    used_up: UsedUp | None


class Mix(Reply, frozen=True, kw_only=True):
    """What would have paid for the months ``start`` to ``end`` at the least price; the prices are for all of them."""

    start: str
    end: str
    months: int
    requests: int
    plan: str
    boosts: dict[str, int]
    price: Price
    paid: Price


class Advice(Reply, frozen=True, kw_only=True):
    """One thing to do: what it saves in ``requests``, what they are ``worth``, and the entries behind it."""

    kind: Literal[
        "share_subject", "nearly_free", "made_anew", "repeated", "expired_holds", "bought_early", "buy_later",
        "above_habit", "cheaper_mix",
    ]  # fmt: skip
    requests: int
    calls: int
    worth: Price | None
    action: str | None
    with_action: str | None
    stage: str | None
    quantity: str | None
    value: int | None
    threshold: int | None
    user: str | None
    tool: str | None
    usual: int | None
    on: str | None
    mix: Mix | None
    entries: list[int]


class AdviceReport(Reply, frozen=True, kw_only=True):
    """Advice on the calls from ``start`` to ``at``; ``is_whole`` is false where these are less than 30 days."""

    company: str
    start: Instant = msgspec.field(name="from")
    at: Instant
    entries: int
    is_whole: bool
    advice: list[Advice]
