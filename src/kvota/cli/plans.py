"""``kvota plan``."""

from typing import Annotated, Any

from cyclopts import Parameter

from kvota.cli import OK
from kvota.cli.options import Where

_HERE = Where()


def show(company: str, /, *, where: Where = _HERE) -> int:
    """Show a company's plan: what it gives this period, what is scheduled, and what other plans there are.

    For example:

        kvota plan show acme

    Parameters
    ----------
    company
        Its id.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import facts, is_told, listing

    with opened(where) as door:
        answer = door.ask("GET", "companies", company, "balance")
        if is_told(answer, where):
            return OK
        catalogue = door.ask("GET", "catalogue")
        if is_told(catalogue, where):
            return OK
    balance = answer.json
    facts(
        f"Plan of {company}",
        [
            ("plan", balance["plan"]),
            ("scheduled", balance["scheduled_plan"]),
            ("allowance", balance["allowance"]["granted"]),
            ("used", balance["allowance"]["used"]),
            ("held", balance["allowance"]["held"]),
            ("renews at", balance["renews_at"]),
        ],
    )
    plans = catalogue.json["plans"].values()
    listing(
        "Plans",
        ["plan", "allowance", "price", "self service"],
        [[plan["id"], plan["allowance"], plan["price"], plan["self_service"]] for plan in plans],
    )
    return OK


def change(
    company: str,
    plan: str,
    /,
    *,
    next_period: Annotated[bool, Parameter(negative=())] = False,
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    where: Where = _HERE,
) -> int:
    """Change a company's plan, at once or on the 1st, or show what that would do.

    For example:

        kvota plan change acme standard --dry-run

    Parameters
    ----------
    company
        Its id.
    plan
        The new plan.
    next_period
        On the 1st of the next month; replaces what was scheduled.
    dry_run
        Only show the balances before and after.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import facts, is_told

    body = {"plan": plan, "effective": "next_period" if next_period else "now", "dry_run": dry_run}
    with opened(where) as door:
        answer = door.ask("POST", "companies", company, "plan-changes", body=body)
    if is_told(answer, where):
        return OK
    found = answer.json
    what = "Would change" if dry_run else "Scheduled" if next_period else "Changed"
    facts(
        f"{what}: {company} from {found['from']} to {found['to']}, effective at {found['effective_at']}",
        [("allowance", _both(found, "allowance", "granted")), ("used", _both(found, "allowance", "used")),
         ("remaining", _both(found, "allowance", "remaining")), ("boosts", _both(found, "boosts", "remaining")),
         ("available", f"{found['before']['available']} -> {found['after']['available']}")],
    )  # fmt: skip
    return OK


def drop_scheduled(company: str, /, *, where: Where = _HERE) -> int:
    """Drop the plan change that is scheduled for the 1st.

    For example:

        kvota plan drop-scheduled acme

    Parameters
    ----------
    company
        Its id.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import is_told, say

    with opened(where) as door:
        answer = door.ask("DELETE", "companies", company, "plan-changes", "scheduled")
    if not is_told(answer, where):
        say(f"Dropped: the plan of {company} stays as it is.")
    return OK


def _both(change: Any, part: str, name: str) -> str:  # noqa: ANN401 - any JSON
    return f"{change['before'][part][name]} -> {change['after'][part][name]}"
