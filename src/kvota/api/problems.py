"""Errors and declines as RFC 9457 problems: their statuses are those of ``asgi.statuses``."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import UNSET
from msgspec.structs import asdict

from kvota import errors
from kvota.asgi import texts
from kvota.asgi.languages import Language
from kvota.asgi.statuses import STATUS, retry_after
from kvota.core.declines import Declined
from kvota.errors import CallerError, Internal, KvotaError, TooManyAttempts, WorldError
from kvota.wire import replies as wire
from kvota.wire.faults import shown
from kvota.wire.views import decline

DECLINES = (
    "insufficient_requests", "company_suspended", "tool_disabled", "action_not_in_plan", "user_required",
    "hourly_limit", "cap_reached",
)  # fmt: skip
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
    problem = wire.Problem(
        type=f"/docs#{row.reason}",
        title=texts.title(row.reason, language),
        status=STATUS[row.reason],
        detail=texts.declined(row, language),
        code=row.reason,
        **asdict(decline(row)),
    )
    return Answer(problem.status, problem, retry_after(row, now))


__all__ = [
    "DECLINES", "STATUS", "Answer", "Internal", "MethodNotAllowed",
    "of_decline", "of_error",
]  # fmt: skip
