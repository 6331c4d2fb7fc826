"""Errors and declines in the shape that OpenAI's clients show: ``{"error": {"message", "type", "param", "code"}}``.

A decline has beside them what a decline of ``/v1`` has: ``reason``, ``cost``, ``available``, ``short_by``,
``renews_at``, ``retry_at``, ``cap`` and ``ways_out``. ``x-should-retry`` tells the SDKs not to repeat by themselves
what only time or an administrator changes.
"""

from typing import NamedTuple

import msgspec

from kvota.asgi import texts
from kvota.asgi.languages import Language
from kvota.asgi.statuses import STATUS, retry_after
from kvota.asgi.streaming import Send
from kvota.core.declines import Declined
from kvota.errors import BodyTooLarge, CallerError, KvotaError, MethodNotAllowed, TooManyAttempts, WorldError
from kvota.upstreams import WORDS, NoAnswer, UnknownModel
from kvota.wire.fields import encode
from kvota.wire.views import decline

Headers = list[tuple[bytes, bytes]]
SAFE: Headers = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_JSON = (b"content-type", b"application/json")
_NO_RETRY = (b"x-should-retry", b"false")
_OWN_STATUS = {"model_not_found": 404, "upstream_unavailable": 502, "call_running": 409, "call_charged": 409}
"""Codes that only this door has."""
_OWN_WORDS: dict[str, tuple[str, str]] = {
    "call_running": (
        "A call with this Idempotency-Key is still running. Wait for it, and repeat it then.",
        "Вызов с этим Idempotency-Key ещё выполняется. Дождитесь его окончания и повторите.",
    ),
    "call_charged": (
        "The call of this Idempotency-Key is charged ({name}); its answer is gone. Use a new key for a new call.",
        "Вызов с этим Idempotency-Key уже списан ({name}), его ответ утрачен. Для нового вызова возьмите новый ключ.",
    ),
    "model_not_found": (
        "No AI service here has the model {name!r}. GET /openai/v1/models lists those that there are.",
        "Модели «{name}» нет ни у одного из подключённых сервисов. Список: GET /openai/v1/models.",
    ),
    "body_too_large": (
        "The body is larger than {name} bytes.",
        "Тело запроса больше {name} байт.",
    ),
}


class Answer(NamedTuple):
    """An answer of our own."""

    status: int
    body: bytes
    headers: Headers


class WrongMethod(MethodNotAllowed):
    """The path is known, the method is not."""

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(method)
        self.allow = allow


class CallRunning(CallerError):
    """The call of this idempotency key has not come to its end."""

    code = "call_running"


class CallCharged(CallerError):
    """The call of this idempotency key was charged too long ago to be delivered again."""

    code = "call_charged"

    def __init__(self, charge: str) -> None:
        super().__init__(charge)
        self.charge = charge


def of_error(error: KvotaError, language: Language, *, key: str = "") -> Answer:
    """The answer to what went wrong; ``key`` is the idempotency key that came."""
    code = error.code
    status = _OWN_STATUS.get(code) or STATUS[code]
    headers: Headers = []
    if isinstance(error, WorldError | TooManyAttempts):
        headers.append((b"retry-after", b"%d" % error.retry_after_seconds))
    elif not isinstance(error, CallRunning):
        headers.append(_NO_RETRY)
    param = error.errors[0].field if isinstance(error, CallerError) and error.errors else None
    kind = "server_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004
    if isinstance(error, WrongMethod):
        headers.append((b"allow", error.allow.encode()))
    told: dict[str, object] = {"message": _message(error, language, key), "type": kind, "param": param, "code": code}
    return _answer(status, told, headers)


def _message(error: KvotaError, language: Language, key: str) -> str:
    is_russian = language == "ru"
    match error:
        case NoAnswer():
            listed = "; ".join(WORDS[failure][language] for failure in dict.fromkeys(error.failures.values()))
            if is_russian:
                return f"Сервис ИИ не ответил, ничего не списано: {listed}."
            return f"No AI service answered, nothing was charged: {listed}."
        case CallRunning() | CallCharged() | BodyTooLarge():
            return _OWN_WORDS[error.code][is_russian].format(name=error.detail)
        case UnknownModel():
            return _OWN_WORDS[error.code][is_russian].format(name=error.model)
        case _:
            facts = {"key": repr(key) if key else "", "method": "", "allow": ""}
            if isinstance(error, WrongMethod):
                facts |= {"method": error.detail, "allow": error.allow}
            return texts.detail(error, error.code, language, **facts)


def of_decline(row: Declined, language: Language, now: int | None) -> Answer:
    """The answer to a call that is declined. ``now`` is the store's clock, for ``Retry-After``; None leaves it out."""
    status = STATUS[row.reason]
    kind = "insufficient_quota" if status == STATUS["insufficient_requests"] else "declined"
    told = {"message": texts.declined(row, language), "type": kind, "param": None, "code": row.reason}
    return _answer(status, {**told, **msgspec.structs.asdict(decline(row))}, [_NO_RETRY, *retry_after(row, now)])


def _answer(status: int, error: dict[str, object], headers: Headers) -> Answer:
    if status == STATUS["unauthenticated"]:
        headers.append((b"www-authenticate", b"Bearer"))
    return Answer(status, encode({"error": error}), headers)


async def send_answer(send: Send, answer: Answer) -> None:
    """Send it whole."""
    headers = [*SAFE, _JSON, (b"content-length", b"%d" % len(answer.body)), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
