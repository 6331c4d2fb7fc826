"""A company's state while commands are decided: what was loaded, what has changed since, and what is to be written."""

from typing import Self

import msgspec

from kvota.core.account import (
    Account,
    Boost,
    Cap,
    Charge,
    Counts,
    DeclineKey,
    Draws,
    Hold,
    Order,
    PaidStage,
    Refund,
    SpendingKey,
    SpendingKind,
    StatisticsKey,
)
from kvota.core.entries import Entry
from kvota.core.periods import day, month_name, quarter, week
from kvota.core.shares import Rise

replace = msgspec.structs.replace


class Written(msgspec.Struct, frozen=True):
    """An entry, the bytes that were hashed, and the hash."""

    entry: Entry
    body: bytes
    hash: str


class Changes(msgspec.Struct):
    """What a state's commands ask the store to write: rows by id, and amounts to add.

    ``writes`` counts entries and changed orders: what makes a command one that has written something. ``rises`` are
    those of the share of the package that is used.
    """

    entries: list[Written] = []
    writes: int = 0
    is_account_changed: bool = False
    holds: set[str] = set()
    boosts: set[str] = set()
    caps: set[str] = set()
    stages: set[tuple[str, str]] = set()
    orders: set[str] = set()
    statistics: dict[StatisticsKey, Counts] = {}
    spending: dict[SpendingKey, int] = {}
    declines: dict[DeclineKey, int] = {}
    rises: list[Rise] = []

    def copy(self) -> "Changes":
        """An independent copy."""
        return Changes(
            list(self.entries),
            self.writes,
            self.is_account_changed,
            set(self.holds),
            set(self.boosts),
            set(self.caps),
            set(self.stages),
            set(self.orders),
            {key: msgspec.structs.replace(counts) for key, counts in self.statistics.items()},
            dict(self.spending),
            dict(self.declines),
            list(self.rises),
        )


class State:
    """One company. Rows are frozen; the dictionaries are this state's own.

    ``boosts`` holds the live ones that have something left, and those that a loaded hold or charge has drawn from;
    ``holds`` the ones that commands name and those that are due. ``is_complete`` says that *every* open hold and
    live boost is there, which only declines, previews and balances need. ``slot_times`` has the instants of the
    authorised calls that the hourly limit may ask for, by their number. ``spending`` has the sums of the users,
    departments and tools that the commands name.
    """

    __slots__ = (
        "account", "boosts", "caps", "changes", "charges", "company", "holds", "is_complete", "orders", "slot_times",
        "spending", "stages",
    )  # fmt: skip

    def __init__(self, company: str, account: Account | None) -> None:
        self.company = company
        self.account = account
        self.holds: dict[str, Hold] = {}
        self.boosts: dict[str, Boost] = {}
        self.caps: dict[str, Cap] = {}
        self.charges: dict[str, Charge] = {}
        self.stages: dict[tuple[str, str], PaidStage] = {}
        self.orders: dict[str, Order] = {}
        self.spending: dict[tuple[str, str], dict[int, int]] = {}
        self.slot_times: dict[int, int] = {}
        self.is_complete = False
        self.changes = Changes()

    def fork(self) -> Self:
        """A state that can be carried on without changing this one."""
        other = type(self).__new__(type(self))
        other.company, other.account, other.is_complete = self.company, self.account, self.is_complete
        other.holds, other.boosts, other.caps = dict(self.holds), dict(self.boosts), dict(self.caps)
        other.charges, other.stages, other.orders = dict(self.charges), dict(self.stages), dict(self.orders)
        other.spending = {of: dict(days) for of, days in self.spending.items()}
        other.slot_times = dict(self.slot_times)
        other.changes = self.changes.copy()
        return other

    @property
    def known(self) -> Account:
        """The account of a company that exists."""
        if self.account is None:
            raise AssertionError(f"{self.company} has no account")
        return self.account

    def open_holds(self) -> list[Hold]:
        """The open holds that are loaded, soonest expiry first."""
        return sorted((h for h in self.holds.values() if h.status == "open"), key=lambda h: (h.expires_at, h.id))

    def live_boosts(self) -> list[Boost]:
        """The live boosts that are loaded, in the one order among boosts."""
        return sorted((b for b in self.boosts.values() if b.status == "live"), key=lambda b: b.order)

    def paid_stages(self, subject: str | None) -> frozenset[str]:
        """The shared stages that the subject has paid."""
        if subject is None or not self.stages:
            return frozenset()
        return frozenset(stage for (of, stage), row in self.stages.items() if of == subject and row.standing > 0)

    # What apply() uses to change it.

    def put_hold(self, hold: Hold) -> None:
        """Add or change a hold."""
        self.holds[hold.id] = hold
        self.changes.holds.add(hold.id)

    def put_order(self, order: Order) -> None:
        """Add or change an order."""
        self.orders[order.id] = order
        self.changes.orders.add(order.id)
        self.changes.writes += 1

    def put_boost(self, boost: Boost) -> None:
        """Add or change a boost, and the account's sums over the live ones."""
        before = self.boosts.get(boost.id)
        live_before = before if before is not None and before.status == "live" else None
        live_after = boost if boost.status == "live" else None
        account = self.known
        self.account = replace(
            account,
            boosts_left=account.boosts_left
            + (live_after.left if live_after else 0)
            - (live_before.left if live_before else 0),
            boosts_held=account.boosts_held
            + (live_after.held if live_after else 0)
            - (live_before.held if live_before else 0),
            live_boosts=account.live_boosts + (live_after is not None) - (live_before is not None),
        )
        self.boosts[boost.id] = boost
        self.changes.boosts.add(boost.id)

    def move(self, draws: Draws, *, used: int = 0, held: int = 0) -> None:
        """Move what was drawn: ``used`` and ``held`` are +1, 0 or -1 times each amount, at its own source.

        An allowance whose period is over has no counters any more. A live boost that is drawn from, or that something
        comes back to, has had something left in this period: with boosts first the allowance sleeps (RULES §4).
        """
        for source, amount in draws:
            account = self.known
            boost = self.boosts.get(source)
            if boost is not None:
                self.put_boost(replace(boost, used=boost.used + used * amount, held=boost.held + held * amount))
                if boost.status == "live":
                    self.account = replace(self.known, slept_in=account.period)
            elif source.startswith("bst_"):
                raise AssertionError(f"{self.company}: {source} is not loaded")
            elif source == month_name(account.period):
                self.account = replace(
                    account, used=max(0, account.used + used * amount), held=account.held + held * amount
                )

    def count(self, key: StatisticsKey, *, calls: int = 0, requests: int = 0, refunded: int = 0, off: int = 0) -> None:
        """Add to a row of the statistics."""
        counts = self.changes.statistics.setdefault(key, Counts())
        counts.calls += calls
        counts.requests += requests
        counts.refunded += refunded
        counts.written_off += off

    def spend(self, user: str | None, department: str | None, tool: str, at: int, amount: int) -> None:
        """Add to the sums that caps need, in the day of the call itself; written only where they are kept."""
        account = self.known
        if not amount or (at < account.period_start and at < spending_floor(account)):
            return
        since = spending_since(account, at)
        names: tuple[tuple[SpendingKind, str | None], ...] = (
            ("user", user),
            ("department", department),
            ("tool", tool),
        )
        for kind, name in names:
            if name is not None:
                days = self.spending.setdefault((kind, name), {})
                days[since] = days.get(since, 0) + amount
                if account.spending_zones:
                    key = SpendingKey(kind, name, since)
                    self.changes.spending[key] = self.changes.spending.get(key, 0) + amount

    def spent(self, kind: str, name: str, start: int) -> int:
        """What was spent, or is held, since the start of a day."""
        return sum(amount for since, amount in self.spending.get((kind, name), {}).items() if since >= start)

    def put_refund(self, charge: str, refund: Refund) -> None:
        """Note that a charge has been given back."""
        if (row := self.charges.get(charge)) is not None:
            self.charges[charge] = replace(row, refund=refund)


def spending_floor(account: Account) -> int:
    """No window of a cap begins before this instant, in a zone that matters or by whose midnights the sums are cut."""
    at = max(account.at, account.period_start)
    return min(account.period_start, *(week(zone, at).start for zone in {*zones_of(account), *account.spending_zones}))


def spending_since(account: Account, at: int) -> int:
    """The sum in which a call at ``at`` counts: that of its day, cut at the midnights of all zones that matter.

    And cut where the period began: after a change of zone that may be no midnight of theirs.
    """
    starts = [day(zone, at).start for zone in account.spending_zones or zones_of(account)]
    return max(*starts, account.period_start if account.period_start <= at else starts[0])


def zones_of(account: Account) -> tuple[str, ...]:
    """The zone in force, and the one that waits for the next period."""
    return (account.time_zone,) if account.next_time_zone is None else (account.time_zone, account.next_time_zone)


def statistics_key(at: int, tool: str, action: str, user: str | None, department: str | None) -> StatisticsKey:
    """The row in which a call that began at ``at`` counts."""
    return StatisticsKey(quarter(at), tool, action, user or "", department or "")
