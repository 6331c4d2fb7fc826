"""Calls as bytes: with any header, and with a client that can go away whenever it likes."""

import http.client
import json
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple

from tests.gateway.running import Company

CHAT = {"model": "gpt-test", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = {**CHAT, "stream": True}
IMAGE = {"model": "image-test", "prompt": "A cat"}


class Raw(NamedTuple):
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.content)["error"]

    @property
    def code(self) -> str:
        return self.error["code"]


def open_call(
    company: Company,
    path: str = "/chat/completions",
    body: object = None,
    *,
    key: str = "",
    method: str = "POST",
    **headers: str,
) -> http.client.HTTPConnection:
    """Send a call and do not wait for its answer."""
    line = http.client.HTTPConnection("127.0.0.1", company.server.port, timeout=60)
    content = body if isinstance(body, bytes) else json.dumps(CHAT if body is None else body).encode()
    sent = {
        "Authorization": f"Bearer {key or company.member}",
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    line.request(method, f"/openai/v1{path}", content if method == "POST" else None, sent)
    return line


def call(company: Company, path: str = "/chat/completions", body: object = None, **more: Any) -> Raw:
    """One call, with its whole answer."""
    line = open_call(company, path, body, **more)
    try:
        reply = line.getresponse()
        return Raw(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        line.close()


def hang_up(line: http.client.HTTPConnection) -> None:
    """Go away without a word."""
    assert line.sock is not None
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    line.close()


def form(fields: Mapping[str, str | bytes], *, boundary: str = "xyz") -> tuple[bytes, dict[str, str]]:
    """A form with a recording, and its content type."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        + (b'; filename="a.wav"\r\nContent-Type: audio/wav' if isinstance(value, bytes) else b"")
        + b"\r\n\r\n"
        + (value if isinstance(value, bytes) else value.encode())
        + b"\r\n"
        for name, value in fields.items()
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), {
        "Content_Type": f"multipart/form-data; boundary={boundary}"
    }
