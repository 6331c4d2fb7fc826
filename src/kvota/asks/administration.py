"""Caps, API keys, and the sandbox's clock."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

from kvota.asks.ask import Ask, Pages, company_path, given, moment, own_id, paged
from kvota.core.periods import Instant
from kvota.wire import acts as wire_acts
from kvota.wire import replies, requests


def set_cap(
    company: str,
    cap: str,
    *,
    scope: Mapping[Literal["user", "users", "department", "tool"], str],
    requests: int,
    per: Literal["day", "week", "month"],
    until: dt.datetime | None = None,
) -> Ask[replies.Cap]:
    """Limit a user, each user (``{"users": "each"}``), a department or a tool."""
    return Ask(
        operation="set_cap",
        method="PUT",
        **company_path(company, "/caps/{cap}", cap=own_id("cap", cap)),
        kind=_CAP,
        body=given(scope=scope, requests=requests, per=per, until=moment("until", until)),
        reply=replies.Cap,
    )


_CAP = requests.CapRequest


def _items(page: replies.Page[replies.Cap]) -> list[replies.Cap]:
    return page.items


def caps(company: str) -> Ask[list[replies.Cap]]:
    """All caps, by id."""
    return Ask(
        operation="list_caps",
        method="GET",
        **company_path(company, "/caps"),
        reply=replies.Page[replies.Cap],
        take=_items,
    )


def remove_cap(company: str, cap: str) -> Ask[None]:
    """Remove a cap."""
    return Ask(operation="remove_cap", method="DELETE", **company_path(company, "/caps/{cap}", cap=cap))


def make_key(
    company: str,
    role: Literal["admin", "app", "member", "auditor"],
    *,
    user: str | None = None,
    label: str | None = None,
    actions: Sequence[str] | None = None,
) -> Ask[replies.NewApiKey]:
    """Make an API key: its secret is in the reply, this once. A member's names its ``user``, no other does.

    A repeat would make another key: so it is never sent twice.
    """
    return Ask(
        operation="make_key",
        method="POST",
        **company_path(company, "/keys"),
        kind=requests.KeyRequest,
        body=given(role=role, user=user, label=label, actions=actions),
        reply=replies.NewApiKey,
        is_repeatable=False,
    )


def keys(company: str) -> Pages[replies.ApiKey]:
    """The API keys in force, by id, without their secrets."""
    return Pages(
        Ask(
            operation="list_keys",
            method="GET",
            **company_path(company, "/keys"),
            query=paged(),
            reply=replies.Page[replies.ApiKey],
        )
    )


def revoke_key(company: str, api_key: str) -> Ask[None]:
    """Revoke an API key by its id."""
    return Ask(operation="revoke_key", method="DELETE", **company_path(company, "/keys/{key}", key=api_key))


def acts(*, company: str | None = None) -> Pages[wire_acts.Act]:
    """What operators did, to one company or at all, newest first."""
    return Pages(
        Ask(
            operation="list_acts",
            method="GET",
            path="/v1/acts",
            query=paged(company=company),
            reply=replies.Page[wire_acts.Act],
        )
    )


def _now(reply: replies.Clock) -> Instant:
    return reply.now


def clock() -> Ask[Instant]:
    """The sandbox's clock."""
    return Ask(
        operation="get_clock",
        method="GET",
        path="/v1/sandbox/clock",
        reply=replies.Clock,
        take=_now,
        missing="sandbox clock",
    )


def set_clock(now: dt.datetime) -> Ask[Instant]:
    """Set the sandbox's clock; it stands still there."""
    return Ask(
        operation="set_clock",
        method="PUT",
        path="/v1/sandbox/clock",
        kind=requests.ClockRequest,
        body={"now": moment("now", now)},
        reply=replies.Clock,
        take=_now,
        missing="sandbox clock",
    )
