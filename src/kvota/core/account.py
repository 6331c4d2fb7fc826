"""What a company's decisions rest on, as rows: the account with its sums, and the few things that a command names.

Each row is a frozen value and one row of the table of the same name. An account carries sums and nothing that grows
with the ledger; whatever its history, deciding reads one account row and what the command names.
"""

from collections.abc import Mapping
from operator import attrgetter
from typing import Literal, NamedTuple

import msgspec

from kvota.core.catalogue import Price, Value

HoldStatus = Literal["open", "captured", "void", "expired"]
CapPer = Literal["day", "week", "month"]
ScopeKind = Literal["user", "users", "department", "tool"]
SpendingKind = Literal["user", "department", "tool"]
BoostStatus = Literal["live", "expired", "revoked"]


class Draw(NamedTuple):
    """AI requests taken from one source: a period's allowance (``2026-11``) or a boost (``bst_…``)."""

    source: str
    amount: int


Draws = tuple[Draw, ...]


class Account(Value, frozen=True, kw_only=True):
    """A company: its settings, and the sums over its ledger as of its last entry.

    ``used`` and ``held`` are of the allowance in the period ``period``; ``boosts_left`` and ``boosts_held`` are sums
    over the live boosts. ``slept_in`` is the last period in which a boost had something left: with boosts first the
    allowance is suspended in that period. ``slots`` counts authorised calls; ``hour`` is the clock hour of the last
    one, ``hour_slots`` and ``previous_slots`` the counts when that hour and the one before it began.
    ``spending_zones`` are the zones whose midnights cut the sums kept for caps; empty while none are kept.
    """

    company: str
    name: str
    plan: str
    time_zone: str
    created_at: int
    scheduled_plan: str | None = None
    next_time_zone: str | None = None
    locale: str = "en"
    allowance_override: int | None = None
    tools_off: tuple[str, ...] = ()
    require_user: bool = False
    suspended: bool = False
    seq: int = 0
    hash: str = ""
    at: int = 0
    period: int = 0
    period_start: int = 0
    period_end: int = 0
    used: int = 0
    held: int = 0
    boosts_left: int = 0
    boosts_held: int = 0
    live_boosts: int = 0
    open_holds: int = 0
    caps: int = 0
    slept_in: int = 0
    slots: int = 0
    hour: int = 0
    hour_slots: int = 0
    previous_slots: int = 0
    spending_zones: tuple[str, ...] = ()
    orders: int = 0


MOVING = (
    "seq", "hash", "at", "period", "period_start", "period_end", "used", "held", "boosts_left", "boosts_held",
    "live_boosts", "open_holds", "slept_in", "slots", "hour", "hour_slots", "previous_slots",
)  # fmt: skip
"""The columns of an account that move with its ledger; the others are settings, and change when somebody sets them."""
_settings = attrgetter(*(name for name in Account.__struct_fields__ if name not in MOVING))


def has_only_moved(account: Account, before: Account) -> bool:
    """Whether nothing but the ``MOVING`` columns has changed."""
    return _settings(account) == _settings(before)


class Boost(Value, frozen=True, kw_only=True):
    """A boost. Live: usable strictly before ``expires_at``. What is not used and not held is left."""

    company: str
    id: str
    boost: str | None
    amount: int
    added_at: int
    expires_at: int
    order_id: str | None = None
    reason: str | None = None
    used: int = 0
    held: int = 0
    status: BoostStatus = "live"

    @property
    def left(self) -> int:
        """What can still be drawn."""
        return self.amount - self.used - self.held if self.status == "live" else 0

    @property
    def order(self) -> tuple[int, int, str]:
        """The one order among boosts: soonest expiry, then oldest, then id."""
        return (self.expires_at, self.added_at, self.id)


class Usage(Value, frozen=True, kw_only=True):
    """What the caller asks for: one action with its quantities, for whom and on what."""

    action: str
    quantities: Mapping[str, int] = {}
    stages: tuple[str, ...] | None = None
    subject: str | None = None
    user: str | None = None
    department: str | None = None
    measures: Mapping[str, int] = {}


class Hold(Value, frozen=True, kw_only=True):
    """AI requests set aside. ``draws`` is what it took at first; ``paid`` what its capture has paid in the end.

    ``quantities`` are those of the hold, ``captured`` those of its capture, filled in from the hold's.
    """

    company: str
    id: str
    action: str
    tool: str
    user: str | None
    department: str | None
    subject: str | None
    quantities: Mapping[str, int]
    stages: tuple[str, ...] | None
    held: int
    draws: Draws
    at: int
    expires_at: int
    period_start: int
    entry: int
    catalogue: str
    available: int
    measures: Mapping[str, int] = {}
    status: HoldStatus = "open"
    captured: Mapping[str, int] | None = None
    cost: int | None = None
    returned: int = 0
    written_off: int = 0
    charge: str | None = None
    paid: Draws = ()
    closed_at: int | None = None


class StagePart(Value, frozen=True, kw_only=True):
    """A shared stage that a charge stands on, and what the charge itself paid for it (0: it was paid already)."""

    stage: str
    paid: int


class PaidStage(Value, frozen=True, kw_only=True):
    """A shared stage of a subject: how many charges stand on it, which one paid it, from where and for whom."""

    company: str
    subject: str
    stage: str
    standing: int
    charge: str
    draws: Draws
    at: int
    tool: str
    action: str
    user: str | None
    department: str | None


class Cap(Value, frozen=True, kw_only=True):
    """A limit that a company sets. ``name`` is the user, department or tool; None for each user."""

    company: str
    id: str
    scope: ScopeKind
    name: str | None
    requests: int
    per: CapPer
    until: int | None = None


class Charge(Value, frozen=True, kw_only=True):
    """A charge as its entry tells it, and whether it has been refunded (``refund`` is that entry's number)."""

    company: str
    id: str
    action: str
    tool: str
    user: str | None
    department: str | None
    subject: str | None
    quantities: Mapping[str, int]
    cost: int
    draws: Draws
    shared: tuple[StagePart, ...]
    at: int
    period_start: int
    entry: int
    catalogue: str
    available: int
    refund: "Refund | None" = None


class Refund(Value, frozen=True, kw_only=True):
    """A charge given back, once."""

    id: str
    charge: str
    amount: int
    draws: Draws
    lost: int
    at: int


class StatisticsKey(NamedTuple):
    """One row of the statistics: a quarter of an hour (UTC) and who did what where. None is written as ''."""

    quarter: int
    tool: str
    action: str
    user: str
    department: str


class Counts(msgspec.Struct):
    """What a row of the statistics counts."""

    calls: int = 0
    requests: int = 0
    refunded: int = 0
    written_off: int = 0


class SpendingKey(NamedTuple):
    """A sum for caps: what a user, department or tool has spent since ``since``, the start of a local day."""

    kind: SpendingKind
    name: str
    since: int


class DeclineKey(NamedTuple):
    """Declines are counted by local date, reason, tool and user."""

    day: str
    reason: str
    tool: str
    user: str


class Order(Value, frozen=True, kw_only=True):
    """A company's wish to buy a boost. ``suspends``: buying it when it was placed would have suspended the package."""

    company: str
    id: str
    boost: str
    amount: int
    valid_days: int
    price: Price | None
    suspends: bool
    ordered_at: int
    status: Literal["pending", "paid", "dropped"] = "pending"
    reference: str | None = None
    credited: str | None = None
    closed_at: int | None = None
