"""What a call asks for: its route, its model, what can be measured of it, and the body that is passed on."""

import asyncio
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from kvota.asgi.streaming import Receive
from kvota.errors import FieldError, Invalid, Malformed
from kvota.gateway.forms import read_form
from kvota.gateway.spool import Spool
from kvota.upstreams import Body, Json, Upload

MAX_JSON = 20 * 1024 * 1024
MAX_UPLOAD = 100 * 1024 * 1024
MAX_IMAGES = 100
TRANSCRIPTIONS, IMAGES = "audio_transcriptions", "images_generations"


class Asked(NamedTuple):
    """``quantities`` are those that the call itself tells. ``digest`` is of all that it says."""

    route: str
    model: str
    body: Body
    quantities: Mapping[str, int]
    digest: bytes


class _Fields(msgspec.Struct, frozen=True):
    model: Annotated[str, Meta(min_length=1, max_length=200)]


class _ImageFields(_Fields, frozen=True):
    n: Annotated[int, Meta(ge=1, le=MAX_IMAGES)] | None = None


_decoder, _image_decoder = msgspec.json.Decoder(_Fields), msgspec.json.Decoder(_ImageFields)


async def read_asked(route: str, receive: Receive, headers: dict[bytes, bytes], spool: Spool) -> Asked:
    """Read the body of a call. Raises ``Malformed``, ``Invalid`` or ``BodyTooLarge``; nothing has been asked yet."""
    media = headers.get(b"content-type", b"").decode("latin-1")
    if route == TRANSCRIPTIONS:
        await spool.take(receive, headers, MAX_UPLOAD)
        form = await asyncio.to_thread(read_form, spool.content(), media)
        body = Upload(spool.file, spool.size, media, form.model_at)
        return Asked(route, form.model, body, {}, form.digest)
    await spool.take(receive, headers, MAX_JSON)
    content = bytes(spool.content())
    try:
        if route == IMAGES:
            json.loads(content, object_pairs_hook=_without_repeats)
            fields: _Fields = _image_decoder.decode(content)
        else:
            fields = _decoder.decode(content)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (ValueError, RecursionError) as error:
        raise Malformed(f"The body is not JSON: {error}. Send an object with a `model`.") from None
    quantities = {"images": fields.n or 1} if isinstance(fields, _ImageFields) else {}
    return Asked(route, fields.model, Json(content), quantities, sha256(content).digest())


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that comes twice: who reads the first ``n`` and who reads the last would count differently."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a name twice")
    return found


def _invalid(message: str) -> Invalid:
    """Msgspec's words: ``Expected `int` <= 100 - at `$.n` ``."""
    what, _, where = message.partition(" - at `$.")
    field = where.rstrip("`") or ("n" if "n" in message.split("`")[1:2] else "model")
    return Invalid(f"{field}: {what}", errors=[FieldError(field, what)])
