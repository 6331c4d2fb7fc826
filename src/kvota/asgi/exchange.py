"""What came in one HTTP exchange, in ASGI's terms: the address, the headers, the body up to its limit, the query."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from kvota.asgi.streaming import Disconnected, Receive, Send
from kvota.errors import BodyTooLarge, FieldError, Invalid, Malformed

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 1024 * 1024
MAX_PARAMETERS = 20


def address_of(scope: Scope) -> str:
    """The address that the connection comes from, a proxy's where there is one; empty for a socket file."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """The headers by their names in small letters; one that came more than once with commas between its values."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        found[name] = found[name] + b", " + value if name in found else value
    return found


async def read_all(receive: Receive, headers: dict[bytes, bytes]) -> bytes:
    """The body; ``BodyTooLarge`` as soon as it is known to be larger than 1 MiB."""
    length = headers.get(b"content-length", b"")
    if length.isdigit() and (len(length) > 10 or int(length) > MAX_BODY):  # noqa: PLR2004 - no need to read it all
        raise BodyTooLarge("too large")
    message = await receive()
    body = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False) and len(body) <= MAX_BODY:
        return body
    parts, size = [body], len(body)
    while message["type"] == "http.request" and message.get("more_body", False) and size <= MAX_BODY:
        message = await receive()
        part: bytes = message.get("body", b"")
        parts.append(part)
        size += len(part)
    if message["type"] != "http.request":
        raise Disconnected
    if size > MAX_BODY:
        raise BodyTooLarge("too large")
    return b"".join(parts)


def query_of(scope: Scope) -> dict[str, str]:
    """The query's parameters; each may come once."""
    text: bytes = scope["query_string"]
    if not text:
        return {}
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise Malformed("The query is not text in UTF-8. Send its parameters as name=value, percent-encoded.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise Invalid("", errors=[FieldError(name, "comes twice: send it once") for name in twice])
    return found
