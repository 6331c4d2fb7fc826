"""A form with a recording in it (``multipart/form-data``): which model it is for and what it says, copying nothing."""

import mmap
import re
from collections.abc import Iterator
from email.message import Message
from hashlib import sha256
from typing import NamedTuple

from kvota.errors import Malformed

MAX_PARTS = 100
MAX_HEAD = 4_096
MAX_MODEL = 200
PIECE = 1 << 20
_NAME = re.compile(rb';\s*name="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)


class Part(NamedTuple):
    """One field: its name, its head, and where its content begins and ends."""

    name: bytes
    head: bytes
    start: int
    end: int


class Form(NamedTuple):
    """``model_at`` is where the model's name stands. ``digest`` is of what the form says, whatever its boundary."""

    model: str
    model_at: tuple[int, int]
    digest: bytes


def read_form(content: bytes | mmap.mmap, content_type: str) -> Form:
    """Read a form. Raises ``Malformed`` where it is none, or has not exactly one model and one file."""
    told = Message()
    told["content-type"] = content_type
    boundary = told.get_boundary()
    if told.get_content_type() != "multipart/form-data" or not boundary or len(boundary) > 70:  # noqa: PLR2004 - RFC 2046
        raise Malformed(
            "The body is to be multipart/form-data with a boundary. Send the recording as the field `file`."
        )
    parts = list(_parts(content, boundary.encode("latin-1", "replace")))
    models = [part for part in parts if part.name == b"model"]
    files = [part for part in parts if part.name == b"file"]
    if len(models) != 1 or not 0 < models[0].end - models[0].start <= MAX_MODEL:
        raise Malformed("The form is to have the field `model` exactly once, with a model's name.")
    if len(files) != 1:
        raise Malformed("The form is to have the field `file` exactly once, with the recording.")
    at = (models[0].start, models[0].end)
    try:
        model = bytes(content[at[0] : at[1]]).decode()
    except UnicodeDecodeError:
        raise Malformed("The field `model` is not UTF-8.") from None
    return Form(model, at, _digest(content, parts))


def _parts(content: bytes | mmap.mmap, boundary: bytes) -> Iterator[Part]:
    opening, between = b"--" + boundary, b"\r\n--" + boundary
    if content[: len(opening)] != opening:
        raise Malformed("The form does not begin with its boundary.")
    at = len(opening)
    for _ in range(MAX_PARTS):
        if content[at : at + 2] == b"--":
            return
        head_end = content.find(b"\r\n\r\n", at, at + MAX_HEAD)
        end = content.find(between, head_end)
        if content[at : at + 2] != b"\r\n" or head_end < 0 or end < 0:
            break
        head = bytes(content[at + 2 : head_end])
        name = _NAME.search(head)
        if name is None:
            raise Malformed("A field of the form has no name.")
        yield Part(name.group(1), head, head_end + 4, end)
        at = end + len(between)
    raise Malformed("The form is cut off, or has too many fields.")


def _digest(content: bytes | mmap.mmap, parts: list[Part]) -> bytes:
    found = sha256()
    for part in parts:
        found.update(b"%d %d\n%b" % (len(part.head), part.end - part.start, part.head))
        for at in range(part.start, part.end, PIECE):
            found.update(content[at : min(at + PIECE, part.end)])
    return found.digest()
