"""What the parts of a catalogue must agree on: stages, bounds and conditions of actions, codes and actions of plans."""

from collections.abc import Collection, Mapping
from typing import cast

from kvota.core.catalogue import MAX_AMOUNT, MAX_QUANTITY, Action, Condition, Plan
from kvota.toml_file import Table

# The parts of a price's breakdown that are no stage and no quantity.
PARTS = ("base", "min", "max", "free_when")


def check_plans(plans: Mapping[str, Plan], tables: Mapping[str, Table], actions: Collection[str]) -> None:
    """A plan names actions that there are; a portal's code stands for one plan."""
    owners: dict[str, str] = {}
    for name, plan in plans.items():
        table = tables[name]
        for action in sorted(plan.actions or ()):
            if actions and action not in actions:
                _refuse_element(
                    table, "actions", action, f'there is no action "{action}"{table.choices(action, actions)}'
                )
        if table.values.get("actions") == []:
            table.refuse("actions", "is empty; name at least one action, or leave the key out for all of them")
        for code in plan.codes:
            owner = owners.setdefault(code, name)
            if owner != name:
                _refuse_element(table, "codes", code, f"already stands for the plan {owner}; a code means one plan")


def check_actions(actions: Mapping[str, Action], tables: Mapping[str, Table]) -> None:
    """Each action by itself, then the price that shared stages have in all of them."""
    for name, action in actions.items():
        _check_names(action, tables[name])
        _check_bounds(action, tables[name])
        _check_shared(action, tables[name])
        for quantity, condition in action.free_when.items():
            _check_condition(quantity, condition, tables[name].table("free_when"))
    _check_shared_prices(actions, tables)


def _check_names(action: Action, table: Table) -> None:
    taken = f"may not be called {', '.join(PARTS)}: these are parts of every price"
    for key, names in (("stages", action.stages), ("per", action.per), ("free_when", action.free_when)):
        for name in names:
            if name in PARTS:
                _refuse(table, (key, name), f"a stage or a quantity {taken}")
            elif key != "stages" and name in action.stages:
                _refuse(table, (key, name), "is a stage of this action too; a quantity needs a name of its own")


def _check_bounds(action: Action, table: Table) -> None:
    if table.values.get("free_when") == {}:
        table.refuse("free_when", "is empty; name a quantity, or leave the key out")
    if not (action.stages or action.per or any(key in table for key in ("base", "stages", "per", "min"))):
        _refuse(table, (), "has no price; give it base, stages, per or min (base = 0 for an action that is free)")
    if action.min is not None and action.max is not None and action.min > action.max:
        _refuse(table, ("min",), f"is over max; at most {action.max:,} is allowed here", action.min)
    highest = action.base + sum(action.stages.values()) + sum(action.per.values()) * MAX_QUANTITY
    highest = min(highest, highest if action.max is None else action.max)
    if highest > MAX_AMOUNT:
        way_out = f" (a quantity goes up to {MAX_QUANTITY:,}); give it a max" if action.per else ""
        _refuse(table, (), f"can cost {highest:,}; at most {MAX_AMOUNT:,} is allowed{way_out}")


def _check_shared(action: Action, table: Table) -> None:
    # The keys of the file, not of the action: a stage with a wrong cost is still a stage.
    stages = table.table("stages").values if isinstance(table.values.get("stages"), dict) else action.stages
    for stage in action.once_per_subject:
        if stage not in stages:
            message = f'there is no stage "{stage}" in this action{table.choices(stage, stages)}'
            _refuse_element(table, "once_per_subject", stage, message)
    for key in ("min", "max", "free_when"):
        if action.once_per_subject and key in table:
            table.refuse(key, "is not allowed beside once_per_subject; leave one of the two out")


def _check_condition(quantity: str, condition: Condition, table: Table) -> None:
    least, most, equals = condition.at_least, condition.at_most, condition.equals
    if table.values.get(quantity) == {}:
        table.refuse(quantity, "says nothing; at_least, at_most or equals is needed")
    elif least is not None and most is not None and least > most:
        table.refuse(quantity, f"never holds: at_least {least:,} is over at_most {most:,}")
    elif equals is not None and not condition.holds(equals):
        table.refuse(quantity, f"never holds: equals {equals:,} is outside of at_least and at_most")


def _check_shared_prices(actions: Mapping[str, Action], tables: Mapping[str, Table]) -> None:
    first: dict[str, Action] = {}
    for name, action in actions.items():
        for stage in action.once_per_subject:
            if stage not in action.stages:
                continue
            other = first.setdefault(stage, action)
            here, there = action.stages[stage], other.stages[stage]
            if here != there:
                message = (
                    f"costs {there:,} in {other.id}; a stage that is once_per_subject has one price in all actions"
                )
                _refuse(tables[name], ("stages", stage), message, here)


def _refuse(table: Table, below: tuple[str, ...], message: str, value: object = None) -> None:
    table.mistakes.add((*table.path, *below), message, value)


def _refuse_element(table: Table, key: str, element: str, message: str) -> None:
    values = cast("list[object]", table.values[key])
    table.mistakes.add((*table.path, key, values.index(element)), message, element)
