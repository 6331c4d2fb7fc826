"""What happens to a hold or a charge afterwards: capture, void, refund, measures."""

from collections.abc import Mapping

from kvota.core.account import Charge, Draws, Hold, Refund, StagePart, Usage
from kvota.core.catalogue import Action, Book, Catalogue
from kvota.core.commands import CaptureHold, MeasureCharge, RefundCharge, VoidHold
from kvota.core.decisions.calls import Incomplete, check_bound, count_decline
from kvota.core.declines import Declined, explain
from kvota.core.entries import Captured, Freed, Measured, Refunded, Voided, work_of
from kvota.core.fold import record, refund_of
from kvota.core.funds import available, draw, give_back, split, total
from kvota.core.limits import Refusal
from kvota.core.periods import rfc3339
from kvota.core.pricing import Priced, price
from kvota.core.state import State
from kvota.errors import HoldClosed, NotFound


def _open_hold(state: State, name: str) -> Hold:
    hold = state.holds.get(name)
    if hold is None:
        raise NotFound("hold", name)
    return hold


def _closed(hold: Hold) -> HoldClosed:
    return HoldClosed(
        f"The hold {hold.id} was closed as {hold.status} at {rfc3339(hold.closed_at or 0)}. "
        "Work delivered after its hold has ended is a new charge."
    )


def capture_hold(state: State, book: Book, command: CaptureHold, now: int) -> Hold | Declined:
    """Close a hold at its true cost, priced by the catalogue of the hold; again with the same quantities: the same."""
    hold = _open_hold(state, command.hold)
    check_bound(command.only_actions, hold.action)
    quantities = {**hold.quantities, **command.quantities}
    if hold.status == "captured" and quantities == hold.captured:
        return hold
    if hold.status != "open":
        raise _closed(hold)
    action = book.version(hold.catalogue).actions[hold.action]
    usage = Usage(action=hold.action, quantities=quantities, stages=hold.stages, subject=hold.subject)
    priced = price(action, usage, state.paid_stages(hold.subject))
    extra = 0 if command.at_most_held else max(0, priced.cost - hold.held)
    if extra > available(state.known, book.at(now)):
        return _decline_capture(state, book, hold, action, usage, now=now, cost=priced.cost)
    paid = min(priced.cost, hold.held) + extra
    kept, rest = split(hold.draws, paid - extra)
    back, lost = give_back(rest, state.known, state.boosts, now)
    fact = Captured(
        hold=hold.id,
        **work_of(hold),
        quantities=quantities,
        stages=hold.stages,
        measures=_add(hold.measures, command.measures),
        cost=paid,
        held=hold.held,
        draws=kept + _extra_draws(state, book.at(now), extra),
        extra=extra,
        back=back,
        lost=lost,
        written_off=priced.cost - paid,
        shared=_standing(priced, paid),
    )
    record(state, book, fact, now, by=command.by, key=command.key, catalogue=hold.catalogue)
    return state.holds[hold.id]


def _extra_draws(state: State, catalogue: Catalogue, extra: int) -> Draws:
    return draw(extra, state.known, catalogue, state.boosts.values()) if extra else ()


def _standing(priced: Priced, paid: int) -> tuple[StagePart, ...]:
    """The shared stages that the capture stands on: those that it paid in full, and those that were paid already."""
    standing: list[StagePart] = []
    for stage, cost in priced.shared:
        if cost <= paid:
            standing.append(StagePart(stage=stage, paid=cost))
        paid = max(0, paid - cost)
    return tuple(standing)


def _decline_capture(
    state: State, book: Book, hold: Hold, action: Action, usage: Usage, *, now: int, cost: int
) -> Declined:
    if not state.is_complete:
        raise Incomplete

    def attempt(then: State, catalogue: Catalogue, _at: int) -> Refusal | None:
        if then.holds[hold.id].status != "open":
            return Refusal("insufficient_requests")
        extra = price(action, usage, then.paid_stages(hold.subject)).cost - hold.held
        return Refusal("insufficient_requests") if extra > available(then.known, catalogue) else None

    count_decline(state, "insufficient_requests", hold.tool, hold.user, now)
    refusal = Refusal("insufficient_requests")
    return explain(state, book, refusal, attempt, now, cost=cost, asked=cost - hold.held)


def void_hold(state: State, book: Book, command: VoidHold, now: int) -> Hold:
    """Close a hold at zero; again: the same."""
    hold = _open_hold(state, command.hold)
    check_bound(command.only_actions, hold.action)
    if hold.status == "void":
        return hold
    if hold.status != "open":
        raise _closed(hold)
    back, lost = give_back(hold.draws, state.known, state.boosts, now)
    fact = Voided(
        hold=hold.id,
        **work_of(hold),
        quantities=hold.quantities,
        stages=hold.stages,
        measures=hold.measures,
        held=hold.held,
        back=back,
        lost=lost,
    )
    record(state, book, fact, now, by=command.by, key=command.key)
    return state.holds[hold.id]


def _charge(state: State, name: str) -> Charge:
    charge = state.charges.get(name)
    if charge is None:
        raise NotFound("charge", name)
    return charge


def refund_charge(state: State, book: Book, command: RefundCharge, now: int) -> Refund:
    """Give a charge back to where it was paid from, once; a second time: the same refund."""
    charge = _charge(state, command.charge)
    if charge.refund is not None:
        return charge.refund
    stage_sum = sum(part.paid for part in charge.shared)
    own = split(charge.draws, stage_sum)[1]
    freed: list[Freed] = []
    draws: Draws = ()
    for part in charge.shared:
        row = state.stages[charge.subject or "", part.stage]
        if row.standing == 1:
            freed.append(Freed(stage=part.stage, charge=row.charge, amount=total(row.draws)))
            draws += row.draws
    back, lost = give_back(draws + own, state.known, state.boosts, now)
    fact = Refunded(
        charge=charge.id,
        **work_of(charge),
        quantities=charge.quantities,
        amount=total(back) + total(lost),
        own=total(own),
        back=back,
        lost=lost,
        shared=tuple(part.stage for part in charge.shared),
        freed=tuple(freed),
        reason=command.reason,
    )
    entry = record(state, book, fact, now, by=command.by, key=command.key)
    return refund_of(entry)


def measure_charge(state: State, book: Book, command: MeasureCharge, now: int) -> Charge:
    """Note measures that came after the charge: an entry of their own, outside of the price."""
    charge = _charge(state, command.charge)
    check_bound(command.only_actions, charge.action)
    fact = Measured(
        charge=charge.id,
        **work_of(charge),
        measures=command.measures,
    )
    record(state, book, fact, now, by=command.by, key=command.key)
    return charge


def _add(measures: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: measures.get(name, 0) + more.get(name, 0) for name in {**measures, **more}}
