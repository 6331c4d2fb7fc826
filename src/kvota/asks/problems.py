"""What came back instead of the reply: a decline as a value, an error as the exception that stands for its code."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET

from kvota import errors
from kvota.errors import FieldError, KvotaError
from kvota.wire import replies
from kvota.wire.fields import dec_hook

BEGIN_OF_ERRORS = 400
CALLER_ERRORS: dict[str, type[errors.CallerError]] = {
    kind.code: kind
    for kind in (
        errors.Malformed,
        errors.Invalid,
        errors.QuantityMissing,
        errors.UnknownAction,
        errors.UnknownPlan,
        errors.UnknownBoost,
        errors.KeyReused,
        errors.Unauthenticated,
        errors.TooManyAttempts,
        errors.Forbidden,
        errors.HoldClosed,
        errors.OrderClosed,
        errors.AppealClosed,
        errors.BodyTooLarge,
        errors.MethodNotAllowed,
    )
}
NOT_FOUND = ("company_not_found", "hold_not_found", "charge_not_found", "not_found")
OTHERS: dict[str, type[errors.Busy | errors.StoreUnavailable | errors.Internal]] = {
    kind.code: kind for kind in (errors.Busy, errors.StoreUnavailable, errors.Internal)
}


@lru_cache(maxsize=128)
def decoder(kind: object) -> msgspec.json.Decoder[Any]:
    """A decoder of replies of that kind."""
    return msgspec.json.Decoder(kind, dec_hook=dec_hook)  # type: ignore[call-overload]


def decline(problem: replies.Problem) -> replies.Decline | None:
    """The decline that a problem tells of, if it does."""
    if problem.reason is UNSET:
        return None
    fields: dict[str, Any] = {name: getattr(problem, name) for name in replies.Decline.__struct_fields__}
    return replies.Decline(**fields)


def failure(
    problem: replies.Problem, parameters: Mapping[str, str] | None = None, *, missing: str | None = None
) -> KvotaError:
    """The exception of a problem: the same that the library raises.

    ``parameters`` are those of the call's path and ``missing`` what there is none of, for what was not found.
    """
    code, named = problem.code, parameters or {}
    if code in NOT_FOUND:
        last = list(named)[-1] if named else "call"
        what = code.removesuffix("_not_found")
        if code == "not_found":  # of something that has no code of its own
            what = missing or ("call" if f"{last}_not_found" in NOT_FOUND else last)
        return errors.NotFound(what, named.get(what) or named.get(last) or what, detail=problem.detail)
    if code in OTHERS:
        return OTHERS[code](problem.detail)
    fields = [] if problem.errors is UNSET else problem.errors
    said = [FieldError(one.field, one.message, one.value) for one in fields]
    return CALLER_ERRORS.get(code, errors.CallerError)(problem.detail, errors=said)


def value_or_failure(status: int, body: bytes, kind: object, parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - of that kind
    """A reply of that kind, the decline that came instead of it, or the exception that stands for the error."""
    if status < BEGIN_OF_ERRORS:
        return decoder(kind).decode(body)
    problem: replies.Problem = decoder(replies.Problem).decode(body)
    return decline(problem) or failure(problem, parameters)
