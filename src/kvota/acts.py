"""What operators did: who, when, to which company. No fact of a ledger; written in the transaction of the act."""

import secrets
import time
from collections.abc import Mapping

import msgspec
from msgspec import UNSET

from kvota.core import commands as core

Told = Mapping[str, str | int | bool | tuple[str, ...] | None]
_NAMES: dict[type[core.Command], str] = {
    core.PutCompany: "put_company",
    core.ChangePlan: "change_plan",
    core.DropScheduledPlan: "drop_scheduled_plan",
    core.RefundCharge: "refund",
    core.AddBoost: "add_boost",
    core.RevokeBoost: "revoke_boost",
    core.PlaceOrder: "place_order",
    core.ConfirmOrder: "confirm_order",
    core.DropOrder: "drop_order",
    core.SetCap: "set_cap",
    core.RemoveCap: "remove_cap",
    core.Suspend: "suspend",
    core.Resume: "resume",
    core.Adjust: "adjust",
}
"""What an operator does to a company. Metering is no act of his, whoever's key is used for it."""
_ENVELOPE = frozenset({"company", "by", "key", "request", "is_operators", "is_patch", "dry_run", "only_self_service"})
OTHERS = ("make_key", "revoke_key", "load_catalogue", "put_user", "erase_user", "sign_in", "sign_out")
ACTS = (*_NAMES.values(), *OTHERS)
"""Their names: those of the calls of the API."""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """``by``: an API key or a sign-in, '' for who has the store itself. ``told``: with what it was done.

    Ids sort by when it was noted.
    """

    id: str
    at: int
    by: str
    company: str | None
    act: str
    told: Told = {}


def act(at: int, by: str, name: str, company: str | None = None, **told: str | int | None) -> Act:
    """An act at an instant."""
    known = {field: value for field, value in told.items() if value is not None}
    return Act(id=_id(), at=at, by=by, company=company, act=name, told=known)


def is_act(command: core.Command) -> bool:
    """Whether it is one, where an operator asks for it."""
    return type(command) in _NAMES


def act_of(command: core.Command, at: int) -> Act:
    """The act of an operator's command that has written something."""
    told = {
        name: value
        for name in command.__struct_fields__
        if name not in _ENVELOPE and (value := getattr(command, name)) is not UNSET and value is not None
    }
    return Act(id=_id(), at=at, by=command.by, company=command.company, act=_NAMES[type(command)], told=told)


def _id() -> str:
    """In the order of noting, also while a sandbox's clock stands still."""
    return f"act_{time.time_ns():016x}{secrets.token_hex(2)}"
