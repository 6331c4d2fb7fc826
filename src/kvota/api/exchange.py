"""One HTTP exchange of the API: a body of text, and the reply."""

from kvota.api.problems import Answer
from kvota.asgi.defects import log_defect
from kvota.asgi.streaming import Disconnected, Send, Stream
from kvota.errors import Malformed
from kvota.wire.fields import encode
from kvota.wire.replies import Problem

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
# Nothing is kept by who is in between, and nothing that a caller sent is run or framed by a browser that is led here.
_SAFE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_BARE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


def text_of(body: bytes, headers: dict[bytes, bytes], media: str) -> str:
    """The text of a body of that type; ``Malformed`` for another type, or bytes that are no UTF-8."""
    came = headers.get(b"content-type", b"").decode("latin-1").split(";")[0].strip()
    if came.lower() != media:
        raise Malformed(f"The body is to be {media}, and came as {came[:80] or 'nothing'}. Send Content-Type: {media}.")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} does not belong. Send text in UTF-8.") from None


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
