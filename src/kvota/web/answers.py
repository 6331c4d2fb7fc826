"""What a page is answered with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kvota.asgi.streaming import Stream

Headers = tuple[tuple[bytes, bytes], ...]
HTML = b"text/html; charset=utf-8"


class Answer(NamedTuple):
    """A status, a body and headers; cookies are set by the visit."""

    status: int
    body: bytes | Stream
    content_type: bytes = HTML
    headers: Headers = ()


class Template(NamedTuple):
    """A template with what it shows; made into an ``Answer`` when the visit is over."""

    name: str
    values: Mapping[str, Any]
    status: int = 200


def see(path: str) -> Answer:
    """Go on at that path: what was posted is done, and a reload posts nothing."""
    return Answer(303, b"", headers=((b"location", path.encode("ascii")),))


Reply = Answer | Template
