"""``kvota catalogue``."""

from pathlib import Path
from typing import Any

import msgspec

from kvota.cli import NO, OK
from kvota.cli.options import Output, Where

_OUTPUT = Output()
_HERE = Where()
EXAMPLE = (
    "The allowances, boosts and prices in money of the shipped catalogue are EXAMPLES: the vendor publishes no fixed "
    "numbers. Copy the file, set your own, and serve with --catalogue FILE."
)


def check(file: str, /, *, output: Output = _OUTPUT) -> int:
    """Check a catalogue file: all its mistakes at once, each with its line. Exits 1 if there are any.

    For example:

        kvota catalogue check ./ours.toml

    Parameters
    ----------
    file
        A TOML file, or the name of a shipped catalogue.
    """
    from kvota.catalogue_file import load
    from kvota.cli.screen import say
    from kvota.errors import CatalogueInvalid, Invalid

    try:
        found, _ = load(file)
    except CatalogueInvalid as error:
        if error.errors and error.errors[0].field == "catalogue" and not Path(file).is_file():
            raise Invalid(error.detail) from error
        if output.json:
            errors = [{"field": one.field, "message": one.message} for one in error.errors]
            say(msgspec.json.encode({"valid": False, "errors": errors}).decode())
            return NO
        for one in error.errors:
            say(f"{file}: {one.field}: {one.message}")
        say(f"{len(error.errors)} mistakes." if len(error.errors) != 1 else "1 mistake.")
        return NO
    if output.json:
        say(msgspec.json.encode({"valid": True, "id": found.id, "version": found.version, "errors": []}).decode())
    else:
        counts = f"{len(found.plans)} plans, {len(found.boosts)} boosts, {len(found.actions)} actions"
        say(f"{file}: {found.id} {found.version} is right: {counts}.")
    return OK


def show(file: str | None = None, /, *, where: Where = _HERE) -> int:
    """Show what actions cost, what plans give and which boosts there are.

    Of a file or a shipped name if one is given; otherwise the one in force
    on the server or in the store.

    For example:

        kvota catalogue show bitrix24

    Parameters
    ----------
    file
        A TOML file, or the name of a shipped catalogue.
    """
    from kvota.cli.screen import is_told

    if file is None:
        from kvota.cli.door import opened

        with opened(where) as door:
            answer = door.ask("GET", "catalogue")
        if is_told(answer, where):
            return OK
        found = answer.json
    else:
        from kvota.catalogue_file import load
        from kvota.cli.screen import say
        from kvota.wire import catalogue_view
        from kvota.wire.fields import encode

        body = encode(catalogue_view.catalogue(load(file)[0]))
        if where.json:
            say(body.decode())
            return OK
        found = msgspec.json.decode(body)
    _tell(found, where.language)
    return OK


def _tell(found: Any, language: str) -> None:  # noqa: ANN401 - any JSON
    from kvota.catalogue_file import shipped
    from kvota.cli.screen import facts, listing, note

    def title(thing: Any) -> str:  # noqa: ANN401 - any JSON
        titles: dict[str, str] = thing["title"]
        return titles.get(language) or titles.get("en", "")

    policy = found["policy"]
    facts(
        f"Catalogue {found['id']} {found['version']}",
        [("funds", policy["funds"]), ("hourly limit", policy.get("hourly_limit"))],
    )
    actions = [[one["id"], one["tool"], _rule(one), title(one)] for one in found["actions"].values()]
    listing("Actions", ["action", "tool", "cost in AI requests", "title"], actions)
    plans = [[one["id"], one["allowance"], one.get("price"), title(one)] for one in found["plans"].values()]
    listing("Plans", ["plan", "allowance", "price a month", "title"], plans)
    boosts = [
        [one["id"], one["amount"], one["valid_days"], one.get("price"), title(one)] for one in found["boosts"].values()
    ]
    listing("Boosts", ["boost", "amount", "valid days", "price", "title"], boosts)
    if found["id"] in shipped():
        note(EXAMPLE)


def _rule(action: Any) -> str:  # noqa: ANN401 - any JSON
    parts = [str(action["base"])] if action["base"] else []
    parts += [f"{cost} {stage}" for stage, cost in action["stages"].items()]
    parts += [f"{cost} per {name}" for name, cost in action["per"].items()]
    said = " + ".join(parts) or "0"
    if action["min"] is not None:
        said += f", at least {action['min']}"
    if action["max"] is not None:
        said += f", at most {action['max']}"
    words = {"at_least": "≥", "at_most": "≤", "equals": "="}
    free = [
        f"{name} {words[bound]} {number}"
        for name, bounds in action["free_when"].items()
        for bound, number in bounds.items()
        if number is not None
    ]
    if free:
        said += f"; free when {' and '.join(free)}"
    if action["once_per_subject"]:
        said += f" ({', '.join(action['once_per_subject'])}: once per subject)"
    return said
