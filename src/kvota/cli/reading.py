"""``kvota balance``, ``usage`` and ``entries``."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kvota.cli import OK
from kvota.cli.options import Where
from kvota.errors import Invalid

if TYPE_CHECKING:
    from kvota.cli.door import Answer, Door

_HERE = Where()


def balance(company: str, /, *, where: Where = _HERE) -> int:
    """What a company has: available, held and used, now.

    For example:

        kvota balance acme

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
    found = answer.json
    allowance, boosts, hourly = found["allowance"], found["boosts"], found["hourly"]
    facts(
        f"Balance of {company} at {found['at']}",
        [
            ("available", found["available"]),
            ("plan", found["plan"] + (f", {found['scheduled_plan']} is next" if found["scheduled_plan"] else "")),
            ("allowance", f"{allowance['remaining']} of {allowance['granted']} left ({allowance['status']})"),
            ("used, held", f"{allowance['used']}, {allowance['held']}"),
            ("boosts", f"{boosts['remaining']} left, {boosts['held']} held"),
            ("this hour", "no limit" if hourly is None else f"{hourly['used']} of {hourly['limit']} calls"),
            ("renews at", f"{found['renews_at']} ({found['period']['time_zone']})"),
        ],
    )
    if boosts["items"]:
        items = [
            [one["id"], one["boost"], one["remaining"], one["amount"], one["expires_at"]] for one in boosts["items"]
        ]
        listing("Boosts", ["boost", "of the catalogue", "remaining", "amount", "expires at"], items)
    return OK


def usage(
    company: str,
    /,
    *,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    by: str | None = None,
    where: Where = _HERE,
) -> int:
    """Who used what and when, beside as many days before: drawn, or with --by as a table.

    For example:

        kvota usage acme --lang ru
        kvota usage acme --from 2026-11-01 --to 2026-12-01 --by tool,user

    Parameters
    ----------
    company
        Its id.
    from_
        The first day, in the company's zone; the 1st of this month where it is not given.
    to
        The day after the last one; tomorrow where it is not given.
    by
        A table grouped by these, with commas: hour, day, tool, action, user, department.
    """
    from kvota.cli.door import opened
    from kvota.cli.drawing import draw_statistics
    from kvota.cli.screen import is_told, listing, note

    with opened(where) as door:
        if from_ is None or to is None:
            first, after = _this_month(door, company, where)
            from_, to = from_ or first, to or after
        days = {"from": from_, "to": to}
        if by is None:
            return draw_statistics(door, company, days, where)
        answer = door.ask("GET", "companies", company, "usage", query={**days, "by": by})
    if is_told(answer, where):
        return OK
    found, keys = answer.json, by.split(",")
    sums = ["calls", "requests", "refunded", "written_off"]
    rows = [[*(row.get(key) for key in keys), *(row[name] for name in sums)] for row in found["rows"]]
    total = ["total", *[""] * (len(keys) - 1), *(found["total"][name] for name in sums)]
    listing(f"Usage of {company} from {from_} to {to}", [*keys, *(s.replace("_", " ") for s in sums)], [*rows, total])
    if found["declines"]:
        declines = [[one["reason"], one["tool"], one["count"]] for one in found["declines"]]
        listing("Declined", ["reason", "tool", "count"], declines)
    if not rows:
        note("Nothing was used in these days.")
    return OK


def _this_month(door: "Door", company: str, where: Where) -> tuple[str, str]:
    """The 1st of the present month and tomorrow, on the company's calendar."""
    from zoneinfo import ZoneInfo

    from kvota.cli.problems import refuse

    answer = door.ask("GET", "companies", company, "balance")
    if answer.status >= 400:  # noqa: PLR2004 - a problem
        refuse(answer, where)
    balance = answer.json
    now = dt.datetime.fromisoformat(balance["at"]).astimezone(ZoneInfo(balance["period"]["time_zone"])).date()
    return now.replace(day=1).isoformat(), (now + dt.timedelta(days=1)).isoformat()


def entries(
    company: str,
    /,
    *,
    kind: str | None = None,
    user: str | None = None,
    action: str | None = None,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    to: str | None = None,
    after: int | None = None,
    limit: int = 100,
    csv: Path | None = None,
    xlsx: Path | None = None,
    where: Where = _HERE,
) -> int:
    """The ledger: every fact, numbered, with what it cost and the balance after it.

    For example:

        kvota entries acme --kind charged --user anna --limit 20
        kvota entries acme --from 2026-11-01 --to 2026-12-01 --xlsx november.xlsx

    Parameters
    ----------
    company
        Its id.
    kind
        Only this kind: charged, held, captured, refunded, boost_added …
    user
        Only this user's.
    action
        Only this action's.
    from_
        From this instant on, 2026-11-01T00:00:00Z for example.
    to
        Before this instant.
    after
        Those after this number.
    limit
        At most so many, 1 to 1000.
    csv
        Write all of them to this file instead, as CSV.
    xlsx
        The same as a workbook.
    """
    from kvota.cli.door import opened

    which = {"kind": kind, "user": user, "action": action, "from": from_, "to": to}
    if csv is not None or xlsx is not None:
        if csv is not None and xlsx is not None:
            raise Invalid("--csv and --xlsx cannot both be given: export twice.")
        file, name = (csv, "entries.csv") if csv is not None else (xlsx, "entries.xlsx")
        return _save_entries(company, name, file or Path(), which, where)
    query = {**which, "after": after, "limit": limit}
    with opened(where) as door:
        return _tell_entries(door.ask("GET", "companies", company, "entries", query=query), company, where)


def _save_entries(company: str, name: str, file: Path, which: dict[str, str | None], where: Where) -> int:
    from kvota.cli.door import opened
    from kvota.cli.screen import is_told, say

    with opened(where) as door:
        answer = door.save(file, "companies", company, name, query=which)
    if not is_told(answer, where):
        say(f"Written: {file}")
    return OK


def _tell_entries(answer: "Answer", company: str, where: Where) -> int:
    from kvota.cli.screen import is_told, listing, note

    if is_told(answer, where):
        return OK
    found = answer.json
    rows = [
        [one["seq"], one["at"], one["kind"], one["action"], one["user"], one["cost"], one["balance"]["available"]]
        for one in found["items"]
    ]
    listing(f"Entries of {company}", ["seq", "at", "kind", "action", "user", "cost", "available"], rows)
    if found["next"] is not None:
        note(f"There are more: --after {found['next']}")
    return OK
