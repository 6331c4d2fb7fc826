"""Reading: each call is one snapshot of the store. What has fallen due is reckoned in, and nothing is written."""

import datetime as dt
import secrets
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import NamedTuple

from kvota.access import Access
from kvota.appeals import Appeals
from kvota.audit import Audit
from kvota.core.account import Account, Boost, Cap, Charge, Hold, Order
from kvota.core.balance import Balance, balance_of
from kvota.core.catalogue import Book, Catalogue
from kvota.core.commands import Command, PutCompany, QuoteUsage
from kvota.core.decisions import decide
from kvota.core.decisions.boosts import credited_boost
from kvota.core.decisions.calls import Incomplete, OrderPaid, Quote
from kvota.core.entries import entry_number
from kvota.core.people import Person
from kvota.core.report import UsageLine, UsageReport, line_of, spans_of
from kvota.core.state import State, Written
from kvota.core.timeline import Foresight, advance, is_due, now_of
from kvota.editions import Editions
from kvota.engine import Engine
from kvota.errors import Invalid, NotFound
from kvota.loading import Library, Loader
from kvota.notices import Notices
from kvota.outgoing import Outgoing
from kvota.store import ApiKey, EntryFilter, Snapshot, Store, UsageFilter, Want

COMPANIES = 1000
MAX_DAYS = 3660
MAX_DAYS_BY_HOUR = 366


class Look(NamedTuple):
    """One snapshot for several questions: a company's state as of ``now``."""

    view: Snapshot
    book: Book
    state: State
    now: int


class Reads:
    """Everything that can be asked without changing anything, and the API keys.

    ``operator`` is the key or the sign-in of an operator who does something that is to be noted.

    ``engine`` answers the quotes for which sums have to be kept first. ``clock`` replaces the store's.
    ``outgoing`` says where webhooks may lead.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        *,
        clock: Callable[[], int] | None = None,
        outgoing: Outgoing | None = None,
    ) -> None:
        self._store, self._engine, self._clock = store, engine, clock
        self._library = Library(store)
        self.editions = Editions(store, clock=clock)
        self.access = Access(store, clock=self.clock)
        self.appeals = Appeals(store, self.clock)
        self.audit = Audit(store, self.clock)
        self.notices = Notices(store, outgoing or Outgoing())
        self._secret: bytes | None = None
        self._lock = threading.Lock()

    @contextmanager
    def _view(self) -> Generator[tuple[Snapshot, Book, int]]:
        with self._store.snapshot() as view:
            with self._lock:
                book = self._library.book(view.catalogue_number())
            yield view, book, view.clock() if self._clock is None else self._clock()

    @contextmanager
    def _present(self, company: str, command: Command | None = None) -> Generator[tuple[State, Loader, int]]:
        """The company's state as of now, with what the command names."""
        with self._view() as (view, book, clock):
            loader = Loader(view, book, clock)
            state, now = self._state(view, loader, command or PutCompany(company=company))
            yield state, loader, now

    def _state(self, view: Snapshot, loader: Loader, command: Command) -> tuple[State, int]:
        """The state of the command's company, with what has fallen due reckoned in, and its present."""
        account = view.account(command.company)
        if account is None:
            raise NotFound("company", command.company)
        states, _ = loader.states({command.company: account}, [command])
        state = states[command.company]
        now = now_of(state, loader.clock)
        if is_due(state, now):
            advance(state, loader.book, now)
        return state, now

    @contextmanager
    def look(self, company: str, *, is_complete: bool = True) -> Generator[Look]:
        """Ask several things of one snapshot; ``is_complete``: the state has all open holds, live boosts and caps."""
        with self._view() as (view, book, clock):
            loader = Loader(view, book, clock)
            state, now = self._state(view, loader, PutCompany(company=company))
            if is_complete:
                loader.complete(state)
            yield Look(view, book, state, now)

    def standings(self, is_wanted: Callable[[Account], bool]) -> Generator[tuple[list[State], Book, int]]:
        """Companies as they are now, in one snapshot, some at a time; each list is one set query of each kind."""
        with self._view() as (view, book, clock):
            after = ""
            while accounts := view.accounts(after, COMPANIES):
                after = accounts[-1].company
                wanted = {account.company: account for account in accounts if is_wanted(account)}
                commands = [PutCompany(company=company) for company in wanted]
                states, _ = Loader(view, book, clock).states(wanted, commands)
                yield [_present(state, book, now_of(state, clock)) for state in states.values()], book, clock

    # The company

    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        with self._view() as (_, book, clock):
            return book.at(clock)

    def company(self, company: str) -> Account:
        """The company as it is now."""
        with self._present(company) as (state, _, _):
            return state.known

    def companies(self, after: str, limit: int) -> list[Account]:
        """A page of companies, as of their last entries."""
        with self._store.snapshot() as view:
            return view.accounts(after, limit)

    def balance(self, company: str) -> Balance:
        """What is available, held and used, now."""
        with self._present(company) as (state, loader, now):
            loader.complete(state, only_now=True)
            return balance_of(state, loader.book.at(now), now)

    def quote(self, command: QuoteUsage) -> Quote:
        """What an action would cost now, and who would pay; changes nothing."""
        with self._present(command.company, command) as (state, loader, now):
            if state.known.spending_zones or not loader.may_be_capped(state.known, [command]):
                asked = loader.with_department(command)
                try:
                    return _as_quote(decide(state, loader.book, asked, now))
                except Incomplete:
                    loader.complete(state)
                    return _as_quote(decide(state, loader.book, asked, now))
        return _as_quote(self._engine.execute(command).reply)

    def charge(self, company: str, name: str) -> Charge:
        """One charge."""
        with self._present(company) as (_, loader, _):
            number = entry_number(name, "chg")
            found = [] if number is None else loader.view.load(Want(charges=[(company, number)])).charges
            if not found:
                raise NotFound("charge", name)
            return found[0]

    def hold(self, company: str, name: str) -> Hold:
        """One hold, expired if its time has come."""
        with self._present(company) as (state, loader, _):
            found = state.holds.get(name) or next(iter(loader.view.load(Want(holds=[(company, name)])).holds), None)
            if found is None:
                raise NotFound("hold", name)
            return found

    def holds(self, company: str, status: str | None, after: str, limit: int) -> list[Hold]:
        """A page of holds, by id."""
        with self._view() as (view, book, clock):
            state, _ = self._state(view, Loader(view, book, clock), PutCompany(company=company))
            due = {hold.id: hold for hold in state.holds.values() if hold.status == "expired"}
            ended = [hold for name, hold in due.items() if status == "expired" and name > after]
            page: dict[str, Hold] = {}
            while len(page) < limit:
                rows = view.holds(company, status, after, limit)
                for row in (due.get(row.id, row) for row in rows):
                    if status is None or row.status == status:
                        page[row.id] = row
                if len(rows) < limit:
                    break
                after = rows[-1].id
            return sorted([*page.values(), *ended], key=lambda hold: hold.id)[:limit]

    def boosts(self, company: str) -> list[Boost]:
        """The live boosts, in their order."""
        with self._present(company) as (state, loader, _):
            loader.complete(state)
            return state.live_boosts()

    def caps(self, company: str) -> list[Cap]:
        """The caps, by id."""
        with self._present(company) as (_, loader, _):
            return sorted(loader.view.load(Want(caps=[company])).caps, key=lambda cap: cap.id)

    def orders(self, company: str, after: str, limit: int) -> list[OrderPaid]:
        """A page of orders, by id."""
        with self._view() as (view, book, clock):
            self._state(view, Loader(view, book, clock), PutCompany(company=company))
            return [OrderPaid(order=o, credited=credited_boost(o)) for o in view.orders(company, after, limit)]

    def pending_orders(self, after: tuple[str, str], limit: int) -> list[tuple[Order, str]]:
        """A page of the orders of all companies that wait, by company and id, with the companies' names."""
        with self._store.snapshot() as view:
            orders = view.pending_orders(after, limit)
            accounts = {company: view.account(company) for company in {order.company for order in orders}}
        return [(order, account.name if (account := accounts[order.company]) else order.company) for order in orders]

    def entries(self, company: str, which: EntryFilter, after: int, limit: int) -> list[Written]:
        """A page of entries, by seq."""
        with self._view() as (view, book, clock):
            self._state(view, Loader(view, book, clock), PutCompany(company=company))
            return view.entries(company, which, after, limit)

    def entries_before(self, company: str, which: EntryFilter, before: int, limit: int) -> list[Written]:
        """A page of entries with a seq below ``before``, the newest first."""
        with self._view() as (view, book, clock):
            self._state(view, Loader(view, book, clock), PutCompany(company=company))
            return view.entries_before(company, which, before, limit)

    def head(self, company: str) -> int:
        """The number of the last entry that is written."""
        with self._store.snapshot() as view:
            account = view.account(company)
        if account is None:
            raise NotFound("company", company)
        return account.seq

    def stored_entries(self, company: str, which: EntryFilter, after: int, limit: int) -> list[Written]:
        """A page of entries of a company that is known to exist."""
        with self._store.snapshot() as view:
            return view.entries(company, which, after, limit)

    def usage(
        self, company: str, start: dt.date, end: dt.date, by: Sequence[str], user: str | None = None
    ) -> UsageReport:
        """Statistics of the local dates ``start <= date < end``, grouped by ``by``, ordered by their keys."""
        days = (end - start).days
        if days <= 0:
            raise Invalid.field("to", f"must be after from ({start.isoformat()})", end.isoformat())
        longest = MAX_DAYS_BY_HOUR if "hour" in by else MAX_DAYS
        if days > longest:
            raise Invalid.field("to", f"must be at most {longest} days after from", end.isoformat())
        with self._view() as (view, book, clock):
            state, _ = self._state(view, Loader(view, book, clock), PutCompany(company=company))
            labels, spans = spans_of(state.known.time_zone, start, end, by)
            columns = [name for name in by if name not in ("hour", "day")]
            found = view.usage(company, spans, columns, UsageFilter(user=user))
            declines = view.declines(company, start.isoformat(), end.isoformat(), user)
        rows: list[UsageLine] = []
        for row in found:
            named = {**labels[row.span], **{name: getattr(row, name) or None for name in columns}}
            rows.append(line_of(tuple(named[name] for name in by), [row]))
        rows.sort(
            key=lambda line: tuple(
                "" if key is None else f"{key:020d}" if isinstance(key, int) else key for key in line.keys
            )
        )
        return UsageReport(by=tuple(by), rows=rows, total=line_of((), rows), declines=declines)

    # API keys

    def _hash(self, secret: str) -> str:
        if self._secret is None:
            self._secret = self._store.secret()
        return blake2b(secret.encode(), key=self._secret, digest_size=32).hexdigest()

    def authenticate(self, secret: str) -> ApiKey | None:
        """The key of that secret, unless it is revoked."""
        return self._store.find_key(self._hash(secret))

    def make_key(
        self,
        *,
        role: str,
        company: str | None = None,
        user: str | None = None,
        label: str | None = None,
        actions: Sequence[str] | None = None,
        secret: str | None = None,
        operator: str | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; its secret is returned this once and never stored."""
        if company is not None:
            self.company(company)
        secret = secret or "kv_" + secrets.token_urlsafe(32)
        key = ApiKey(
            id="key_" + secrets.token_hex(8),
            hash=self._hash(secret),
            role=role,
            company=company,
            user=user,
            label=label,
            actions=None if actions is None else tuple(actions),
            created_at=self.clock(),
        )
        told = {"key": key.id, "role": role, "user": user, "label": label}
        self._store.add_key(key, self.audit.act(operator, "make_key", company, **told))
        return key, secret

    def keys(self, company: str | None, after: str, limit: int) -> list[ApiKey]:
        """A page of the keys of a company, or of the operator's."""
        if company is not None:
            self.company(company)
        with self._store.snapshot() as view:
            return view.keys(company, after, limit)

    def revoke_key(self, company: str | None, name: str, operator: str | None = None) -> bool:
        """Revoke a key; False where there is none."""
        noted = self.audit.act(operator, "revoke_key", company, key=name)
        return self._store.revoke_key(company, name, self.clock(), noted)

    def is_key_known(self, company: str, key: str) -> bool:
        """Whether an idempotency key stands for a request already."""
        with self._store.snapshot() as view:
            return bool(view.load(Want(keys=[(company, key)])).remembered)

    # The directory

    def put_person(
        self, company: str, user: str, changes: Mapping[str, str | None], operator: str | None = None
    ) -> tuple[Person, bool]:
        """Add somebody to the directory, or change what is named; and whether he was added."""
        self.company(company)
        return self._store.put_person(company, user, changes, self.audit.act(operator, "put_user", company, user=user))

    def erase_person(self, company: str, user: str, operator: str | None = None) -> None:
        """Erase what the directory knows of a person, and his appeals; entries and statistics keep the user's id."""
        self.company(company)
        if not self._store.erase_person(company, user, self.audit.act(operator, "erase_user", company, user=user)):
            raise NotFound("user", user)

    def people(self, company: str, after: str, limit: int) -> list[Person]:
        """A page of the directory, by user."""
        self.company(company)
        with self._store.snapshot() as view:
            return view.people(company, after, limit)

    def person(self, company: str, user: str) -> Person:
        """One person of the directory."""
        self.company(company)
        with self._store.snapshot() as view:
            found = view.person(company, user)
        if found is None:
            raise NotFound("user", user)
        return found

    # The store

    @property
    def is_sandbox(self) -> bool:
        """Whether the clock can be set."""
        return self._store.is_sandbox

    def clock(self) -> int:
        """The store's clock."""
        with self._view() as (_, _, clock):
            return clock

    def clock_skew(self) -> int:
        """By how many milliseconds the store's clock, which decides, is ahead of this process's; 0 in a sandbox."""
        before = time.time()
        clock = self.clock()
        return 0 if self.is_sandbox or self._clock is not None else clock - round((before + time.time()) * 500)

    def set_clock(self, now: int) -> None:
        """Set the sandbox clock."""
        self._store.set_clock(now)

    def ping(self) -> None:
        """Raise ``StoreUnavailable`` where the store cannot be written to."""
        self._store.ping()


def _present(state: State, book: Book, now: int) -> State:
    """The state with what has fallen due reckoned in."""
    if not is_due(state, now):
        return state
    ahead = Foresight(state, book)
    ahead.advance(now)
    return ahead.state


def _as_quote(reply: object) -> Quote:
    if not isinstance(reply, Quote):
        raise TypeError(type(reply).__name__)
    return reply
