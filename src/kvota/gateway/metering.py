"""The ledger's side of a call: hold, capture before the first byte, void where nothing was delivered, measures after.

Whatever happens, a hold comes to its end: captured, void, or expired by itself a little after the time that the call
could have taken.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

import structlog

from kvota.asgi.services import Services
from kvota.committing import Outcome
from kvota.core.account import Hold, Usage
from kvota.core.commands import CaptureHold, HoldUsage, MeasureCharge, RefundCharge, VoidHold
from kvota.core.declines import Declined
from kvota.core.periods import SECOND
from kvota.errors import CallerError, HoldClosed, KvotaError, WorldError
from kvota.gateway.answers import CallCharged, CallRunning
from kvota.store import ApiKey

SLACK_SECONDS = 60
REPEAT_SECONDS = 600
MAX_REPEATS = 2
MAX_TRIES = 10
LONGEST_PAUSE_SECONDS = 5.0
SETTLING_SECONDS = 0.5
MEASURING_SECONDS = 0.1
CLOSING_SECONDS = 5.0


class Metering:
    """Commands of calls that go through this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._going: set[asyncio.Task[None]] = set()
        self._measured: list[MeasureCharge] = []
        self._repeats: dict[tuple[str, str], int] = {}

    async def hold(
        self, company: str, key: ApiKey, usage: Usage, *, seconds: int, once: str | None, request: str
    ) -> Outcome:
        """Hold what the call costs, for so many seconds and a little more; the reply is a ``Hold`` or a ``Declined``.

        ``once`` is the client's idempotency key and ``request`` what it stands for. A call of the same key that was
        voided or has expired was not charged, so it is held again; one that was charged is given back as it was
        captured (``is_replayed``). Raises ``CallRunning``, and whatever keeps a hold from being made.
        """
        for attempt in range(MAX_TRIES):
            outcome = await self._services.submit(
                HoldUsage(
                    company=company,
                    by=key.id,
                    key=_attempt_key(once, attempt),
                    request=request,
                    usage=usage,
                    only_actions=None if key.actions is None else frozenset(key.actions),
                    ttl=seconds + SLACK_SECONDS,
                )
            )
            if not outcome.is_replayed or not isinstance(outcome.reply, Hold):
                self._services.metrics.observe_reply(outcome.reply)
                return outcome
            row = await self._services.read(self._services.reads.hold, company, outcome.reply.id)
            if row.status == "open":
                raise CallRunning(once or "")
            if row.status == "captured":
                return Outcome(row, is_replayed=True)
        raise CallRunning(once or "")

    async def check_repeat(self, row: Hold) -> None:
        """A charged call is made again while its client may still be waiting for it, and not for ever: CallCharged."""
        now = await self._services.read(self._services.reads.clock)
        times = self._repeats.get((row.company, row.id), 0) + 1
        if now - (row.closed_at or 0) > REPEAT_SECONDS * SECOND or times > MAX_REPEATS:
            raise CallCharged(row.charge or row.id)
        if len(self._repeats) >= 10_000:  # noqa: PLR2004 - what is older has long been refused by its time
            self._repeats.clear()
        self._repeats[row.company, row.id] = times

    async def capture(self, hold: Hold, by: str) -> Hold | Declined:
        """Charge the call. Afterwards it is charged, whatever becomes of it. Raises what keeps it from being so."""
        outcome = await self._services.submit(CaptureHold(company=hold.company, by=by, hold=hold.id))
        if not isinstance(outcome.reply, Hold | Declined):
            raise TypeError(type(outcome.reply).__name__)
        self._services.metrics.observe_reply(outcome.reply)
        return outcome.reply

    def measure(self, hold: Hold, by: str, measures: Mapping[str, int]) -> None:
        """Note what the call has used, in an entry of its own, a moment later and together with those of other calls.

        It moves no request, so nobody waits for it, and what cannot be noted is only logged.
        """
        if hold.charge is None or not measures:
            return
        self._measured.append(MeasureCharge(company=hold.company, by=by, charge=hold.charge, measures=measures))
        if len(self._measured) == 1:
            asyncio.get_running_loop().call_later(MEASURING_SECONDS, self._begin, self._note_measures)

    async def _note_measures(self) -> None:
        commands, self._measured = self._measured, []
        for answer in await self._services.submit_all(commands):
            if isinstance(answer, Exception):
                code = answer.code if isinstance(answer, KvotaError) else "internal"
                structlog.get_logger("kvota.gateway").warning("measures_lost", code=code)

    def _begin(self, step: Callable[[], Coroutine[Any, Any, None]]) -> asyncio.Task[None]:
        """A step that goes on by itself, and that the end of the server waits for a little."""
        task = asyncio.ensure_future(step())
        self._going.add(task)
        task.add_done_callback(self._going.discard)
        return task

    async def settle(self, hold: Hold, by: str) -> None:
        """Give back what was held for a call that was not delivered.

        Returns when it is done, or after a moment; it then goes on by itself until it is done or the hold expires.
        """
        await asyncio.wait({self._begin(partial(self._settle, hold, by))}, timeout=SETTLING_SECONDS)

    async def _settle(self, hold: Hold, by: str) -> None:
        pause, deadline = 0.05, asyncio.get_running_loop().time() + (hold.expires_at - hold.at) / SECOND
        while asyncio.get_running_loop().time() < deadline:
            try:
                await self._give_back(hold, by)
            except WorldError:
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
            except CallerError as error:
                structlog.get_logger("kvota.gateway").warning("hold_not_settled", code=error.code, hold=hold.id)
                return
            else:
                return

    async def _give_back(self, hold: Hold, by: str) -> None:
        try:
            await self._services.submit(VoidHold(company=hold.company, by=by, hold=hold.id))
        except HoldClosed:
            row = await self._services.read(self._services.reads.hold, hold.company, hold.id)
            if row.charge is not None:  # its capture went through, and nobody was told
                reason = "not delivered: the answer to its capture was lost"
                await self._services.submit(RefundCharge(company=hold.company, by=by, charge=row.charge, reason=reason))

    async def close(self) -> None:
        """Note what was measured, and wait a little for what is being given back; what is left expires."""
        if self._measured:
            self._begin(self._note_measures)
        if self._going:
            await asyncio.wait(self._going, timeout=CLOSING_SECONDS)


def _attempt_key(once: str | None, attempt: int) -> str | None:
    """The idempotency key of an attempt: the client's own, and after calls that came to nothing one made of it."""
    if once is None or not attempt:
        return once
    return f"gateway:{sha256(once.encode()).hexdigest()}:{attempt}"
