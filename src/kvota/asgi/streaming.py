"""A body that comes in pieces: each is made when the one before has been taken, and none once the client has gone."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any, BinaryIO

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Disconnected(Exception):
    """The client has gone; nobody waits for a reply."""


class Stream:
    """The pieces of a body. ``begin`` makes the first: what fails until then can still be answered as a problem.

    ``send`` waits for the connection after each piece, so a slow client makes the pieces come slowly.
    """

    def __init__(self, pieces: AsyncGenerator[bytes]) -> None:
        self._pieces = pieces
        self._first: bytes | None = None
        self._gone: asyncio.Future[None] | None = None

    async def begin(self, receive: Receive) -> None:
        """Make the first piece. Raises ``Disconnected``, or what keeps it from being made."""
        self._gone = asyncio.ensure_future(_disconnection(receive))
        try:
            self._first = await self._next(self._gone)
        except BaseException:
            await self._end(self._gone)
            raise

    async def send(self, send: Send) -> None:
        """Send it all, after ``begin``. Raises ``Disconnected``, or what broke on the way: then the end is missing."""
        if self._gone is None:
            raise RuntimeError("begin() comes first")
        try:
            piece = self._first
            while piece is not None:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await self._next(self._gone)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._end(self._gone)

    async def save(self, file: BinaryIO) -> None:
        """Write it all into a file, instead of both. Raises what broke on the way: then the end is missing."""
        async with aclosing(self._pieces):
            async for piece in self._pieces:
                file.write(piece)

    async def _next(self, gone: asyncio.Future[None]) -> bytes | None:
        step = asyncio.ensure_future(self._step())
        try:
            await asyncio.wait({step, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                raise Disconnected
            return step.result()
        finally:
            if not step.done():
                step.cancel()
                await asyncio.wait({step})

    async def _step(self) -> bytes | None:
        return await anext(self._pieces, None)

    async def _end(self, gone: asyncio.Future[None]) -> None:
        gone.cancel()
        await self._pieces.aclose()


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
