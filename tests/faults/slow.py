"""Clients that are a burden: they send byte by byte, never finish, or never read what they asked for."""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from tests.acceptance.servers import OPERATOR_KEY
from tests.faults.callers import COMPANIES
from tests.faults.calls import Call

PAUSE_SECONDS = 0.03


def request_of(method: str, path: str, body: bytes = b"", *, key: str | None = None) -> bytes:
    """One request as it goes over the wire."""
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Bearer {OPERATOR_KEY}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    if key is not None:
        head.append(f"Idempotency-Key: {key}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def charge_of(name: str, number: int) -> Call:
    """A charge that nobody repeats."""
    company = COMPANIES[number % len(COMPANIES)]
    body = {"action": "chat_question", "user": name}
    return Call(
        name=name, kind="charge", company=company, path=f"/v1/companies/{company}/charges", body=body, key=f"k-{name}"
    )


def bytes_of(call: Call) -> bytes:
    """The call as it goes over the wire."""
    return request_of("POST", call.path, json.dumps(call.body).encode(), key=call.key)


def reply_on(line: socket.socket) -> tuple[int, Any]:
    """The status and the body of a reply."""
    reply = http.client.HTTPResponse(line)
    reply.begin()
    return reply.status, json.loads(reply.read())


class Drippers:
    """Many connections, each of which sends its charge's body byte by byte, in turn, until told to finish."""

    def __init__(self, port: int, many: int) -> None:
        self.calls = [charge_of(f"slow-{number}", number) for number in range(many)]
        self._lines = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in self.calls]
        self._left: list[bytes] = []
        for line, call in zip(self._lines, self.calls, strict=True):
            head, _, body = bytes_of(call).partition(b"\r\n\r\n")
            line.sendall(head + b"\r\n\r\n")
            self._left.append(body)
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._drip, daemon=True)
        self._thread.start()

    def _drip(self) -> None:
        """A byte each, as long as there is more than one left: nobody finishes."""
        while not self._is_ending.wait(PAUSE_SECONDS):
            for number, line in enumerate(self._lines):
                if len(self._left[number]) > 1:
                    line.sendall(self._left[number][:1])
                    self._left[number] = self._left[number][1:]

    def finish(self) -> list[tuple[int, Any]]:
        """Send what is left; the status and the body that each is answered."""
        self._is_ending.set()
        self._thread.join()
        for line, left in zip(self._lines, self._left, strict=True):
            line.sendall(left)
        return [reply_on(line) for line in self._lines]

    def wait_for_the_end(self) -> list[bytes]:
        """Stay silent in the middle of the body, until the server has had enough."""
        self._is_ending.set()
        self._thread.join()
        for line in self._lines:
            line.settimeout(180)
        return [line.recv(65536) for line in self._lines]

    def close(self) -> None:
        """Hang up."""
        self._is_ending.set()
        self._thread.join()
        for line in self._lines:
            line.close()


@contextlib.contextmanager
def dripping(port: int, many: int) -> Iterator[Drippers]:
    """Drippers at work."""
    clients = Drippers(port, many)
    try:
        yield clients
    finally:
        clients.close()


def send_and_never_read(port: int, requests: Sequence[bytes]) -> socket.socket:
    """Send as many of them, over and over, as the other side takes; not one reply is read."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the replies pile up on the server's side
    line.connect(("127.0.0.1", port))
    line.settimeout(2)
    with contextlib.suppress(OSError):  # it is full, or the server has hung up
        for request in requests:
            line.sendall(request)
    return line
