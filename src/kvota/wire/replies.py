"""What callers get, exactly as the contract names it. Amounts are AI requests; instants are UTC with milliseconds."""

from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from kvota.core.account import CapPer, HoldStatus
from kvota.core.balance import AllowanceStatus
from kvota.core.catalogue import Price
from kvota.core.limits import Reason
from kvota.wire.fields import Instant

T = TypeVar("T")


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A body of a reply."""


class Page(Reply, Generic[T], frozen=True, kw_only=True):
    """``next`` is what to ask ``after`` for the next page; null on the last one."""

    items: list[T]
    next: str | int | None = None


class BoostPaid(Reply, frozen=True, kw_only=True):
    id: str
    amount: int


class PaidBy(Reply, frozen=True, kw_only=True):
    """Who paid; boosts in the order drawn."""

    allowance: int
    boosts: list[BoostPaid]


class Charge(Reply, frozen=True, kw_only=True):
    id: str
    status: Literal["charged"] = "charged"
    company: str
    action: str
    tool: str
    user: str | None
    department: str | None
    subject: str | None
    quantities: dict[str, int]
    cost: int
    paid_by: PaidBy
    at: Instant
    period_start: Instant
    entry: int
    catalogue: str
    available: int


class Hold(Reply, frozen=True, kw_only=True):
    """``cost`` is null while it is open; ``paid_by`` then says where the requests are set aside."""

    id: str
    status: HoldStatus
    company: str
    action: str
    tool: str
    user: str | None
    department: str | None
    subject: str | None
    quantities: dict[str, int]
    held: int
    cost: int | None
    returned: int
    written_off: int
    charge: str | None
    paid_by: PaidBy
    at: Instant
    expires_at: Instant
    closed_at: Instant | None
    entry: int
    catalogue: str
    available: int


class Refund(Reply, frozen=True, kw_only=True):
    id: str
    charge: str
    amount: int
    returned_to: PaidBy
    lost: int
    at: Instant


class Boost(Reply, frozen=True, kw_only=True):
    """``boost`` is the catalogue's, null where an amount was granted."""

    id: str
    boost: str | None
    amount: int
    used: int
    held: int
    remaining: int
    added_at: Instant
    expires_at: Instant


class Period(Reply, frozen=True, kw_only=True):
    start: Instant
    end: Instant
    time_zone: str


class Allowance(Reply, frozen=True, kw_only=True):
    granted: int
    used: int
    held: int
    remaining: int
    status: AllowanceStatus


class Boosts(Reply, frozen=True, kw_only=True):
    remaining: int
    held: int
    items: list[Boost]


class Hourly(Reply, frozen=True, kw_only=True):
    limit: int
    used: int
    remaining: int
    next_slot_at: Instant | None


class Balance(Reply, frozen=True, kw_only=True):
    company: str
    at: Instant
    plan: str
    scheduled_plan: str | None
    period: Period
    allowance: Allowance
    boosts: Boosts
    available: int
    hourly: Hourly | None
    renews_at: Instant


class WayOut(Reply, frozen=True, kw_only=True):
    kind: Literal["boost", "plan", "cap", "wait"]
    id: str | None
    price: Price | None
    at: Instant | None


class Decline(Reply, frozen=True, kw_only=True):
    reason: Reason
    cost: int
    available: int
    short_by: int
    renews_at: Instant
    retry_at: Instant | None
    cap: str | None
    ways_out: list[WayOut]


class Part(Reply, frozen=True, kw_only=True):
    part: str
    quantity: int | UnsetType = UNSET
    cost: int


class Quote(Reply, frozen=True, kw_only=True):
    approved: bool
    cost: int
    breakdown: list[Part]
    paid_by: PaidBy | None
    decline: Decline | None
    balance: Balance | None


class PlanChange(Reply, frozen=True, kw_only=True):
    """``after`` is the balance as it will be at ``effective_at``."""

    from_plan: str = msgspec.field(name="from")
    to_plan: str = msgspec.field(name="to")
    effective_at: Instant
    before: Balance
    after: Balance


class Company(Reply, frozen=True, kw_only=True):
    id: str
    name: str
    plan: str
    time_zone: str
    locale: str
    allowance_override: int | None
    tools_off: list[str]
    require_user: bool
    suspended: bool
    created_at: Instant


class Order(Reply, frozen=True, kw_only=True):
    id: str
    boost: str
    amount: int
    price: Price | None
    status: Literal["pending", "paid", "dropped"]
    warning: str | None
    credited: Boost | None


class Scope(Reply, frozen=True, kw_only=True):
    """Exactly one of them."""

    user: str | UnsetType = UNSET
    users: Literal["each"] | UnsetType = UNSET
    department: str | UnsetType = UNSET
    tool: str | UnsetType = UNSET


class Cap(Reply, frozen=True, kw_only=True):
    id: str
    scope: Scope
    requests: int
    per: CapPer
    until: Instant | None


class ApiKey(Reply, frozen=True, kw_only=True):
    id: str
    role: str
    user: str | None
    label: str | None
    actions: list[str] | None
    created_at: Instant


class NewApiKey(Reply, frozen=True, kw_only=True):
    """``key`` is the secret; it is shown this once."""

    id: str
    role: str
    user: str | None
    label: str | None
    actions: list[str] | None
    key: str


class Person(Reply, frozen=True, kw_only=True):
    """Somebody of the users' directory. A usage that names no department takes this one."""

    id: str
    name: str | None
    email: str | None
    department: str | None


class AllowanceSums(Reply, frozen=True, kw_only=True):
    used: int
    held: int


class BoostSums(Reply, frozen=True, kw_only=True):
    remaining: int
    held: int


class BalanceAfter(Reply, frozen=True, kw_only=True):
    available: int
    allowance: AllowanceSums
    boosts: BoostSums


class Entry(Reply, frozen=True, kw_only=True):
    """One fact of the ledger; ``details`` is what only this kind of fact says."""

    company: str
    seq: int
    at: Instant
    kind: str
    action: str | None
    tool: str | None
    user: str | None
    department: str | None
    subject: str | None
    quantities: dict[str, int] | None
    measures: dict[str, int] | None
    cost: int | None
    paid_by: PaidBy | None
    balance: BalanceAfter
    catalogue: str
    key: str | None
    by: str | None
    hash: str
    details: dict[str, Any]


class UsageRow(Reply, frozen=True, kw_only=True):
    """The keys that were asked for, and the sums. ``hour`` is the instant at which the local hour begins."""

    hour: Instant | UnsetType = UNSET
    day: str | UnsetType = UNSET
    tool: str | UnsetType | None = UNSET
    action: str | UnsetType | None = UNSET
    user: str | UnsetType | None = UNSET
    department: str | UnsetType | None = UNSET
    calls: int
    requests: int
    refunded: int
    written_off: int


class UsageTotal(Reply, frozen=True, kw_only=True):
    calls: int
    requests: int
    refunded: int
    written_off: int


class DeclineCount(Reply, frozen=True, kw_only=True):
    reason: str
    tool: str
    count: int


class UsageReport(Reply, frozen=True, kw_only=True):
    rows: list[UsageRow]
    total: UsageTotal
    declines: list[DeclineCount]


class Clock(Reply, frozen=True, kw_only=True):
    now: Instant


class BatchResult(Reply, frozen=True, kw_only=True):
    """``body`` is what the call alone would have answered: a charge, a hold, or a problem."""

    status: int
    body: msgspec.Raw


class BatchResults(Reply, frozen=True, kw_only=True):
    results: list[BatchResult]


class FaultyField(Reply, frozen=True, kw_only=True):
    field: str
    message: str
    value: Any


class Problem(Reply, frozen=True, kw_only=True):
    """RFC 9457. ``code`` never changes; a decline tells more, from ``reason`` on."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FaultyField] | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    cost: int | UnsetType = UNSET
    available: int | UnsetType = UNSET
    short_by: int | UnsetType = UNSET
    renews_at: Instant | UnsetType = UNSET
    retry_at: Instant | UnsetType | None = UNSET
    cap: str | UnsetType | None = UNSET
    ways_out: list[WayOut] | UnsetType = UNSET
