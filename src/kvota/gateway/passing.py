"""Passing one call on: nothing is charged before the service has begun to answer, nothing passed before the charge."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kvota.asgi.streaming import Disconnected, Receive, Send
from kvota.core.account import Hold
from kvota.gateway.answers import SAFE, Headers
from kvota.gateway.keeping import MAX_ANSWER, Kept
from kvota.upstreams import Broken, Reply

T = TypeVar("T")


class Client:
    """Who waits for the answer, and whether he still does."""

    def __init__(self, receive: Receive) -> None:
        self._gone = asyncio.ensure_future(_disconnection(receive))

    @property
    def has_gone(self) -> bool:
        """Whether the connection is closed."""
        return self._gone.done()

    async def or_gone(self, step: Coroutine[Any, Any, T]) -> T:
        """Do one step while he waits; ``Disconnected``, with the step cancelled, when he goes."""
        task = asyncio.ensure_future(step)
        try:
            await asyncio.wait({task, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Disconnected
            return task.result()
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})

    def when_gone(self, do: Callable[[], None]) -> None:
        """Call ``do`` when he goes."""
        self._gone.add_done_callback(lambda _: do())

    async def forget(self) -> None:
        """Wait for him no more."""
        self._gone.cancel()
        await asyncio.wait({self._gone})


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def headers_of(reply: Reply, captured: Hold | None, *, is_repeat: bool = False) -> Headers:
    """The service's headers that are passed on, and ours: what the call has cost and what is left."""
    headers = [*SAFE, *((name.encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers)]
    if reply.is_error:
        headers.append((b"content-length", b"%d" % len(reply.first)))
    if captured is not None:
        headers += [
            (b"x-kvota-cost", b"%d" % (captured.cost or 0)),
            (b"x-kvota-available", b"%d" % captured.available),
            (b"x-kvota-charge", (captured.charge or "").encode()),
        ]
    if is_repeat:
        headers.append((b"idempotency-replayed", b"true"))
    return headers


async def send_reply(send: Send, reply: Reply, client: Client, headers: Headers, copy: bytearray | None = None) -> None:
    """Pass the answer on, piece by piece as it comes and as the client takes it.

    A client that goes cuts the service off. Raises ``Broken`` where the answer does not come to its end: then the
    client must not be told one either. ``copy`` takes the bytes as well, and a little more than can be kept of them.
    """
    client.when_gone(reply.close)
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    try:
        while piece := await reply.next():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if copy is not None and len(copy) <= MAX_ANSWER:
                copy += piece
    except Broken:
        if client.has_gone:
            raise Disconnected from None
        raise
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_kept(send: Send, kept: Kept) -> None:
    """The same answer again."""
    repeated = (b"idempotency-replayed", b"true")
    headers = [*(header for header in kept.headers if header != repeated), repeated]
    await send({"type": "http.response.start", "status": kept.status, "headers": headers})
    await send({"type": "http.response.body", "body": kept.body})
