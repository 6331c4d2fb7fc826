"""One batch of commands in one transaction of the store: tried again where the store asks for it, and answered."""

import random
import secrets
import time
from collections.abc import Callable, Sequence
from types import NoneType
from typing import NamedTuple

import msgspec

from kvota.acts import Act, act_of, is_act
from kvota.core.account import Account, Boost, Charge, Hold, Refund, has_only_moved
from kvota.core.balance import Balance
from kvota.core.catalogue import Book
from kvota.core.commands import Command, UseAssistant
from kvota.core.decisions import decide
from kvota.core.decisions.calls import CapPut, CompanyPut, Incomplete, OrderPaid, PlanChange, Quote, Reply, check_bound
from kvota.core.declines import Declined
from kvota.core.state import State
from kvota.core.timeline import advance, is_due, now_of
from kvota.crossing import Levels
from kvota.errors import Busy, CallerError, KeyReused, NotFound, StoreUnavailable, WorldError
from kvota.loading import Library, Loader
from kvota.store import Batch, CommitUnknown, Conflict, Loading, Remembered, Store, Transaction

TRIES = 12
BATCH_SECONDS = 10.0
"""So long is a batch tried again."""


class Outcome(NamedTuple):
    """The reply to a command, and whether it is the repeated first reply of its key."""

    reply: Reply
    is_replayed: bool


Answer = Outcome | Exception


_REPLY_TYPES = (
    Charge, Hold, Quote, Declined, Refund, PlanChange, CompanyPut, CapPut, OrderPaid, Boost, Balance, NoneType,
)  # fmt: skip
REPLIES: dict[str, type[object]] = {cls.__name__: cls for cls in _REPLY_TYPES}


class Committer:
    """Carries out batches over a store, one at a time.

    ``clock`` replaces the store's clock, for loading a history, of which nobody is told.
    """

    def __init__(self, store: Store, clock: Callable[[], int] | None = None) -> None:
        self._store, self._library, self._clock = store, Library(store), clock
        self._levels = Levels() if clock is None else None

    def answers(self, commands: Sequence[Command]) -> list[Answer]:
        """Decide and commit a batch, trying again where the store asks for it; never raises.

        A batch whose COMMIT was not confirmed is looked for before it is tried again.
        """
        batch, failed, unconfirmed = secrets.token_hex(8), dict[int, Exception](), list[list[Answer]]()
        problem: WorldError = Busy("Others keep the store locked; nothing was written. Try again, with the same key.")
        attempt, deadline = 0, time.monotonic() + BATCH_SECONDS
        while attempt < TRIES and (not attempt or time.monotonic() < deadline):
            try:
                return self._attempt(commands, failed, batch, unconfirmed)
            except _Poisoned as poisoned:  # no try of the store's: however many there are, the others are carried out
                failed[poisoned.index] = poisoned.cause
                continue
            except Conflict:
                pass
            except CommitUnknown:
                problem = StoreUnavailable("The store was lost while it committed; the same key tells what happened.")
            except WorldError as error:
                if not unconfirmed:
                    return [error] * len(commands)
            except Exception as error:  # noqa: BLE001 - a defect must not leave callers waiting
                return [error] * len(commands)
            attempt += 1
            time.sleep(min(0.5, 0.005 * 2**attempt) * (0.5 + random.random()))  # noqa: S311 - spreads retries
        return [problem] * len(commands)

    def _attempt(
        self, commands: Sequence[Command], failed: dict[int, Exception], batch: str, unconfirmed: list[list[Answer]]
    ) -> list[Answer]:
        """One transaction. A COMMIT whose answer was lost may be on its way; it is over once we hold its locks."""
        if unconfirmed and self._store.was_committed(batch):
            return unconfirmed[-1]
        deciding = _Deciding(commands, failed)
        with self._store.begin() as transaction:
            answers = deciding.run(transaction, self._library, self._now)
            if unconfirmed and self._store.was_committed(batch):
                return unconfirmed[-1]
            if deciding.write(transaction, batch, self._levels):
                try:
                    transaction.commit()
                except CommitUnknown:
                    unconfirmed.append(answers)
                    raise
        return answers

    def _now(self, view: Loading) -> int:
        return view.clock() if self._clock is None else self._clock()


class _Poisoned(Exception):
    """A command that fails in a way nobody foresaw: the batch is decided again without it."""

    def __init__(self, index: int, cause: Exception) -> None:
        super().__init__(index)
        self.index, self.cause = index, cause


class _Deciding:
    """One attempt at a batch."""

    def __init__(self, commands: Sequence[Command], failed: dict[int, Exception]) -> None:
        self._commands, self._failed = commands, failed
        self._before: dict[str, Account] = {}
        self._capped: set[str] = set()
        self._base: dict[str, State] = {}
        self._ahead: dict[str, State] = {}
        self._wrote: set[str] = set()
        self._new: set[str] = set()
        self._keys: dict[tuple[str, str], Remembered] = {}
        self._remembered: list[Remembered] = []
        self._acts: list[Act] = []
        self._clock = 0

    def run(self, transaction: Transaction, library: Library, now: Callable[[Loading], int]) -> list[Answer]:
        """Lock, read the clock, load, decide each in turn."""
        commands = [one for index, one in enumerate(self._commands) if index not in self._failed]
        companies = {command.company for command in commands}
        self._before = accounts = transaction.lock(sorted(companies))
        self._new = companies - accounts.keys()
        book = library.book(transaction.catalogue_number())
        self._clock = now(transaction)
        loader = Loader(transaction, book, self._clock, transaction)
        self._base, self._keys = loader.states(accounts, commands)
        self._capped = {name for name, state in self._base.items() if state.account and state.account.spending_zones}
        answers: list[Answer] = []
        for index, command in enumerate(self._commands):
            if index in self._failed:
                answers.append(self._failed[index])
                continue
            try:
                answers.append(self._decide(loader, book, command))
            except CallerError as error:
                answers.append(error)
            except (WorldError, Conflict):
                raise
            except Exception as error:
                raise _Poisoned(index, error) from error
        return answers

    def _decide(self, loader: Loader, book: Book, command: Command) -> Outcome:
        base = self._base[command.company]
        if base.account is None and command.key is not None:
            raise NotFound("company", command.company)
        if isinstance(command, UseAssistant):  # what a key may open is judged before its repeats
            check_bound(command.only_actions, command.usage.action)
        if command.key is not None and (first := self._keys.get((command.company, command.key))):
            return replay(first, command)
        command = loader.with_department(command)
        now = now_of(base, self._clock)
        state = self._ahead.get(command.company)
        if state is None:
            state = base
            if is_due(base, now):
                state = base.fork()
                advance(state, book, now)
            self._ahead[command.company] = state
        before = state.changes.writes
        try:
            reply = decide(state, book, command, now)
        except Incomplete:
            loader.complete(state)
            reply = decide(state, book, command, now)
        if state.changes.writes != before:
            self._wrote.add(command.company)
            if command.is_operators and is_act(command):
                self._acts.append(act_of(command, now))
            if command.key is not None:
                one = Remembered(
                    company=command.company, key=command.key, request=command.request, at=now, reply=_encode(reply)
                )
                self._remembered.append(one)
                self._keys[command.company, command.key] = one
        return Outcome(reply, is_replayed=False)

    def write(self, transaction: Transaction, batch_id: str, levels: Levels | None) -> bool:
        """Write what was decided; False where there is nothing to write.

        Where nothing but time has moved a company, its entries wait for the next command that writes.
        """
        batch = Batch(id=batch_id, at=self._clock, remembered=self._remembered, acts=self._acts)
        for company, base in self._base.items():
            ahead = self._ahead.get(company, base)
            if company in self._wrote:
                self._collect(batch, ahead)
            else:
                if base.changes.is_account_changed:
                    batch.accounts.append(base.known)
                batch.declines += [(company, key, n) for key, n in ahead.changes.declines.items()]
        if levels is not None:
            batch.events = levels.crossed(transaction, [self._ahead[company] for company in self._wrote])
        if batch == Batch(id=batch_id, at=self._clock):
            return False
        transaction.save(batch)
        return True

    def _collect(self, batch: Batch, state: State) -> None:
        changes, company = state.changes, state.company
        self._collect_account(batch, state.known)
        batch.entries += changes.entries
        batch.statistics += [(company, key, counts) for key, counts in changes.statistics.items()]
        if changes.holds:
            batch.holds += [state.holds[name] for name in sorted(changes.holds)]
        if changes.boosts:
            batch.boosts += [state.boosts[name] for name in sorted(changes.boosts)]
        if changes.stages:
            batch.stages += [state.stages[key] for key in sorted(changes.stages)]
        if changes.orders:
            batch.orders += [state.orders[name] for name in sorted(changes.orders)]
        if changes.caps:
            batch.caps += [state.caps[name] for name in sorted(changes.caps) if name in state.caps]
            batch.caps_gone += [(company, name) for name in sorted(changes.caps) if name not in state.caps]
        if changes.declines:
            batch.declines += [(company, key, n) for key, n in changes.declines.items()]
        if state.known.spending_zones:
            batch.spending += [(company, key, amount) for key, amount in changes.spending.items() if amount]
        elif company in self._capped:
            batch.spending_gone.append(company)

    def _collect_account(self, batch: Batch, account: Account) -> None:
        if account.company in self._new:
            batch.created.append(account)
        elif has_only_moved(account, self._before[account.company]):
            batch.moved.append(account)
        else:
            batch.accounts.append(account)


def replay(first: Remembered, command: Command) -> Outcome:
    """The first reply of the key, or ``KeyReused`` where it stands for another request."""
    if first.request != command.request:
        raise KeyReused(
            f"The key {command.key!r} already stands for another request of {command.company}. "
            "Use a new key for a new request, and the same key only to repeat the same one."
        )
    name, _, body = first.reply.partition(b" ")
    return Outcome(msgspec.json.decode(body, type=REPLIES[name.decode()]), is_replayed=True)  # type: ignore[arg-type]


def _encode(reply: Reply) -> bytes:
    return type(reply).__name__.encode() + b" " + msgspec.json.encode(reply)
