"""The section ``[gateway]`` of a catalogue file: what a call of each route is charged as where it does not say."""

import re
from collections.abc import Mapping

from kvota.catalogue_file.prompts import check_stages
from kvota.core.catalogue import Action, RouteAction
from kvota.toml_file import Table

MEASURED: Mapping[str, frozenset[str]] = {
    "chat_completions": frozenset(),
    "responses": frozenset(),
    "embeddings": frozenset(),
    "audio_transcriptions": frozenset(),
    "images_generations": frozenset({"images"}),
}
"""The quantities that each route tells by itself."""
ROUTES = tuple(MEASURED)

_ROUTE = ("action", "stages")
_ID = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME_WORDS = "a small letter, then at most 63 of a-z 0-9 _"


def read_route_actions(table: Table, actions: Mapping[str, Action]) -> dict[str, RouteAction]:
    """The section, checked against the catalogue's actions."""
    tables = table.tables(re.compile("|".join(ROUTES)), f"one of {', '.join(ROUTES)}", _ROUTE)
    return {route: _route(route, one, actions) for route, one in tables.items()}


def _route(route: str, table: Table, actions: Mapping[str, Action]) -> RouteAction:
    found = RouteAction(
        action=table.text("action", _ID, "an action's id", required=True) or "",
        stages=table.texts("stages", _NAME, f"a stage's name ({_NAME_WORDS})") if "stages" in table else None,
    )
    action = actions.get(found.action)
    if action is not None:
        check_stages(found.stages, action, table)
        for quantity in action.quantities:
            if quantity not in MEASURED[route]:
                table.refuse("action", f"reads {quantity}, which a call of this route does not tell", found.action)
    elif found.action:
        table.refuse("action", f'there is no action "{found.action}"{table.choices(found.action, actions)}')
    return found
