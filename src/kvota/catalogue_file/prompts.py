"""The section ``[bitrix24]`` of a catalogue file: which request of a portal is which action."""

import re
from collections.abc import Mapping
from typing import cast

from kvota.core.catalogue import MAX_QUANTITY, Action, Prompt, Prompts
from kvota.toml_file import Table

SCENARIOS = ("crm", "follow_up", "sites", "texts", "images", "crm_audio", "follow_up_audio")
"""What an administrator can choose an engine for, as engines are registered."""
CATEGORIES = ("text", "image", "audio", "call")
PROMPTS = ("prompts", "quantities")
PICTURES = "images"
"""The quantity that a request for pictures tells itself."""

_PROMPT = ("action", "stages", "scenarios", "categories", "codes", "conversation")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NAME_WORDS = "a small letter, then at most 63 of a-z 0-9 _"
_CODE = re.compile(r"[A-Za-z0-9._:@-]{1,100}\*?")
_ID = re.compile(r"[A-Za-z0-9._:@-]{1,64}")


def read_prompts(table: Table, actions: Mapping[str, Action]) -> Prompts:
    """The section, checked against the catalogue's actions."""
    quantities = table.table("quantities")
    known = {
        name: value
        for name in quantities.names(_NAME, _NAME_WORDS)
        if (value := quantities.whole(name, 0, MAX_QUANTITY)) is not None
    }
    rules = table.table("prompts").tables(_NAME, _NAME_WORDS, _PROMPT)
    return Prompts(rules={name: _rule(name, one, actions, known) for name, one in rules.items()}, quantities=known)


def _rule(name: str, table: Table, actions: Mapping[str, Action], known: Mapping[str, int]) -> Prompt:
    rule = Prompt(
        id=name,
        action=table.text("action", _ID, "an action's id", required=True) or "",
        scenarios=_some_of(table, "scenarios", SCENARIOS),
        categories=_some_of(table, "categories", CATEGORIES),
        codes=table.texts("codes", _CODE, "a prompt's code, or the beginning of some with * at its end"),
        conversation=table.flag("conversation") if "conversation" in table else None,
        stages=table.texts("stages", _NAME, f"a stage's name ({_NAME_WORDS})") if "stages" in table else None,
    )
    action = actions.get(rule.action)
    if action is None:
        if rule.action:
            table.refuse("action", f'there is no action "{rule.action}"{table.choices(rule.action, actions)}')
    else:
        check_stages(rule.stages, action, table)
        told = {*known, PICTURES} if rule.categories == ("image",) else {*known}
        for quantity in action.quantities:
            if quantity not in told:
                message = f"reads {quantity}, which a portal does not tell: set it in bitrix24.quantities"
                table.refuse("action", message, rule.action)
    return rule


def _some_of(table: Table, key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    return table.texts(key, re.compile("|".join(names)), f"one of {', '.join(names)}")


def check_stages(stages: tuple[str, ...] | None, action: Action, table: Table) -> None:
    """What is charged stage by stage names stages that the action has."""
    if stages is None:
        return
    if action.base or action.per or action.min is not None or action.max is not None:
        table.refuse("stages", f"{action.id} is not charged by stages: it has base, per, min or max")
    if not stages:
        table.refuse("stages", "is empty; name a stage, or leave the key out for the whole action")
    values = table.values["stages"]
    for stage in stages:
        if stage not in action.stages:
            path = (*table.path, "stages", cast("list[object]", values).index(stage))
            choices = table.choices(stage, action.stages)
            table.mistakes.add(path, f'there is no stage "{stage}" in {action.id}{choices}', stage)
