"""What a batch of commands needs to know: from the commands to rows of the store, and from rows to states."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise

from kvota.catalogue_file import parse
from kvota.core import commands as c
from kvota.core.account import Account
from kvota.core.catalogue import Book, Catalogue, Edition
from kvota.core.entries import entry_number
from kvota.core.limits import recent_slots
from kvota.core.periods import DAY, HOUR, Span, day, is_time_zone
from kvota.core.state import State, replace, spending_floor, zones_of
from kvota.core.timeline import now_of
from kvota.store import Loading, Remembered, Rows, Store, Transaction, Want

PROBES = 64
Clock = Callable[[Loading], int]


class Library:
    """The catalogues of a store, parsed once; asks the store only whether there is a newer one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._number = -1
        self._book: Book | None = None

    def book(self, number: int) -> Book:
        """The book with every catalogue up to the given number."""
        if self._book is None or number != self._number:
            stored = self._store.catalogues()
            self._book = Book([Edition(effective_at=one.effective_at, catalogue=parse(one.text)) for one in stored])
            self._number = stored[-1].number
        return self._book


class Loader:
    """Loads states through one snapshot, or through a transaction that may also begin to keep sums for caps."""

    def __init__(self, view: Loading, book: Book, clock: int, transaction: Transaction | None = None) -> None:
        self.view, self.book, self.clock, self.transaction = view, book, clock, transaction
        self._has_departments = view.has_departments()
        self._departments: dict[tuple[str, str], str] = {}

    def states(
        self, accounts: dict[str, Account], commands: Iterable[c.Command]
    ) -> tuple[dict[str, State], dict[tuple[str, str], Remembered]]:
        """One state for each company that the commands name, with everything that their decisions look at.

        And the first replies of the idempotency keys that are known, by company and key.
        """
        by_company: dict[str, list[c.Command]] = {}
        for command in commands:
            by_company.setdefault(command.company, []).append(command)
        states = {name: State(name, accounts.get(name)) for name in by_company}
        want = Want()
        for name, asked in by_company.items():
            state = states[name]
            if state.account is not None:
                self._want_company(want, state, asked)
                for command in asked:
                    self._want_command(want, state.account, command)
        remembered = self._take_all(states, want)
        for name, asked in by_company.items():
            if states[name].account is not None and any(isinstance(one, c.QuoteUsage) for one in asked):
                self.count_hour(states[name])
        return states, {(one.company, one.key): one for one in remembered}

    def with_department(self, command: c.Command) -> c.Command:
        """The command with the department that the directory has for its user, where it names none itself."""
        if not self._departments or not isinstance(command, c.UseAssistant):
            return command
        usage = command.usage
        if usage.user is None or usage.department is not None:
            return command
        department = self._departments.get((command.company, usage.user))
        return command if department is None else replace(command, usage=replace(usage, department=department))

    def _want_company(self, want: Want, state: State, asked: Sequence[c.Command]) -> None:
        account, now = state.known, now_of(state, self.clock)
        if account.open_holds:
            want.due.append((account.company, now))
        if account.live_boosts:
            want.funds.append((account.company, now))
        if self.may_be_capped(account, asked):
            if account.caps:
                want.caps.append(account.company)
            zones = _zones_that_matter(account, asked)
            if self.transaction is not None and not zones <= {*account.spending_zones}:
                state.account = account = self._keep_spending(self.transaction, account, zones, now)
                state.changes.is_account_changed = True
        calls = sum(isinstance(command, c.UseAssistant) for command in asked)
        for limit in self.book.hourly_limits(now) if calls else ():
            if recent_slots(account, now) + calls > limit:
                first = max(1, account.slots + 1 - limit)
                want.slots.append((account.company, first, min(account.slots, first + calls)))

    def may_be_capped(self, account: Account, asked: Sequence[c.Command]) -> bool:
        """Whether a cap may apply to the company's calls, or come to apply by one of the commands.

        Or would apply on some plan: a decline tries all of them, to name those that would let the call through.
        """
        return (
            account.caps > 0
            or self.book.has_capped_plans
            or any(isinstance(command, c.SetCap | c.RemoveCap) for command in asked)
        )

    def _keep_spending(self, transaction: Transaction, account: Account, zones: Collection[str], now: int) -> Account:
        """From here on the sums for caps are kept, cut at every midnight of the zones."""
        account = replace(account, spending_zones=tuple(sorted({*zones, *account.spending_zones})))
        transaction.rebuild_spending(account.company, spending_days(account, now))
        return account

    def _want_command(self, want: Want, account: Account, command: c.Command) -> None:
        company = command.company
        if command.key is not None:
            want.keys.append((company, command.key))
        match command:
            case c.QuoteUsage():
                self._want_usage(want, account, command)
                want.all_boosts.append(company)
            case c.UseAssistant():
                self._want_usage(want, account, command)
            case c.CaptureHold() | c.VoidHold():
                want.holds.append((company, command.hold))
            case c.RefundCharge() | c.MeasureCharge():
                number = entry_number(command.charge, "chg")
                if number is not None:
                    want.charges.append((company, number))
            case c.ConfirmOrder() | c.DropOrder():
                want.orders.append((company, command.order))
            case c.RevokeBoost():
                want.boosts.append((company, command.boost))
            case _:
                pass

    def _want_usage(self, want: Want, account: Account, command: c.UseAssistant) -> None:
        usage = command.usage
        action = self._catalogue(account).actions.get(usage.action)
        if action is None:
            return
        if self._has_departments and usage.user is not None and usage.department is None:
            want.departments.append((account.company, usage.user))
        if usage.subject is not None and action.once_per_subject:
            want.subjects.append((account.company, usage.subject))
        if account.spending_zones:
            floor = spending_floor(account)
            for kind, name in (("user", usage.user), ("department", usage.department), ("tool", action.tool)):
                if name is not None:
                    want.spending.append((account.company, kind, name, floor))

    def _catalogue(self, account: Account) -> Catalogue:
        return self.book.at(max(self.clock, account.at))

    def complete(self, state: State, *, only_now: bool = False) -> None:
        """Load every open hold and live boost of a company, and the instants of its recent calls.

        ``only_now``: of the calls no more than what a balance at this instant needs.
        """
        account = state.known
        want = Want(all_boosts=[state.company])
        if account.open_holds:
            want.all_holds.append(state.company)
        if not only_now:
            want.slots += self.recent(account)
        self._take_all({state.company: state}, want)
        if only_now:
            self.count_hour(state)
        state.is_complete = True

    def count_hour(self, state: State) -> None:
        """Load the instants that tell how many calls there were in the last 60 minutes, and when the next may be.

        Calls are numbered in order of time: between one that was before the hour and one that was not, some look-ups
        at a time narrow down where it began, however many calls it has.
        """
        account, now = state.known, now_of(state, self.clock)
        limits, recent = self.book.hourly_limits(now), recent_slots(account, now)
        if not limits:
            return
        wanted = {account.slots + 1 - limit for limit in limits if recent >= limit}
        before, last = account.slots - recent, account.slots
        while before < last or wanted:
            probes = {*range(before + 1, last + 1, (last - before + PROBES - 1) // PROBES or 1)}
            self._take_all({state.company: state}, Want(slots=[(state.company, n, n) for n in sorted(wanted | probes)]))
            wanted.clear()
            before = max((n for n in probes if state.slot_times[n] <= now - HOUR), default=before)
            last = min((n - 1 for n in probes if state.slot_times[n] > now - HOUR), default=last)

    def recent(self, account: Account) -> list[tuple[str, int, int]]:
        """The calls that the hourly limit may count now, or ask for: those of the last two clock hours at most."""
        now = max(self.clock, account.at)
        ranges: list[tuple[str, int, int]] = []
        for limit in self.book.hourly_limits(now):
            recent = recent_slots(account, now)
            first = max(1, account.slots + 1 - max(recent, limit if recent >= limit else 0))
            if first <= account.slots:
                ranges.append((account.company, first, account.slots))
        return ranges

    def _take_all(self, states: dict[str, State], want: Want) -> list[Remembered]:
        """Load, and then what the loaded rows name in their turn, until nothing is missing."""
        seen: set[tuple[str, str]] = set()
        remembered: list[Remembered] = []
        while want != Want():
            rows = self.view.load(_distinct(want))
            remembered += rows.remembered
            want = _take(states, rows, seen)
            want.spending += self._take_departments(states, rows)
        return remembered

    def _take_departments(self, states: dict[str, State], rows: Rows) -> list[tuple[str, str, str, int]]:
        """Note the departments of users; the sums for caps that are to be loaded for them."""
        wanted: list[tuple[str, str, str, int]] = []
        for company, user, department in rows.departments:
            self._departments[company, user] = department
            account = states[company].known
            if account.spending_zones:
                wanted.append((company, "department", department, spending_floor(account)))
        return wanted


def spending_days(account: Account, now: int) -> list[Span]:
    """The days for which sums for caps are kept: cut at every midnight of the account's zones, until tomorrow."""
    cuts = {account.period_start}
    for zone in account.spending_zones:
        at = spending_floor(account)
        while at <= now + DAY:
            span = day(zone, at)
            cuts.add(span.start)
            at = span.end
    return [Span(*pair) for pair in pairwise(sorted(cuts))]


def _zones_that_matter(account: Account, asked: Sequence[c.Command]) -> set[str]:
    """The zone in force, the one that waits, and those that the commands name: a later one looks ahead at its days."""
    named = {command.time_zone for command in asked if isinstance(command, c.PutCompany)}
    return {*zones_of(account), *(zone for zone in named if isinstance(zone, str) and is_time_zone(zone))}


def _distinct(want: Want) -> Want:
    return Want(**{name: list(dict.fromkeys(getattr(want, name))) for name in want.__struct_fields__})


def _take(states: dict[str, State], rows: Rows, seen: set[tuple[str, str]]) -> Want:
    """Put rows into their states, where newer ones stay; returns what they name and is not loaded yet."""
    _put(states, rows)
    more = Want()
    drawn = [(row.company, row.draws) for row in (*rows.holds, *rows.charges, *rows.stages)]
    for company, source in ((company, one.source) for company, draws in drawn for one in draws):
        if source.startswith("bst_") and (company, source) not in seen and source not in states[company].boosts:
            seen.add((company, source))
            more.boosts.append((company, source))
    for company, name in ((row.company, row.subject) for row in (*rows.holds, *rows.charges)):
        if name is not None and (company, "subject " + name) not in seen:
            seen.add((company, "subject " + name))
            more.subjects.append((company, name))
    return more


def _put(states: dict[str, State], rows: Rows) -> None:
    for boost in rows.boosts:
        states[boost.company].boosts.setdefault(boost.id, boost)
    for hold in rows.holds:
        states[hold.company].holds.setdefault(hold.id, hold)
    for charge in rows.charges:
        states[charge.company].charges.setdefault(charge.id, charge)
    for stage in rows.stages:
        states[stage.company].stages.setdefault((stage.subject, stage.stage), stage)
    for order in rows.orders:
        states[order.company].orders.setdefault(order.id, order)
    for cap in rows.caps:
        states[cap.company].caps.setdefault(cap.id, cap)
    for company, slot, at in rows.slots:
        states[company].slot_times.setdefault(slot, at)
    for company, key, amount in rows.spending:
        states[company].spending.setdefault((key.kind, key.name), {}).setdefault(key.since, amount)
