"""What a store is asked for, what it is given to write, and what it gives back. The contract is ``kvota.store``."""

import msgspec

from kvota.acts import Act
from kvota.core.account import (
    Account,
    Boost,
    Cap,
    Charge,
    Counts,
    DeclineKey,
    Hold,
    Order,
    PaidStage,
    SpendingKey,
    StatisticsKey,
)
from kvota.core.notices import Delivery, Event, Webhook
from kvota.core.state import Written


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The first reply of an idempotency key. ``request`` is the fingerprint, ``reply`` the reply as JSON."""

    company: str
    key: str
    request: str
    at: int
    reply: bytes


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without its secret: ``hash`` is all that is stored. ``company`` is None for an operator's."""

    id: str
    hash: str
    role: str
    company: str | None = None
    user: str | None = None
    label: str | None = None
    actions: tuple[str, ...] | None = None
    created_at: int = 0
    revoked_at: int | None = None


class StoredCatalogue(msgspec.Struct, frozen=True, kw_only=True):
    """One edition as it was loaded: its text, and the instant it takes effect."""

    number: int
    id: str
    version: str
    effective_at: int
    loaded_at: int
    text: str


class Want(msgspec.Struct, kw_only=True):
    """What to load; each list becomes at most one set query. Rows that do not exist are simply absent.

    ``due``: open holds with ``expires_at <= now``. ``funds``: live boosts that have something left, or whose
    ``expires_at <= now``; both are (company, now). ``all_boosts``: every live boost. ``all_holds``: every open hold.
    ``charges``: (company, number of the charge's entry). ``slots``: (company, first, last) numbers of authorised calls,
    both included.
    ``spending``: (company, kind, name, floor): the days from ``floor`` on. ``departments``: (company, user).
    ``levels``: companies.
    """

    keys: list[tuple[str, str]] = []
    holds: list[tuple[str, str]] = []
    charges: list[tuple[str, int]] = []
    subjects: list[tuple[str, str]] = []
    orders: list[tuple[str, str]] = []
    boosts: list[tuple[str, str]] = []
    caps: list[str] = []
    due: list[tuple[str, int]] = []
    funds: list[tuple[str, int]] = []
    all_boosts: list[str] = []
    all_holds: list[str] = []
    slots: list[tuple[str, int, int]] = []
    spending: list[tuple[str, str, str, int]] = []
    departments: list[tuple[str, str]] = []
    levels: list[str] = []


class Rows(msgspec.Struct, kw_only=True):
    """What was found, each row naming its company. ``departments``: (company, user, department).

    ``levels``: (company, percent of the package at which it is told), only of those that have set them.
    """

    remembered: list[Remembered] = []
    holds: list[Hold] = []
    charges: list[Charge] = []
    stages: list[PaidStage] = []
    orders: list[Order] = []
    boosts: list[Boost] = []
    caps: list[Cap] = []
    slots: list[tuple[str, int, int]] = []
    spending: list[tuple[str, SpendingKey, int]] = []
    departments: list[tuple[str, str, str]] = []
    levels: list[tuple[str, tuple[int, ...]]] = []


class Batch(msgspec.Struct, kw_only=True):
    """What one transaction writes. Rows replace those of the same key; counts and amounts are added to what is there.

    No list has a key twice. Entries, remembered replies and the batch itself are only ever added, and a charge has one
    refund: one that is there already is a ``Conflict``.
    ``events`` are told once: one that is there already stays as it is.
    ``moved`` are accounts of which nothing but the columns in ``core.account.MOVING`` has changed. ``created`` are
    accounts that did not exist: if one does by now, ``Conflict``. Stages with nothing standing on them are removed, as
    are the caps in ``caps_gone`` and the spending of the companies in ``spending_gone``.
    """

    id: str
    at: int
    created: list[Account] = []
    accounts: list[Account] = []
    moved: list[Account] = []
    entries: list[Written] = []
    holds: list[Hold] = []
    boosts: list[Boost] = []
    stages: list[PaidStage] = []
    orders: list[Order] = []
    caps: list[Cap] = []
    caps_gone: list[tuple[str, str]] = []
    spending_gone: list[str] = []
    statistics: list[tuple[str, StatisticsKey, Counts]] = []
    spending: list[tuple[str, SpendingKey, int]] = []
    declines: list[tuple[str, DeclineKey, int]] = []
    remembered: list[Remembered] = []
    events: list[Event] = []
    acts: list[Act] = []


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with all that its sending needs. ``webhook`` is None for mail, and for a webhook that is removed."""

    delivery: Delivery
    event: Event
    webhook: Webhook | None
    locale: str
    name: str


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt. ``wait`` is in how many milliseconds the next one is due, None where it was the last.

    ``gone`` says that the target wants nothing any more.
    """

    delivery: Delivery
    problem: str | None = None
    answer: int | None = None
    wait: int | None = None
    gone: bool = False


class EntryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries; ``start`` and ``end`` are instants, half-open."""

    kind: str | None = None
    user: str | None = None
    action: str | None = None
    start: int | None = None
    end: int | None = None


class UsageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows of the statistics; '' stands for those without a user or department."""

    tool: str | None = None
    action: str | None = None
    user: str | None = None
    department: str | None = None


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entry's row as it is: the entry, or the ``problem`` that keeps it from being read.

    ``differing`` names the columns that differ from what the body tells: (column, what it says, what the body tells).
    """

    seq: int
    written: Written | None = None
    problem: str = ""
    differing: tuple[tuple[str, object, object], ...] = ()


class UsageRow(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one span (its index) and one combination of the asked keys; None for a key not asked for."""

    span: int
    tool: str | None = None
    action: str | None = None
    user: str | None = None
    department: str | None = None
    calls: int
    requests: int
    refunded: int
    written_off: int
