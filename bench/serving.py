"""The real server in a process of its own, with one more path to compare with: ``POST /noop``.

The no-op goes through the same HTTP server and the same exchange: its headers are gathered, its body is read and
parsed as the charge that it is, and a reply of the size of a charge's is sent with the same headers. It is not routed,
not authenticated, not counted in the metrics, not encoded and, of course, not carried out.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kvota import server
from kvota.api.exchange import send_answer
from kvota.api.problems import Answer
from kvota.asgi.exchange import Scope, headers_of, read_all
from kvota.asgi.streaming import Receive, Send
from kvota.cli.serving import given_settings
from kvota.core.account import Charge, Draw
from kvota.doors import Doors, open_doors
from kvota.wire import views
from kvota.wire.fields import encode
from kvota.wire.reading import read_body
from kvota.wire.requests import UsageRequest
from tests.acceptance.servers import OPERATOR_KEY, wait_until_ready

_CHARGE = Charge(
    company="company-00001", id="chg_0000000123", action="chat_question", tool="chat", user="user-0001",
    department=None, subject=None, quantities={}, cost=1, draws=(Draw("2026-11", 1),), shared=(),
    at=1_796_000_400_123, period_start=1_796_000_400_000, entry=123, catalogue="2026-11-01", available=999_999_877,
)  # fmt: skip


class WithNoop:
    """The application of the server, and beside it the no-op."""

    def __init__(self, app: Doors) -> None:
        self._app = app
        self.end_streams = app.end_streams
        self._reply = Answer(201, encode(views.charge(_CHARGE)), ((b"content-type", b"application/json"),))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/noop":
            read_body(UsageRequest, await read_all(receive, headers_of(scope)))
            await send_answer(send, self._reply, "en", is_head=False)
        else:
            await self._app(scope, receive, send)


class Server(NamedTuple):
    """A running server."""

    url: str
    pid: int


@contextlib.contextmanager
def serving(store: str, catalogue: str, place: Path, *, workers: int = 1) -> Iterator[Server]:
    """A server on a free port, ready; ended in order afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = place / f"server-{port}.log"
    environment = {"KVOTA_STORE": store, "KVOTA_CATALOGUE": catalogue, "KVOTA_OPERATOR_KEY": OPERATOR_KEY}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.serving", str(port), str(workers)],
            cwd=Path(__file__).parents[1],
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}", log)
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def _serve(port: int, workers: int) -> None:
    def build(*arguments: Any, **more: Any) -> WithNoop:
        return WithNoop(open_doors(*arguments, **more))

    server.open_doors = build  # type: ignore[assignment] - the only place where the real server is not quite the real one
    server.serve(given_settings(None, None, is_sandbox=False), "127.0.0.1", port, workers)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
