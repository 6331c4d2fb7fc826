"""One HTTP exchange in ASGI's terms: the headers, the body up to its limit, the query, the reply."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from kvota.api.problems import Answer, log_defect
from kvota.api.streaming import Disconnected, Receive, Send, Stream
from kvota.errors import BodyTooLarge, FieldError, Invalid, Malformed
from kvota.wire.fields import encode
from kvota.wire.replies import Problem

Scope = MutableMapping[str, Any]

MAX_BODY = 1024 * 1024
MAX_PARAMETERS = 20
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
# Nothing is kept by who is in between, and nothing that a caller sent is run or framed by a browser that is led here.
_SAFE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_BARE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


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


def text_of(body: bytes, headers: dict[bytes, bytes], media: str) -> str:
    """The text of a body of that type; ``Malformed`` for another type, or bytes that are no UTF-8."""
    came = headers.get(b"content-type", b"").decode("latin-1").split(";")[0].strip()
    if came.lower() != media:
        raise Malformed(f"The body is to be {media}, and came as {came[:80] or 'nothing'}. Send Content-Type: {media}.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} does not belong. Send text in UTF-8.") from None


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


async def send_answer(send: Send, answer: Answer, language: str, *, is_head: bool) -> None:
    """The reply as JSON, or as it is where the body is bytes or comes in pieces."""
    body = answer.body
    headers = [*_SAFE, *answer.headers]
    if isinstance(body, Stream):
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if is_head:
            await send({"type": "http.response.body", "body": b""})
        else:
            await _send_pieces(send, body)
        return
    if body is None:
        content = b""
    elif isinstance(body, bytes):
        content = body
    else:
        content = encode(body)
        if isinstance(body, Problem):
            headers += [_PROBLEM, _BARE, (b"content-language", language.encode())]
        else:
            headers += [_JSON, _BARE]
    if answer.status != 204:  # noqa: PLR2004 - no content, so no length
        headers.append((b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_head else content})


async def _send_pieces(send: Send, body: Stream) -> None:
    """What breaks on the way leaves the reply without its end: the server cuts the connection, and the client knows."""
    try:
        await body.send(send)
    except (Disconnected, OSError):
        return
    except Exception as error:  # noqa: BLE001 - the reply has begun, and can tell no problem any more
        log_defect("a reply in pieces", error)
