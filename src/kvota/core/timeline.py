"""What time brings by itself: boosts and holds expire, a period ends and the next begins.

At one instant boosts expire first, then the period begins, then holds expire: so a boost that expires exactly at a
period's start was not usable in that period, and a hold that expires then comes back to a period that has ended.
"""

from collections import deque
from collections.abc import Callable

from kvota.core.catalogue import Book
from kvota.core.entries import AnyFact, BoostExpired, HoldExpired, PeriodStarted, PlanChanged, work_of
from kvota.core.fold import foresee, record
from kvota.core.funds import give_back
from kvota.core.periods import month, month_of
from kvota.core.state import State


def now_of(state: State, clock: int) -> int:
    """The company's present: the clock, or its last entry where the clock has stepped back behind it."""
    return clock if state.account is None else max(clock, state.account.at)


def is_due(state: State, now: int) -> bool:
    """Whether anything has fallen due among what is loaded."""
    account = state.account
    if account is None:
        return False
    return (
        now >= account.period_end
        or (bool(state.holds) and any(h.status == "open" and h.expires_at <= now for h in state.holds.values()))
        or (bool(state.boosts) and any(b.status == "live" and b.expires_at <= now for b in state.boosts.values()))
    )


Due = tuple[int, int, str]
"""The instant at which something falls due, its place among what does so then, and the name of the boost or hold."""
Write = Callable[[State, Book, AnyFact, int], object]


def advance(state: State, book: Book, now: int) -> None:
    """Write the entries of everything that has fallen due until ``now``, each at its own instant, in order."""
    _happen(state, book, [one for one in _endings(state) if one[0] <= now], now, record)


def _endings(state: State) -> list[Due]:
    """When the live boosts and the open holds expire."""
    endings = [(boost.expires_at, 0, boost.id) for boost in state.boosts.values() if boost.status == "live"]
    return endings + [(hold.expires_at, 2, hold.id) for hold in state.holds.values() if hold.status == "open"]


def _happen(state: State, book: Book, due: list[Due], now: int, write: Write) -> None:
    if now >= state.known.period_end:
        due.append((_next_period(state, now).start, 1, ""))
    for at, kind, name in sorted(due):
        if kind == 0:
            write(state, book, BoostExpired(id=name, left=state.boosts[name].left), at)
        elif kind == 1:
            _begin_period(state, book, now, write)
        else:
            write(state, book, expired(state, name, at), at)


class Foresight:
    """A state that is carried on step by step into what time alone would bring, without entries.

    What expires is put in order once, so that each step looks only at what has fallen due since the one before: with
    thousands of open holds a step that looked at all of them would cost seconds.
    """

    def __init__(self, state: State, book: Book) -> None:
        self.state, self._book = state.fork(), book
        self._endings = deque(sorted(_endings(state)))

    def advance(self, at: int) -> None:
        """Carry the state on to an instant, which is not before the one of the last step."""
        due: list[Due] = []
        while self._endings and self._endings[0][0] <= at:
            due.append(self._endings.popleft())
        _happen(self.state, self._book, due, at, foresee)


def _next_period(state: State, now: int) -> PeriodStarted:
    account = state.known
    zone = account.next_time_zone or account.time_zone
    number = month_of(zone, now)
    return PeriodStarted(period=number, start=max(month(zone, number).start, account.period_end), time_zone=zone)


def _begin_period(state: State, book: Book, now: int, write: Write) -> None:
    fact = _next_period(state, now)
    write(state, book, fact, fact.start)
    account = state.known
    if account.scheduled_plan is not None:
        change = PlanChanged(from_plan=account.plan, plan=account.scheduled_plan, effective_at=fact.start, step="due")
        write(state, book, change, fact.start)


def expired(state: State, name: str, at: int) -> AnyFact:
    """The fact that an open hold has expired."""
    hold = state.holds[name]
    back, lost = give_back(hold.draws, state.known, state.boosts, at)
    return HoldExpired(
        hold=hold.id,
        **work_of(hold),
        quantities=hold.quantities,
        stages=hold.stages,
        held=hold.held,
        back=back,
        lost=lost,
    )
