"""What members ask their administrators for."""

import datetime as dt
from typing import TypedDict

from kvota.asks.ask import Ask, Pages, company_path, given, moment, paged
from kvota.wire import appeals as wire
from kvota.wire.replies import Page


class Decline(TypedDict, total=False):
    """What was declined, as the decline told it."""

    action: str
    reason: str
    cap: str | None


class CapChange(TypedDict, total=False):
    """A cap that there is (``cap``), or else the person's own; ``requests`` is needed."""

    cap: str
    requests: int
    per: str
    until: dt.datetime


def appeal(
    company: str,
    *,
    user: str | None = None,
    text: str | None = None,
    wanted: int | None = None,
    declined: Decline | None = None,
) -> Ask[wire.Appeal]:
    """Ask the administrator for more. Where an appeal of the user is open, it says this from now on."""
    about = {} if declined is None else {name: declined.get(name) for name in ("action", "reason", "cap")}
    return Ask(
        operation="make_appeal",
        method="POST",
        **company_path(company, "/appeals"),
        kind=wire.AppealRequest,
        body=given(user=user, text=text, wanted=wanted, **about),
        reply=wire.Appeal,
    )


def appeals(company: str, *, status: str | None = None, user: str | None = None) -> Pages[wire.Appeal]:
    """Appeals, oldest first; a member sees his own."""
    return Pages(
        Ask(
            operation="list_appeals",
            method="GET",
            **company_path(company, "/appeals"),
            query=paged(status=status, user=user),
            reply=Page[wire.Appeal],
        )
    )


def grant_appeal(
    company: str,
    appeal: str,
    *,
    cap_change: CapChange | None = None,
    boost: str | None = None,
    answer: str | None = None,
) -> Ask[wire.Appeal]:
    """Say yes, by a cap or by ordering a boost of the catalogue; a second time nothing more happens."""
    change = None
    if cap_change is not None:
        change = {**cap_change, "until": moment("cap_change.until", cap_change.get("until"))}
    return Ask(
        operation="grant_appeal",
        method="POST",
        **company_path(company, "/appeals/{appeal}/grant", appeal=appeal),
        kind=wire.GrantRequest,
        body=given(cap_change=change, boost=boost, answer=answer),
        reply=wire.Appeal,
    )


def refuse_appeal(company: str, appeal: str, *, answer: str | None = None) -> Ask[wire.Appeal]:
    """Say no; a second time nothing more happens."""
    return Ask(
        operation="refuse_appeal",
        method="POST",
        **company_path(company, "/appeals/{appeal}/refuse", appeal=appeal),
        kind=wire.RefuseRequest,
        body=given(answer=answer),
        reply=wire.Appeal,
    )
