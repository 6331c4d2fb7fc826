"""``kvota catalogue load`` and ``kvota catalogue editions``: the catalogues of a store or a server."""

from typing import Annotated, Any

from cyclopts import Parameter

from kvota.cli import OK
from kvota.cli.options import Where

_HERE = Where()
SHOWN = 20
PAGE = 1000


def load(file: str, /, *, dry_run: Annotated[bool, Parameter(negative=())] = False, where: Where = _HERE) -> int:
    """Load a newer catalogue, or show what it would change and what last month would have been under it.

    It takes effect at its effective_from, or at once if that has passed.
    Loading the same again changes nothing.

    For example:

        kvota catalogue load ./ours.toml --dry-run

    Parameters
    ----------
    file
        A TOML file, or the name of a shipped catalogue.
    dry_run
        Only show: what would change, and what every company did last month carried through it again. With --json one
        page of companies, as the API gives it.
    """
    from kvota.catalogue_file import load as read
    from kvota.cli.door import opened
    from kvota.cli.screen import is_told

    _, text = read(file)
    with opened(where) as door:
        query: dict[str, object] = {"dry_run": "true", "limit": PAGE} if dry_run else {}
        answer = door.ask("POST", "catalogues", toml=text, query=query)
        if is_told(answer, where):
            return OK
        found = answer.json
        _tell(found, is_new=answer.status == 201)  # noqa: PLR2004 - made
        if not dry_run:
            return OK
        months, page = list(found["last_month"]["items"]), found["last_month"]
        while page["next"] is not None:
            answer = door.ask("POST", "catalogues", toml=text, query={**query, "after": page["next"]})
            if is_told(answer, where):
                return OK
            page = answer.json["last_month"]
            months += page["items"]
    _tell_months(months)
    return OK


def editions(*, after: int | None = None, limit: int | None = None, where: Where = _HERE) -> int:
    """List the catalogues that were loaded, oldest first.

    For example:

        kvota catalogue editions

    Parameters
    ----------
    after
        Only those with a greater number.
    limit
        At most so many: 1 to 1000.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import page

    columns = (
        ("number", "number"), ("id", "id"), ("version", "version"), ("effective at", "effective_at"),
        ("loaded at", "loaded_at"), ("in force", "in_force"),
    )  # fmt: skip
    with opened(where) as door:
        answer = door.ask("GET", "catalogues", query={"after": after, "limit": limit})
    return page("Catalogues", answer, where, columns)


def _tell(found: Any, *, is_new: bool) -> None:  # noqa: ANN401 - any JSON
    from kvota.cli.screen import say

    edition = found["edition"]
    name = f"{edition['id']} {edition['version']}"
    if found["dry_run"]:
        say(f"{name} could be loaded, and would take effect at {edition['effective_at']}.")
    elif is_new:
        say(f"Loaded: {name}, effective at {edition['effective_at']}.")
    else:
        say(f"{name} is loaded already, since {edition['loaded_at']}; nothing has changed.")
    if found["changes"]:
        say(f"Changes since {found['compared_with']}:")
    for change in found["changes"]:
        say(f"  {change['text']}")


def _tell_months(months: list[Any]) -> None:
    from kvota.cli.screen import listing, note, say

    if not months:
        say("No company had calls last month.")
        return
    sums = {
        name: (sum(one["before"][name] for one in months), sum(one["after"][name] for one in months))
        for name in ("calls", "requests", "written_off")
    }
    new = sum(map(_newly, months))
    say(
        f"Last month of {len(months)} companies: {sums['calls'][0]} calls for {sums['requests'][0]} AI requests would "
        f"have been {sums['calls'][1]} for {sums['requests'][1]}; {new} of what ran would have been declined."
    )
    months.sort(key=lambda one: (-_newly(one), -abs(one["after"]["requests"] - one["before"]["requests"])))
    listing(
        "Companies",
        ["company", "plan", "calls", "then", "requests", "then", "newly declined"],
        [
            [one["company"], one["plan"], one["before"]["calls"], one["after"]["calls"], one["before"]["requests"],
             one["after"]["requests"], _newly(one)]
            for one in months[:SHOWN]
        ],
    )  # fmt: skip
    if len(months) > SHOWN:
        note(f"{len(months) - SHOWN} more; --json shows them all, page by page.")


def _newly(one: Any) -> int:  # noqa: ANN401 - any JSON
    return sum(reason["count"] for reason in one["newly_declined"])
