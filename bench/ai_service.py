"""An AI service that answers at once, so that what is measured is not its own time: a process with two models.

``fast`` streams its answer without a pause, ``slow`` with a pause of half a second before each of its pieces.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import uvicorn

from kvota.asgi.exchange import Scope
from kvota.asgi.streaming import Receive, Send
from tests.acceptance.servers import wait_until_ready
from tests.ports import free_port

PIECES = 20
PAUSE_SECONDS = 0.5
ANSWER = msgspec.json.encode(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "fast",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x" * 400}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 80, "total_tokens": 92},
    }
)
_CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fast"}
EVENT = b"data: " + msgspec.json.encode({**_CHUNK, "choices": [{"index": 0, "delta": {"content": "x" * 20}}]}) + b"\n\n"
_JSON, _EVENTS = [(b"content-type", b"application/json")], [(b"content-type", b"text/event-stream")]


class _Body(msgspec.Struct):
    model: str = ""
    stream: bool = False


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The service."""
    if scope["type"] != "http":
        return
    content, more = b"", True
    while more:
        message = await receive()
        content, more = content + message.get("body", b""), message.get("more_body", False)
    body = msgspec.json.decode(content, type=_Body) if content else _Body()
    if not body.stream:
        length = (b"content-length", b"%d" % len(ANSWER))
        await send({"type": "http.response.start", "status": 200, "headers": [*_JSON, length]})
        await send({"type": "http.response.body", "body": ANSWER})
        return
    await send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
    for _ in range(PIECES):
        if body.model == "slow":
            await asyncio.sleep(PAUSE_SECONDS)
        await send({"type": "http.response.body", "body": EVENT, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


@contextlib.contextmanager
def ai_service(place: Path) -> Iterator[str]:
    """The base URL of the service in a process of its own."""
    port, log = free_port(), place / "ai-service.log"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "bench.ai_service", str(port)], stdout=output, stderr=output)
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", lifespan="off", loop="uvloop", http="httptools")
