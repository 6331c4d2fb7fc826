"""One metered call: held, passed on, captured before the first byte, delivered; or given back."""

from collections.abc import Mapping
from typing import NamedTuple

from kvota.asgi.languages import Language
from kvota.asgi.services import Services
from kvota.asgi.statuses import needs_clock
from kvota.asgi.streaming import Send
from kvota.core.account import Hold, Usage
from kvota.core.declines import Declined
from kvota.gateway.answers import of_decline, send_answer
from kvota.gateway.asked import Asked
from kvota.gateway.keeping import MAX_ANSWER, Answers
from kvota.gateway.metering import Metering
from kvota.gateway.passing import Client, headers_of, send_kept, send_reply
from kvota.store import ApiKey
from kvota.upstreams import Reply, Upstreams


class Call(NamedTuple):
    """Who asks for what, and as what it is charged. ``once``, ``request``: its idempotency key and what that means."""

    asked: Asked
    usage: Usage
    company: str
    key: ApiKey
    once: str | None
    request: str
    headers: Mapping[bytes, bytes]
    language: Language


class Calling:
    """Carries calls out."""

    def __init__(self, services: Services, upstreams: Upstreams, metering: Metering) -> None:
        self._services, self._upstreams, self._metering = services, upstreams, metering
        self._answers = Answers()

    async def carry_out(self, call: Call, client: Client, send: Send) -> int:
        """Answer a call; the status. What is raised before the answer has begun was not charged."""
        asked = call.asked
        candidates = self._upstreams.candidates(asked.model)
        seconds = sum(one.connect_seconds + one.first_byte_seconds for one in candidates)
        outcome = await self._metering.hold(
            call.company, call.key, call.usage, seconds=seconds, once=call.once, request=call.request
        )
        if isinstance(outcome.reply, Declined):
            return await self._decline(outcome.reply, call, send)
        if not isinstance(outcome.reply, Hold):
            raise TypeError(type(outcome.reply).__name__)
        hold = outcome.reply
        if outcome.is_replayed:
            kept = self._answers.get((hold.company, hold.id))
            if kept is not None:
                await send_kept(send, kept)
                return kept.status
            await self._metering.check_repeat(hold)
        return await self._answer(call, hold, client, send, is_repeat=outcome.is_replayed)

    async def _answer(self, call: Call, hold: Hold, client: Client, send: Send, *, is_repeat: bool) -> int:
        """Ask, charge, deliver. ``is_repeat``: the hold is captured already, and its call is delivered once more."""
        reply: Reply | None = None
        captured: Hold | Declined | None = hold if is_repeat else None
        try:
            reply = await client.or_gone(self._ask(call))
            if not (reply.is_error or is_repeat):
                captured = await self._metering.capture(hold, call.key.id)
        except BaseException:
            if reply is not None:
                reply.close()
            raise
        finally:
            # Nothing was delivered where the service failed, the client went, or the capture was declined or lost.
            if not isinstance(captured, Hold):
                await self._metering.settle(hold, call.key.id)
        try:
            if isinstance(captured, Declined):
                return await self._decline(captured, call, send)
            if captured is None or reply.is_error:  # an error of the service's is the caller's to read
                await send_reply(send, reply, client, headers_of(reply, None))
            else:
                await self._deliver(call, reply, captured, client, send, is_repeat=is_repeat)
        finally:
            reply.close()
        return reply.status

    async def _ask(self, call: Call) -> Reply:
        accept = call.headers.get(b"accept", b"*/*").decode("latin-1")
        asked = call.asked
        return await self._upstreams.send(asked.route, asked.model, asked.body, accept=accept)

    async def _deliver(
        self, call: Call, reply: Reply, captured: Hold, client: Client, send: Send, *, is_repeat: bool
    ) -> None:
        """Pass on what has been charged, and note what it has used, as far as it has come."""
        headers = headers_of(reply, captured, is_repeat=is_repeat)
        body = None if call.once is None else bytearray()
        try:
            await send_reply(send, reply, client, headers, body)
            if body is not None and len(body) <= MAX_ANSWER:
                self._answers.keep((captured.company, captured.id), reply.status, headers, bytes(body))
        finally:
            measures = reply.measures(images=call.asked.quantities.get("images", 0))
            self._metering.measure(captured, call.key.id, measures)

    async def _decline(self, row: Declined, call: Call, send: Send) -> int:
        now = await self._services.read(self._services.reads.clock) if needs_clock(row) else None
        answer = of_decline(row, call.language, now)
        await send_answer(send, answer)
        return answer.status
