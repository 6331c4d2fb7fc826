"""What an action costs (RULES §2): a function of the action, its quantities, and the shared stages already paid."""

from collections.abc import Collection
from typing import NamedTuple

from kvota.core.account import Usage
from kvota.core.catalogue import MAX_QUANTITY, Action
from kvota.errors import FieldError, Invalid, QuantityMissing


class Part(NamedTuple):
    """One line of a breakdown: ``base``, a stage, a quantity, ``min``, ``max`` or ``free_when``; they add up."""

    part: str
    quantity: int | None
    cost: int


class Priced(NamedTuple):
    """What the call costs now. ``shared`` are the shared stages that it stands on, each with what it pays for it."""

    cost: int
    breakdown: tuple[Part, ...]
    shared: tuple[tuple[str, int], ...]


def price(action: Action, usage: Usage, paid: Collection[str], *, at_most: bool = False) -> Priced:
    """Price one call.

    ``paid`` names the shared stages that the subject has paid already. ``at_most``: a quantity left out counts as the
    most that the action can cost (a hold, a quote). Raises ``Invalid`` for a quantity or stage that the action does
    not know, ``QuantityMissing`` for one that it needs.
    """
    check_names(action, usage)
    missing = [name for name in action.quantities if name not in usage.quantities] if action.quantities else []
    is_free = _is_free(action, usage)
    if missing and not (at_most and (is_free or action.max is not None or not set(missing) & set(action.per))):
        raise QuantityMissing(
            f"{action.id} needs the quantity {missing[0]!r}.",
            errors=[FieldError(f"quantities.{name}", f"is needed to price {action.id}") for name in missing],
        )
    if is_free:
        return Priced(0, (Part("free_when", None, 0),), ())
    if missing and action.max is not None and set(missing) & set(action.per):
        return Priced(action.max, (Part("max", None, action.max),), ())
    return _add_up(action, usage, paid)


def _is_free(action: Action, usage: Usage) -> bool:
    return bool(action.free_when) and all(
        (quantity := usage.quantities.get(name)) is not None and condition.holds(quantity)
        for name, condition in action.free_when.items()
    )


def _add_up(action: Action, usage: Usage, paid: Collection[str]) -> Priced:
    parts: list[Part] = [Part("base", None, action.base)] if action.base else []
    shared: list[tuple[str, int]] = []
    for stage, own in action.stages.items():
        if usage.stages is not None and stage not in usage.stages:
            continue
        cost = own
        if stage in action.once_per_subject and usage.subject is not None:
            cost = 0 if stage in paid else own
            shared.append((stage, cost))
        parts.append(Part(stage, None, cost))
    for name, each in action.per.items():
        quantity = usage.quantities[name]
        parts.append(Part(name, quantity, each * quantity))
    cost = sum(part.cost for part in parts)
    if action.min is not None and cost < action.min:
        parts.append(Part("min", None, action.min - cost))
        cost = action.min
    elif action.max is not None and cost > action.max:
        parts.append(Part("max", None, action.max - cost))
        cost = action.max
    return Priced(cost, tuple(parts), tuple(shared))


def check_names(action: Action, usage: Usage) -> None:
    """Raise ``Invalid`` for a quantity or a stage that the action does not have."""
    for name, value in usage.quantities.items():
        if name not in action.quantities:
            allowed = ", ".join(action.quantities) or "none"
            raise Invalid.field(f"quantities.{name}", f"is not a quantity of {action.id}; it knows: {allowed}", value)
        if not 0 <= value <= MAX_QUANTITY:
            raise Invalid.field(f"quantities.{name}", f"must be a whole number from 0 to {MAX_QUANTITY}", value)
    if usage.stages is None:
        return
    if action.base or action.per or action.min is not None or action.max is not None or not action.stages:
        raise Invalid.field("stages", f"{action.id} cannot be charged stage by stage", list(usage.stages))
    for stage in usage.stages:
        if stage not in action.stages:
            raise Invalid.field("stages", f"{action.id} has the stages {', '.join(action.stages)}", stage)
    if not usage.stages or len(set(usage.stages)) != len(usage.stages):
        raise Invalid.field("stages", "must name at least one stage, each once", list(usage.stages))
