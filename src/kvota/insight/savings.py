"""What calls of a ledger need not have cost, by the rules of their actions."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kvota.core.account import Usage
from kvota.core.catalogue import Action, Book, Catalogue, Condition
from kvota.core.entries import Entry, HoldExpired, Work
from kvota.core.periods import DAY
from kvota.core.pricing import price
from kvota.insight.advice import SHOWN, Advice, Kind, worth
from kvota.insight.calls import Stretch, cost, work

Key = tuple[object, ...]


class Call(NamedTuple):
    """A call that stands, what it was about, and its action as it was priced."""

    entry: Entry
    work: Work
    action: Action


class Found(NamedTuple):
    """One call, or hold, and what it need not have cost."""

    entry: int
    requests: int


def savings(seen: Stretch, book: Book, catalogue: Catalogue) -> list[Advice]:
    """The advice of a stretch; ``worth`` by the catalogue in force."""
    calls = [_call(book, entry) for entry in seen.calls.values()]
    return [
        *_share_subject(calls, catalogue),
        *_nearly_free(calls, catalogue),
        *_done_again(calls, book, catalogue),
        *_expired_holds(seen, catalogue),
        *_bought_early(seen, catalogue),
    ]


def judged(book: Book) -> set[str]:
    """The actions whose calls can need not have cost anything: no other call has to be in the stretch."""
    return {
        action.id
        for edition in book.editions
        for action in edition.catalogue.actions.values()
        if action.once_per_subject or action.free_when or action.stages or action.per
    }


def _advice(kind: Kind, found: Sequence[Found], catalogue: Catalogue, **more: str | int | None) -> list[Advice]:
    requests = sum(one.requests for one in found)
    if not requests:
        return []
    entries = tuple(one.entry for one in found[:SHOWN])
    said = {"requests": requests, "calls": len(found), "worth": worth(requests, catalogue), "entries": entries}
    return [Advice(kind=kind, **said, **more)]  # type: ignore[arg-type] - the names are those of the fields


def _call(book: Book, entry: Entry) -> Call:
    about = work(entry)
    return Call(entry, about, book.version(entry.catalogue).actions[about.action])


def _share_subject(calls: Sequence[Call], catalogue: Catalogue) -> Iterable[Advice]:
    """Two actions that share a stage, run by one user within a day without a subject: the stage was paid twice.

    Each call is matched once, with the oldest that still waits for another action's.
    """
    waiting: dict[tuple[str, str | None], dict[str, deque[Entry]]] = defaultdict(lambda: defaultdict(deque))
    found: dict[tuple[str, str, str], list[Found]] = defaultdict(list)
    for entry, one, action in calls:
        if one.subject is not None or not cost(entry):
            continue
        for stage in action.once_per_subject:
            if one.stages is not None and stage not in one.stages:
                continue
            queues = waiting[stage, one.user]
            for queue in queues.values():
                while queue and entry.at - queue[0].at > DAY:
                    queue.popleft()
            others = [queue for name, queue in queues.items() if queue and name != one.action]
            if not others:
                queues[one.action].append(entry)
                continue
            other = min(others, key=lambda queue: queue[0].seq).popleft()
            first, second = sorted((one.action, work(other).action))
            found[stage, first, second].append(Found(entry.seq, action.stages[stage]))
    for (stage, first, second), some in found.items():
        yield from _advice("share_subject", some, catalogue, action=first, with_action=second, stage=stage)


def _nearly_free(calls: Sequence[Call], catalogue: Catalogue) -> Iterable[Advice]:
    """One more, or one less, of a quantity, and the call would have been free."""
    found: dict[tuple[str, str, int, int], list[Found]] = defaultdict(list)
    for entry, one, action in calls:
        if not action.free_when or not cost(entry):
            continue
        failing = {
            name: when
            for name, when in action.free_when.items()
            if name not in one.quantities or not when.holds(one.quantities[name])
        }
        if len(failing) != 1:
            continue
        name, when = next(iter(failing.items()))
        quantity = one.quantities.get(name)
        if quantity is not None and (threshold := _next_to(when, quantity)) is not None:
            found[one.action, name, quantity, threshold].append(Found(entry.seq, cost(entry)))
    for (action_id, name, quantity, threshold), some in found.items():
        yield from _advice(
            "nearly_free", some, catalogue, action=action_id, quantity=name, value=quantity, threshold=threshold
        )


def _next_to(when: Condition, quantity: int) -> int | None:
    """The neighbour of a quantity that meets the condition."""
    return next((other for other in (quantity + 1, quantity - 1) if other >= 0 and when.holds(other)), None)


def _done_again(calls: Sequence[Call], book: Book, catalogue: Catalogue) -> Iterable[Advice]:
    """The same action on the same subject: what could have been updated for less, and what was simply repeated.

    Only actions that work on their subject as a whole, which is those with stages or a price for each of something:
    several questions about one subject are no waste.
    """
    before: dict[tuple[str, str], set[Key]] = defaultdict(set)
    anew: dict[tuple[str, str], list[Found]] = defaultdict(list)
    again: dict[str, list[Found]] = defaultdict(list)
    for entry, one, action in calls:
        if one.subject is None or not (action.stages or action.per):
            continue
        way: Key = (one.stages, *sorted(one.quantities.items()))
        earlier = before[one.action, one.subject]
        update = _update(book.version(entry.catalogue), action, entry) if earlier else None
        if update is not None:
            anew[one.action, update[0]].append(Found(entry.seq, cost(entry) - update[1]))
        elif way in earlier and cost(entry):
            again[one.action].append(Found(entry.seq, cost(entry)))
        earlier.add(way)
    for (action_id, other), some in anew.items():
        yield from _advice("made_anew", some, catalogue, action=action_id, with_action=other)
    for action_id, some in again.items():
        yield from _advice("repeated", some, catalogue, action=action_id)


def _update(its: Catalogue, action: Action, entry: Entry) -> tuple[str, int] | None:
    """The cheapest other action of the tool that is priced by the same quantities, and costs less for these."""
    one = work(entry)
    if not action.per or set(one.quantities) != set(action.quantities):
        return None
    prices = [
        (price(other, Usage(action=other.id, quantities=one.quantities), ()).cost, other.id)
        for other in its.actions.values()
        if other.id != action.id
        and other.tool == action.tool
        and other.per.keys() == action.per.keys()
        and set(other.quantities) == set(action.quantities)
    ]
    least = min(prices, default=None)
    return None if least is None or least[0] >= cost(entry) else (least[1], least[0])


def _expired_holds(seen: Stretch, catalogue: Catalogue) -> Iterable[Advice]:
    """Requests that were set aside and came back, or were lost, because nobody closed the hold."""
    found: dict[str, list[Found]] = defaultdict(list)
    for entry in seen.expired:
        if isinstance(entry.fact, HoldExpired) and entry.fact.held:
            found[entry.fact.action].append(Found(entry.seq, entry.fact.held))
    for action, holds in found.items():
        yield from _advice("expired_holds", holds, catalogue, action=action)


def _bought_early(seen: Stretch, catalogue: Catalogue) -> Iterable[Advice]:
    """Boosts that came while the package could still pay, and suspended it."""
    yield from _advice("bought_early", [Found(seq, left) for seq, left in seen.asleep.items()], catalogue)
