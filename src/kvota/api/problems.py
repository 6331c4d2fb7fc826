"""Errors and declines as RFC 9457 problems: their statuses are those of ``asgi.statuses``."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from msgspec import UNSET

from kvota import errors
from kvota.asgi import texts
from kvota.asgi.languages import Language
from kvota.asgi.statuses import STATUS
from kvota.core.declines import Declined
from kvota.core.periods import SECOND, instant
from kvota.errors import CallerError, Internal, KvotaError, TooManyAttempts, WorldError
from kvota.wire import replies as wire
from kvota.wire.faults import shown
from kvota.wire.views import maybe, ways_out

DECLINES = (
    "insufficient_requests", "company_suspended", "tool_disabled", "action_not_in_plan", "user_required",
    "hourly_limit", "cap_reached",
)  # fmt: skip
TOO_MANY = 429
Headers = tuple[tuple[bytes, bytes], ...]


class Answer(NamedTuple):
    """What a call is answered with. A body is a Struct of ``wire.replies``, or None for nothing."""

    status: int
    body: object = None
    headers: Headers = ()


class MethodNotAllowed(errors.MethodNotAllowed):
    """The path is known, the method is not: ``allow`` are those that are."""

    def __init__(self, method: str, allow: str) -> None:
        super().__init__(f"{method}: {allow}")
        self.method, self.allow = method, allow


def of_error(error: KvotaError, language: Language, *, key: str | None = None) -> Answer:
    """The problem of an exception; ``key`` is the idempotency key that came."""
    code = error.code
    facts: Mapping[str, str] = {"key": repr(key) if key else ""}
    headers: Headers = ()
    if isinstance(error, WorldError | TooManyAttempts):
        headers = ((b"retry-after", b"%d" % error.retry_after_seconds),)
    elif isinstance(error, MethodNotAllowed):
        headers = ((b"allow", error.allow.encode()),)
        facts = {"method": error.method, "allow": error.allow}
    elif code == "unauthenticated":
        headers = ((b"www-authenticate", b"Bearer"),)
    fields = [
        wire.FaultyField(field=one.field, message=texts.translated(one.message, language), value=shown(one.value))
        for one in (error.errors if isinstance(error, CallerError) else ())
    ]
    problem = wire.Problem(
        type=f"/docs#{code}",
        title=texts.title(code, language),
        status=STATUS[code],
        detail=texts.detail(error, code, language, **facts),
        code=code,
        errors=fields or UNSET,
    )
    return Answer(problem.status, problem, headers)


def of_decline(row: Declined, language: Language, now: int | None = None) -> Answer:
    """The problem of a decline. ``now`` is the store's clock, for ``Retry-After``; None leaves it out."""
    status = STATUS[row.reason]
    headers: Headers = ()
    if status == TOO_MANY and row.retry_at is not None and now is not None:
        headers = ((b"retry-after", b"%d" % max(1, math.ceil((row.retry_at - now) / SECOND))),)
    problem = wire.Problem(
        type=f"/docs#{row.reason}",
        title=texts.title(row.reason, language),
        status=status,
        detail=texts.declined(row, language),
        code=row.reason,
        reason=row.reason,
        cost=row.cost,
        available=row.available,
        short_by=row.short_by,
        renews_at=instant(row.renews_at),
        retry_at=maybe(row.retry_at),
        cap=row.cap,
        ways_out=ways_out(row),
    )
    return Answer(status, problem, headers)


def needs_clock(row: Declined) -> bool:
    """Whether the reply to this decline tells when to come again."""
    return STATUS[row.reason] == TOO_MANY and row.retry_at is not None


__all__ = [
    "DECLINES", "STATUS", "Answer", "Internal", "MethodNotAllowed", "needs_clock",
    "of_decline", "of_error",
]  # fmt: skip
