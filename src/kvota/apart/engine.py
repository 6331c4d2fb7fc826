"""The server's side: starts the process, tells it commands, hands on its answers, and starts it again when it dies."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable
from typing import cast

import structlog

from kvota.apart.messages import Frames, commands_frame, read_batch
from kvota.committing import Answer
from kvota.core.commands import Command
from kvota.engine import QUEUE
from kvota.errors import Busy, EngineLost
from kvota.settings import environment_for

WORK = "from kvota.apart.work import work; work()"
PAUSE_SECONDS = 0.5
_LOST = "The engine's process was lost, and is started again; the same key tells what happened."


class EngineApart:
    """An engine in a process of its own. ``tell`` is called in the event loop's thread, and answers there too.

    It takes calls while it ``lives``. ``on_batch`` is told the size and the seconds of each batch.
    """

    def __init__(self, store: str, on_batch: Callable[[int, float], None]) -> None:
        self._store, self._on_batch = store, on_batch
        self._answered: dict[int, Callable[[Answer], None]] = {}
        self._waiting: list[tuple[int, float, Command]] = []
        self._number = 0
        self._is_closing = False
        self._is_lost = False
        self._starting: asyncio.Task[None] | None = None
        self._line: _Line | None = None
        self._process, self._socket = _start(store)  # at once: it starts while the rest of the server does

    @property
    def depth(self) -> int:
        """The commands that wait."""
        return len(self._answered)

    @property
    def is_lost(self) -> bool:
        """Whether the process has died and no other has been heard from since."""
        return self._is_lost

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def tell(self, command: Command, answered: Callable[[Answer], None]) -> None:
        """Send a command to the process; it is sent together with the others of this moment."""
        if self._is_closing:
            raise Busy("The server is ending. Try again in a moment, with the same key.")
        if len(self._answered) >= QUEUE:
            raise Busy(f"{QUEUE} calls are waiting already. Try again in a moment, with the same key.")
        if self._line is None:
            raise EngineLost(_LOST)
        self._number += 1
        self._answered[self._number] = answered
        self._waiting.append((self._number, time.monotonic(), command))
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._line is not None:
            self._line.transport.write(commands_frame(waiting))

    @contextlib.asynccontextmanager
    async def lives(self) -> AsyncGenerator[None]:
        """Take calls; at the end what was accepted is carried out, and the process ends."""
        await self._connect()
        try:
            yield
        finally:
            self._is_closing = True
            if self._starting is not None:
                self._starting.cancel()
            if self._line is not None:
                self._line.transport.write_eof()
            await asyncio.to_thread(self._process.wait)

    def close(self) -> None:
        """End the process, if it has not ended: for whoever does not get as far as to live."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._process.wait()
        self._socket.close()

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        _, self._line = await loop.create_unix_connection(lambda: _Line(self._heard, self._lost), sock=self._socket)

    def _heard(self, frame: bytes) -> None:
        self._is_lost = False
        seconds, answers = read_batch(frame)
        if answers:  # the first frame of a process only says that it is there
            self._on_batch(len(answers), seconds)
        for number, answer in answers:
            self._answered.pop(number)(answer)

    def _lost(self) -> None:
        self._line = None
        answered, self._answered, self._waiting = self._answered, {}, []
        for one in answered.values():
            one(EngineLost(_LOST))
        if self._is_closing:
            return
        self._is_lost = True
        self._process.kill()
        code = self._process.wait()
        structlog.get_logger().error("engine_died", pid=self._process.pid, code=code, again_in=PAUSE_SECONDS)
        self._starting = asyncio.ensure_future(self._start_again())

    async def _start_again(self) -> None:
        await asyncio.sleep(PAUSE_SECONDS)
        while True:
            try:
                self._process, self._socket = _start(self._store)
                break
            except OSError as error:  # the machine has no room for it now
                structlog.get_logger().error("engine_cannot_start", detail=str(error), again_in=PAUSE_SECONDS)
                await asyncio.sleep(PAUSE_SECONDS)
        await self._connect()


class _Line(asyncio.Protocol):
    """The connection to one process."""

    transport: asyncio.WriteTransport

    def __init__(self, heard: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._heard, self._lost = heard, lost
        self._frames = Frames()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._frames.whole(data):
            self._heard(frame)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it was lost
        self._lost()


def _start(store: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a process, deaf to signals (the server ends it by closing the line): it, and our end of the line."""
    ours, theirs = socket.socketpair()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        process = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-P", "-c", WORK], stdin=theirs.fileno(), env=environment_for(store)
        )
    except OSError:
        ours.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
    ours.setblocking(False)  # noqa: FBT003 - the event loop's from here on
    return process, ours
