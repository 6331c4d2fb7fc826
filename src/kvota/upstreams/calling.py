"""Calls with values instead of bytes, for those of our own rooms that ask a model themselves."""

import tempfile
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from kvota.upstreams.bodies import Body, Json, Upload
from kvota.upstreams.failing import Broken, Refused
from kvota.upstreams.sending import Upstreams

MAX_ANSWER = 64 * 1024 * 1024
T = TypeVar("T")


class Answered(NamedTuple):
    """``texts``: what was said, or the addresses (or data URLs) of pictures. ``measures``: what it used."""

    texts: list[str]
    measures: dict[str, int]
    service: str


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Completion(msgspec.Struct, frozen=True):
    choices: list[_Choice]


class _Transcript(msgspec.Struct, frozen=True):
    text: str


class _Picture(msgspec.Struct, frozen=True):
    url: str | None = None
    b64_json: str | None = None


class _Pictures(msgspec.Struct, frozen=True):
    data: list[_Picture]
    output_format: str | None = None


class _Problem(msgspec.Struct, frozen=True):
    message: str = ""


class _Error(msgspec.Struct, frozen=True):
    error: _Problem | str = ""


class Calls:
    """Raises ``NoAnswer``, ``Broken``, ``Refused``, ``UnknownModel``; whatever it is, nothing was delivered."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def chat(self, model: str, messages: Sequence[dict[str, str]], **options: object) -> Answered:
        """Have a chat completed. ``options`` are further fields of the call: ``max_tokens``, ``temperature``."""
        body = Json.of({"model": model, "messages": list(messages), **_given(options)})
        answer, measures, service = await self._ask("chat_completions", model, body, _Completion)
        return Answered([choice.message.content or "" for choice in answer.choices], measures, service)

    async def transcribe(  # a form in memory up to a megabyte, beyond that in a file
        self, model: str, content: bytes, *, name: str, media: str = "application/octet-stream", **options: object
    ) -> Answered:
        """Have a recording written down. ``options``: ``prompt``, ``language``."""
        fields = {"model": model, "response_format": "json", **{k: str(v) for k, v in _given(options).items()}}
        with tempfile.SpooledTemporaryFile(max_size=1 << 20) as file:
            body = Upload.of(file, fields, name, media, content)
            answer, measures, service = await self._ask("audio_transcriptions", model, body, _Transcript)
        return Answered([answer.text], measures, service)

    async def image(self, model: str, prompt: str, *, n: int = 1, **options: object) -> Answered:
        """Have ``n`` pictures made. ``options``: ``size`` (``1024x1024``), ``style``, ``quality``."""
        body = Json.of({"model": model, "prompt": prompt, "n": n, **_given(options)})
        answer, measures, service = await self._ask("images_generations", model, body, _Pictures, images=n)
        media = f"image/{answer.output_format or 'png'}"
        urls = [one.url or f"data:{media};base64,{one.b64_json or ''}" for one in answer.data]
        return Answered(urls, measures, service)

    async def _ask(
        self, route: str, model: str, body: Body, kind: type[T], *, images: int = 0
    ) -> tuple[T, dict[str, int], str]:
        reply = await self._upstreams.send(route, model, body, accept="application/json")
        try:
            text = await reply.read(MAX_ANSWER)
            if reply.is_error:
                raise Refused(reply.service, reply.status, _message(text))
            return msgspec.json.decode(text, type=kind), reply.measures(images=images), reply.service
        except msgspec.DecodeError as error:
            raise Broken(f"{reply.service} answered with something else than was asked for: {error}.") from error
        finally:
            reply.close()


def _given(options: dict[str, Any]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _message(text: bytes) -> str:
    try:
        error = msgspec.json.decode(text, type=_Error).error
    except msgspec.DecodeError:
        return text[:200].decode("utf-8", "replace")
    return (error if isinstance(error, str) else error.message)[:500]
