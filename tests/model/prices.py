"""§2 of the rules for the reference: what a usage costs on a subject with these charges standing on it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.model.records import Charge, Price, Refused, Usage

TESTS: dict[str, Callable[[int, int], bool]] = {
    "at_least": operator.ge,
    "at_most": operator.le,
    "equals": operator.eq,
}


def find(known: Mapping[str, Any], name: str, code: str) -> Any:
    if name not in known:
        raise Refused(code)
    return known[name]


def subject_cost(charges: Iterable[tuple[int, dict[str, int]]]) -> int:
    """What a set of charges on one subject costs: the own stages of each, and each shared stage once."""
    charges = list(charges)
    return sum(own for own, _ in charges) + sum({s: n for _, shared in charges for s, n in shared.items()}.values())


def price_of(actions: Mapping[str, Any], usage: Usage, standing: Iterable[Charge], *, lenient: bool) -> Price:
    """`lenient` is a hold or a quote: a missing quantity counts as the most that the action can cost."""
    action = find(actions, usage["action"], "unknown_action")
    given, per = usage.get("quantities") or {}, action.get("per", {})
    known = {*per, *action.get("free_when", {})}
    if any(name not in known or type(n) is not int or not 0 <= n <= 1_000_000 for name, n in given.items()):
        raise Refused("invalid", known=sorted(known))
    stages = _stages(action, usage.get("stages"))
    if known - {*given} and not lenient:
        raise Refused("quantity_missing", names=sorted(known - {*given}))
    if _is_free(action, given):
        return Price(0, {}, 0)
    if {*per} - {*given}:
        if "max" not in action:
            raise Refused("quantity_missing", names=sorted({*per} - {*given}))
        return Price(action["max"], {}, action["max"])
    once = action.get("once_per_subject", []) if usage.get("subject") is not None else []
    shared = {s: n for s, n in stages.items() if s in once}
    own = action.get("base", 0) + sum(stages.values()) - sum(shared.values())
    own += sum(price * given[name] for name, price in per.items())
    own = min(max(own, action.get("min", own)), action.get("max", max(own, action.get("min", own))))
    before = [(c.price.own, c.price.shared) for c in standing]
    return Price(own, shared, subject_cost([*before, (own, shared)]) - subject_cost(before))


def _stages(action: Mapping[str, Any], named: list[str] | None) -> dict[str, int]:
    """The stages to price: all, or the named ones where the action has nothing but stages."""
    stages = dict(action.get("stages", {}))
    if named is None:
        return stages
    is_mixed = bool({"base", "per", "min", "max"} & {*action})
    if not named or len({*named}) < len(named) or not {*named} <= {*stages} or is_mixed:
        raise Refused("invalid")
    return {s: n for s, n in stages.items() if s in named}


def _is_free(action: Mapping[str, Any], given: Mapping[str, int]) -> bool:
    rules = action.get("free_when", {})
    conditions = [(given.get(name), TESTS[test], m) for name, rule in rules.items() for test, m in rule.items()]
    return bool(conditions) and all(n is not None and test(n, m) for n, test, m in conditions)
