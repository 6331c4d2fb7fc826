"""An AI service of the tests' own: strict about what it is sent, and as broken as a test wants it to be.

It is no server of another make: it was written from the published description of the interface, for these tests.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Self

from aiohttp import web

from tests.sites import listen, shut

KEY = "sk-of-the-service-0123456789"
MODELS = ("gpt-test", "whisper-test", "image-test", "embed-test")
USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
WORDS = ("Hello", ", ", "wo", "rld", "!")

Behaviour = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]


class Seen(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class AiService:
    """``behaviour`` takes the place of the right answer; ``seen`` is all that it was sent."""

    def __init__(self, *, key: str | None = KEY, port: int = 0) -> None:
        self.key, self.port = key, port
        self.seen: list[Seen] = []
        self.behaviour: Behaviour | None = None
        self.came, self.cut = asyncio.Event(), asyncio.Event()
        self.models = MODELS
        self._runner = self._new_runner()
        self.url = ""

    def _new_runner(self) -> web.AppRunner:
        self.app = web.Application(client_max_size=1 << 28)
        self.app.router.add_get("/v1/models", self._models)
        self.app.router.add_post("/v1/{route:.*}", self._post)
        return web.AppRunner(self.app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        self._listening = await listen(self._runner, self.port)
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await shut(self._runner, self._listening)

    async def restart(self, seconds: float) -> None:
        """Be away for so long, at the same address: what is being answered is cut, who comes meanwhile finds nobody."""
        await shut(self._runner, self._listening)
        await asyncio.sleep(seconds)
        self._runner = self._new_runner()
        await self.__aenter__()

    def _refused(self, request: web.Request) -> web.Response | None:
        if self.key is not None and request.headers.get("Authorization") != f"Bearer {self.key}":
            return _error(401, f"Incorrect API key provided: {request.headers.get('Authorization')}")
        return None

    async def _models(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        if self.behaviour is not None:
            found = await self.behaviour(request, {})
            assert isinstance(found, web.Response)
            return found
        data = [{"id": name, "object": "model", "created": 1, "owned_by": "tests"} for name in self.models]
        return web.json_response({"object": "list", "data": data})

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.seen.append(Seen(request.path, dict(request.headers), body))
        self.came.set()
        if (refused := self._refused(request)) is not None:
            return refused
        route = request.match_info["route"]
        fields = _fields_of(request, body)
        if self.behaviour is not None:
            try:
                return await self.behaviour(request, fields)
            except asyncio.CancelledError:
                self.cut.set()
                raise
        return await ANSWERS[route](request, fields)


def _fields_of(request: web.Request, body: bytes) -> dict[str, Any]:
    if request.content_type != "multipart/form-data":
        return json.loads(body)
    boundary = request.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
    fields: dict[str, Any] = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part[2:-2].partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        fields[name] = content if b"filename=" in head else content.decode()
    return fields


def _error(status: int, message: str, **headers: str) -> web.Response:
    body = {"error": {"message": message, "type": "error", "param": None, "code": None}}
    return web.json_response(body, status=status, headers=headers)


def failing(status: int, **headers: str) -> Behaviour:
    async def behave(request: web.Request, fields: Any) -> web.StreamResponse:
        return _error(status, f"{status} of {request.headers.get('Authorization', '')}", **headers)

    return behave


async def never(request: web.Request, fields: Any) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def hangs_up(request: web.Request, fields: Any) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def hangs_up_with_only_headers(request: web.Request, fields: Any) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "100"})
    await response.prepare(request)
    assert request.transport is not None
    request.transport.close()
    return response


async def breaks_in_the_middle(request: web.Request, fields: Any) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b'data: {"choices": []}\n\n')
    assert request.transport is not None
    request.transport.close()
    return response


async def falls_silent_in_the_middle(request: web.Request, fields: Any) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b'data: {"choices": []}\n\n')
    await asyncio.Event().wait()
    return response


async def _events(request: web.Request, events: list[str]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    for event in events:
        await response.write(event.encode())
    await response.write_eof()
    return response


async def chat(request: web.Request, fields: Any) -> web.StreamResponse:
    if not isinstance(fields.get("messages"), list) or not fields["messages"]:
        return _error(400, "messages: a list is needed")
    head = {"id": "chatcmpl-1", "created": 1, "model": fields["model"]}
    if not fields.get("stream"):
        message = {"role": "assistant", "content": "".join(WORDS), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return web.json_response({**head, "object": "chat.completion", "choices": [choice], "usage": USAGE})
    wants_usage = (fields.get("stream_options") or {}).get("include_usage")
    more = {"usage": None} if wants_usage else {}
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": word}, "finish_reason": None}], **more}
        for word in WORDS
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], **more})
    if wants_usage:
        chunks.append({"choices": [], "usage": USAGE})
    told = [json.dumps({**head, "object": "chat.completion.chunk", **chunk}) for chunk in chunks]
    return await _events(request, [f"data: {one}\n\n" for one in (*told, "[DONE]")])


async def responses(request: web.Request, fields: Any) -> web.StreamResponse:
    text = "".join(WORDS)
    usage = {
        "input_tokens": 12, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15,
    }  # fmt: skip
    item = {
        "type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }  # fmt: skip
    whole = {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": fields["model"],
        "output": [item], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage,
    }  # fmt: skip
    if not fields.get("stream"):
        return web.json_response(whole)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}},
        *({"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in WORDS),
        {"type": "response.completed", "response": whole},
    ]
    told = [json.dumps({**event, "sequence_number": number}) for number, event in enumerate(events)]
    kinds = [event["type"] for event in events]
    return await _events(request, [f"event: {kind}\ndata: {one}\n\n" for kind, one in zip(kinds, told, strict=True)])


async def embeddings(request: web.Request, fields: Any) -> web.StreamResponse:
    texts = fields["input"] if isinstance(fields["input"], list) else [fields["input"]]
    as_base64 = fields.get("encoding_format") == "base64"
    vector: Any = "AACAPwAAAEA=" if as_base64 else [1.0, 2.0]
    data = [{"object": "embedding", "index": n, "embedding": vector} for n in range(len(texts))]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return web.json_response({"object": "list", "data": data, "model": fields["model"], "usage": usage})


async def transcriptions(request: web.Request, fields: Any) -> web.StreamResponse:
    if not fields.get("file"):
        return _error(400, "file: a recording is needed")
    if fields.get("response_format") == "text":
        return web.Response(text="Good day.\n", content_type="text/plain")
    if fields.get("stream") == "true":
        usage = {"type": "tokens", "input_tokens": 9, "output_tokens": 2, "total_tokens": 11}
        events = [
            {"type": "transcript.text.delta", "delta": "Good day."},
            {"type": "transcript.text.done", "text": "Good day.", "usage": usage},
        ]
        return await _events(request, [f"data: {json.dumps(event)}\n\n" for event in events])
    usage = {"type": "duration", "seconds": 31}
    return web.json_response({"text": f"Good day, {len(fields['file'])} bytes.", "usage": usage})


async def images(request: web.Request, fields: Any) -> web.StreamResponse:
    count = fields.get("n") or 1
    data = [{"url": f"https://pictures.example/{number}.png"} for number in range(count)]
    return web.json_response({"created": 1, "data": data})


ANSWERS: dict[str, Behaviour] = {
    "chat/completions": chat,
    "responses": responses,
    "embeddings": embeddings,
    "audio/transcriptions": transcriptions,
    "images/generations": images,
}
