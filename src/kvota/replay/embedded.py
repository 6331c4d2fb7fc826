"""A replay into a store of this process, through the engine."""

import queue
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial

from kvota.committing import Outcome
from kvota.core.account import Charge
from kvota.core.commands import ChargeUsage
from kvota.core.declines import Declined
from kvota.engine import Engine
from kvota.errors import KvotaError
from kvota.replay.tally import Answer, Tally
from kvota.replay.trace import Call
from kvota.wire import asking
from kvota.wire.asking import Asker
from kvota.wire.requests import UsageRequest, fingerprint

MOST_WAITING = 2000


def replay_embedded(
    engine: Engine,
    calls: Sequence[Call],
    tally: Tally,
    *,
    connections: int,
    set_clock: Callable[[int], None] | None = None,
) -> None:
    """Make the calls, at most ``connections`` at once; with ``set_clock`` one after the other, each at its instant."""
    answered: queue.SimpleQueue[tuple[Call, float, Future[Outcome]]] = queue.SimpleQueue()
    waiting, most = 0, 1 if set_clock is not None else min(connections, MOST_WAITING)
    tally.start()
    for call in calls:
        if set_clock is not None:
            set_clock(call.at)
        if waiting == most:
            waiting -= 1
            _take(tally, *answered.get())
        started = time.perf_counter()
        future = engine.submit(command_of(call))
        future.add_done_callback(partial(_put, answered, call, started))
        waiting += 1
        if set_clock is not None:  # the next call sets the clock: this one must have been decided
            waiting -= 1
            _take(tally, *answered.get())
    for _ in range(waiting):
        _take(tally, *answered.get())
    tally.stop()


def command_of(call: Call) -> ChargeUsage:
    """The charge that a call asks for: the very command that the HTTP API would make of it."""
    body = UsageRequest(
        action=call.action,
        quantities=dict(call.quantities),
        user=call.user,
        measures=dict(call.measures),
    )
    asker = Asker(by="replay")
    if call.key is not None:
        path = f"/v1/companies/{call.company}/charges"
        asker = Asker(by="replay", key=call.key, request=fingerprint("POST", path, body))
    return asking.charge(call.company, body, asker)


def _put(
    answered: "queue.SimpleQueue[tuple[Call, float, Future[Outcome]]]",
    call: Call,
    started: float,
    future: Future[Outcome],
) -> None:
    answered.put((call, time.perf_counter() - started, future))


def _take(tally: Tally, call: Call, seconds: float, future: Future[Outcome]) -> None:
    try:
        outcome = future.result()
    except KvotaError as error:
        tally.add(call, Answer("error", reason=error.code), seconds)
        return
    match outcome.reply:
        case Charge() as charge:
            tally.add(call, Answer("approved", cost=charge.cost, is_replayed=outcome.is_replayed), seconds)
        case Declined() as declined:
            tally.add(call, Answer("declined", reason=declined.reason), seconds)
        case other:
            raise TypeError(type(other).__name__)
