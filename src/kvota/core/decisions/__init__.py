"""``reply = decide(state, book, command, now)``: one function for each command.

A decision checks everything first and then records its facts in the state; when it raises or declines it has recorded
nothing. ``now`` is the company's present, and the state has been advanced to it. Commands that decline, preview or
show a balance need a *complete* state; so a decision that is about to decline raises ``Incomplete`` if it is not, and
is asked again once the rest has been loaded.
"""

from collections.abc import Callable
from typing import Any

from kvota.core import commands as c
from kvota.core.catalogue import Book
from kvota.core.decisions.boosts import add_boost, confirm_order, drop_order, place_order, revoke_boost
from kvota.core.decisions.calls import Reply, charge_usage, hold_usage, quote_usage
from kvota.core.decisions.company import (
    adjust,
    change_plan,
    drop_scheduled_plan,
    put_company,
    remove_cap,
    resume,
    set_cap,
    suspend,
)
from kvota.core.decisions.holds import capture_hold, measure_charge, refund_charge, void_hold
from kvota.core.state import State
from kvota.errors import NotFound

DECISIONS: dict[type[c.Command], Callable[[State, Book, Any, int], Reply]] = {
    c.ChargeUsage: charge_usage,
    c.HoldUsage: hold_usage,
    c.QuoteUsage: quote_usage,
    c.CaptureHold: capture_hold,
    c.VoidHold: void_hold,
    c.RefundCharge: refund_charge,
    c.MeasureCharge: measure_charge,
    c.PutCompany: put_company,
    c.ChangePlan: change_plan,
    c.DropScheduledPlan: drop_scheduled_plan,
    c.AddBoost: add_boost,
    c.RevokeBoost: revoke_boost,
    c.PlaceOrder: place_order,
    c.ConfirmOrder: confirm_order,
    c.DropOrder: drop_order,
    c.SetCap: set_cap,
    c.RemoveCap: remove_cap,
    c.Suspend: suspend,
    c.Resume: resume,
    c.Adjust: adjust,
}


def decide(state: State, book: Book, command: c.Command, now: int) -> Reply:
    """Carry one command out on the state; a decline is a reply, an error of the caller is raised."""
    if state.account is None and not isinstance(command, c.PutCompany):
        raise NotFound("company", command.company)
    return DECISIONS[type(command)](state, book, command, now)
