"""Using the assistant: quotes, charges, holds, refunds, batches."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict, Unpack

import msgspec

from kvota.asks.ask import Ask, Pages, asked, company_path, given, once, paged
from kvota.asks.problems import value_or_failure
from kvota.errors import KvotaError
from kvota.wire import replies, requests

HoldStatus = Literal["open", "captured", "void", "expired"]


class UsageFields(TypedDict, total=False):
    """What a call may say beside its action: RULES §2. ``stages``: only these; ``measures``: tokens and the like."""

    quantities: Mapping[str, int]
    stages: Sequence[str]
    subject: str
    user: str
    department: str
    measures: Mapping[str, int]


def quote(company: str, action: str, **usage: Unpack[UsageFields]) -> Ask[replies.Quote]:
    """What the action would cost now, and who would pay; changes nothing."""
    return Ask(
        operation="quote",
        method="POST",
        **company_path(company, "/quotes"),
        kind=requests.UsageRequest,
        body=given(action=action, **usage),
        reply=replies.Quote,
    )


def charge(
    company: str, action: str, *, key: str | None = None, **usage: Unpack[UsageFields]
) -> Ask[replies.Charge | replies.Decline]:
    """Charge an action. With ``key`` the same call is charged once, however often it is repeated."""
    return Ask(
        operation="charge",
        method="POST",
        **company_path(company, "/charges"),
        kind=requests.UsageRequest,
        body=given(action=action, **usage),
        reply=replies.Charge,
        **once(key),
    )


def get_charge(company: str, charge: str) -> Ask[replies.Charge]:
    """One charge."""
    where = company_path(company, "/charges/{charge}", charge=charge)
    return Ask(operation="get_charge", method="GET", **where, reply=replies.Charge)


def refund(company: str, charge: str, *, reason: str | None = None, key: str | None = None) -> Ask[replies.Refund]:
    """Give a charge back to where it was paid from; again: the same refund."""
    return Ask(
        operation="refund",
        method="POST",
        **company_path(company, "/charges/{charge}/refund", charge=charge),
        kind=requests.ReasonRequest,
        body=given(reason=reason),
        reply=replies.Refund,
        **once(key),
    )


def measure(company: str, charge: str, measures: Mapping[str, int], *, key: str | None = None) -> Ask[replies.Charge]:
    """Add measures that came later (tokens, upstream cost) to a charge; no request moves."""
    return Ask(
        operation="measure",
        method="POST",
        **company_path(company, "/charges/{charge}/measures", charge=charge),
        kind=requests.MeasuresRequest,
        body={"measures": measures},
        reply=replies.Charge,
        **once(key),
    )


def hold(
    company: str, action: str, *, ttl: int | None = None, key: str | None = None, **usage: Unpack[UsageFields]
) -> Ask[replies.Hold | replies.Decline]:
    """Set aside the most that the action can cost with what is known, for ``ttl`` seconds."""
    return Ask(
        operation="hold",
        method="POST",
        **company_path(company, "/holds"),
        kind=requests.HoldRequest,
        body=given(action=action, ttl=ttl, **usage),
        reply=replies.Hold,
        **once(key),
    )


def capture(
    company: str,
    hold: str,
    *,
    quantities: Mapping[str, int] | None = None,
    measures: Mapping[str, int] | None = None,
    at_most_held: bool = False,
    key: str | None = None,
) -> Ask[replies.Hold | replies.Decline]:
    """Close a hold at its true cost; again with the same quantities: the same reply."""
    return Ask(
        operation="capture",
        method="POST",
        **company_path(company, "/holds/{hold}/capture", hold=hold),
        kind=requests.CaptureRequest,
        body=given(quantities=quantities, measures=measures, at_most_held=at_most_held),
        reply=replies.Hold,
        **once(key),
    )


def void(company: str, hold: str, *, key: str | None = None) -> Ask[replies.Hold]:
    """Close a hold at zero; again: the same reply."""
    where = company_path(company, "/holds/{hold}/void", hold=hold)
    return Ask(operation="void", method="POST", **where, kind=requests.Nothing, reply=replies.Hold, **once(key))


def get_hold(company: str, hold: str) -> Ask[replies.Hold]:
    """One hold, expired if its time has come."""
    where = company_path(company, "/holds/{hold}", hold=hold)
    return Ask(operation="get_hold", method="GET", **where, reply=replies.Hold)


def holds(company: str, status: HoldStatus | None = None) -> Pages[replies.Hold]:
    """The holds, or those of one status, by id."""
    return Pages(
        Ask(
            operation="list_holds",
            method="GET",
            **company_path(company, "/holds"),
            query=paged(**asked(status=status)),
            reply=replies.Page[replies.Hold],
        )
    )


Result = replies.Charge | replies.Hold | replies.Decline | KvotaError


def batch(operations: Sequence[requests.BatchOperation]) -> Ask[list[Result]]:
    """Up to 1,000 operations, each by itself: what it alone would have returned, or the exception it would have raised.

    All are durable before the reply. One without a ``key`` gets a random one, so that a repeat changes nothing.
    """
    keyed = [one if one.key else msgspec.structs.replace(one, key=new_key()) for one in operations]
    kinds = [replies.Charge if isinstance(one, requests.ChargeOperation) else replies.Hold for one in keyed]
    names = [_parameters(one) for one in keyed]

    def take(reply: replies.BatchResults) -> list[Result]:
        return [
            value_or_failure(result.status, bytes(result.body), kind, named)
            for result, kind, named in zip(reply.results, kinds, names, strict=True)
        ]

    return Ask(
        operation="batch",
        method="POST",
        path="/v1/batch",
        kind=requests.BatchRequest,
        body={"operations": keyed},
        reply=replies.BatchResults,
        take=take,
    )


def _parameters(operation: requests.BatchOperation) -> dict[str, str]:
    """What would stand in the path of the call that an operation stands for."""
    match operation:
        case requests.CaptureOperation() | requests.VoidOperation():
            return {"company": operation.company, "hold": operation.hold}
        case _:
            return {"company": operation.company}


def new_key() -> str:
    """An idempotency key that nobody else has."""
    return "auto-" + secrets.token_urlsafe(16)
