"""What can be asked of a company's ledger. Every command names its company; ``by`` is the API key that asks.

``key`` is the idempotency key and ``request`` the fingerprint of the request that it stands for. ``is_operators``: an
operator asks, and what he does to a company is noted beside the ledger.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import UNSET, UnsetType

from kvota.core.account import CapPer, ScopeKind, Usage
from kvota.core.catalogue import Value

HOLD_SECONDS = 14_400
MAX_HOLD_SECONDS = 86_400


class Command(Value, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    company: str
    by: str = ""
    key: str | None = None
    request: str = ""
    is_operators: bool = False


class PutCompany(Command, frozen=True, kw_only=True):
    """Create or change. Unset stays as it is; None clears. ``is_patch``: the company must exist."""

    name: str | UnsetType = UNSET
    plan: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    locale: str | UnsetType | None = UNSET
    allowance_override: int | UnsetType | None = UNSET
    tools_off: tuple[str, ...] | UnsetType | None = UNSET
    require_user: bool | UnsetType | None = UNSET
    is_patch: bool = False


class ChangePlan(Command, frozen=True, kw_only=True):
    """``only_self_service``: an administrator asks, who may choose among the plans marked so."""

    plan: str
    effective: Literal["now", "next_period"] = "now"
    dry_run: bool = False
    only_self_service: bool = False


class DropScheduledPlan(Command, frozen=True, kw_only=True):
    pass


class UseAssistant(Command, frozen=True, kw_only=True):
    """A usage. ``only_actions``: those that the caller's key is bound to, None for all."""

    usage: Usage
    only_actions: frozenset[str] | None = None


class ChargeUsage(UseAssistant, frozen=True, kw_only=True):
    pass


class QuoteUsage(UseAssistant, frozen=True, kw_only=True):
    pass


class HoldUsage(UseAssistant, frozen=True, kw_only=True):
    ttl: int = HOLD_SECONDS


class CaptureHold(Command, frozen=True, kw_only=True):
    hold: str
    quantities: Mapping[str, int] = {}
    measures: Mapping[str, int] = {}
    at_most_held: bool = False
    only_actions: frozenset[str] | None = None


class VoidHold(Command, frozen=True, kw_only=True):
    hold: str
    only_actions: frozenset[str] | None = None


class RefundCharge(Command, frozen=True, kw_only=True):
    charge: str
    reason: str | None = None


class MeasureCharge(Command, frozen=True, kw_only=True):
    charge: str
    measures: Mapping[str, int]
    only_actions: frozenset[str] | None = None


class AddBoost(Command, frozen=True, kw_only=True):
    """A boost of the catalogue, or an amount with its expiry."""

    boost: str | None = None
    amount: int | None = None
    expires_at: int | None = None
    reason: str | None = None


class RevokeBoost(Command, frozen=True, kw_only=True):
    boost: str


class PlaceOrder(Command, frozen=True, kw_only=True):
    boost: str


class ConfirmOrder(Command, frozen=True, kw_only=True):
    order: str
    reference: str | None = None


class DropOrder(Command, frozen=True, kw_only=True):
    order: str


class SetCap(Command, frozen=True, kw_only=True):
    cap: str
    scope: ScopeKind
    name: str | None
    requests: int
    per: CapPer
    until: int | None = None


class RemoveCap(Command, frozen=True, kw_only=True):
    cap: str


class Suspend(Command, frozen=True, kw_only=True):
    reason: str | None = None


class Resume(Command, frozen=True, kw_only=True):
    reason: str | None = None


class Adjust(Command, frozen=True, kw_only=True):
    amount: int
    reason: str


AnyCommand = (
    PutCompany
    | ChangePlan
    | DropScheduledPlan
    | ChargeUsage
    | QuoteUsage
    | HoldUsage
    | CaptureHold
    | VoidHold
    | RefundCharge
    | MeasureCharge
    | AddBoost
    | RevokeBoost
    | PlaceOrder
    | ConfirmOrder
    | DropOrder
    | SetCap
    | RemoveCap
    | Suspend
    | Resume
    | Adjust
)
