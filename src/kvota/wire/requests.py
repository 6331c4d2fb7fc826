"""What callers send. Unknown fields are refused; ``null`` is the same as absent, but clears a setting of a company."""

from hashlib import sha256
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kvota.core.commands import HOLD_SECONDS
from kvota.wire.fields import (
    MAX_OPERATIONS,
    Amount,
    AmountOrZero,
    Email,
    Id,
    Instant,
    Key,
    Measures,
    Names,
    Note,
    Quantities,
    Seconds,
    ShortText,
    SignedAmount,
    Text,
    enc_hook,
)


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body. An empty one is ``{}``."""


class Nothing(Request, frozen=True, kw_only=True):
    """``{}``."""


class UsageRequest(Request, frozen=True, kw_only=True):
    """One action with its quantities, for whom and on what. ``stages``: only these stages of the action."""

    action: ShortText
    quantities: Quantities | None = None
    stages: Names | None = None
    subject: Text | None = None
    user: Id | None = None
    department: ShortText | None = None
    measures: Measures | None = None


class HoldRequest(UsageRequest, frozen=True, kw_only=True):
    """``ttl``: the seconds after which the hold is void by itself."""

    ttl: Seconds | None = None


class CaptureRequest(Request, frozen=True, kw_only=True):
    """What was delivered; quantities that are left out are the hold's. ``at_most_held`` never draws more."""

    quantities: Quantities | None = None
    measures: Measures | None = None
    at_most_held: bool | None = None


class ReasonRequest(Request, frozen=True, kw_only=True):
    reason: Note | None = None


class MeasuresRequest(Request, frozen=True, kw_only=True):
    measures: Annotated[Measures, Meta(min_length=1)]


class CompanyRequest(Request, frozen=True, kw_only=True):
    """Absent: stays as it is. ``null`` clears; ``name``, ``plan`` and ``time_zone`` cannot be cleared."""

    name: Text | UnsetType = UNSET
    plan: ShortText | UnsetType = UNSET
    time_zone: ShortText | UnsetType = UNSET
    locale: ShortText | UnsetType | None = UNSET
    allowance_override: AmountOrZero | UnsetType | None = UNSET
    tools_off: Names | UnsetType | None = UNSET
    require_user: bool | UnsetType | None = UNSET


class PlanChangeRequest(Request, frozen=True, kw_only=True):
    plan: ShortText
    effective: Literal["now", "next_period"] | None = None
    dry_run: bool | None = None


class BoostRequest(Request, frozen=True, kw_only=True):
    """A boost of the catalogue, or an amount with its expiry."""

    boost: ShortText | None = None
    amount: Amount | None = None
    expires_at: Instant | None = None
    reason: Note | None = None


class OrderRequest(Request, frozen=True, kw_only=True):
    boost: ShortText


class ConfirmRequest(Request, frozen=True, kw_only=True):
    """``reference``: the payment's, an invoice's number for example."""

    reference: Text


class ScopeRequest(Request, frozen=True, kw_only=True):
    """Exactly one of them."""

    user: Id | None = None
    users: Literal["each"] | None = None
    department: ShortText | None = None
    tool: ShortText | None = None


class CapRequest(Request, frozen=True, kw_only=True):
    scope: ScopeRequest
    requests: AmountOrZero
    per: Literal["day", "week", "month"]
    until: Instant | None = None


class KeyRequest(Request, frozen=True, kw_only=True):
    """A member's key names its ``user``; no other does. ``actions``: those that the key is bound to."""

    role: Literal["admin", "app", "member", "auditor"]
    user: Id | None = None
    label: Note | None = None
    actions: Annotated[Names, Meta(min_length=1)] | None = None


class PersonRequest(Request, frozen=True, kw_only=True):
    """Absent: stays as it is. ``null`` clears."""

    name: Text | UnsetType | None = UNSET
    email: Email | UnsetType | None = UNSET
    department: ShortText | UnsetType | None = UNSET


class AdjustmentRequest(Request, frozen=True, kw_only=True):
    amount: SignedAmount
    reason: Text


class ClockRequest(Request, frozen=True, kw_only=True):
    now: Instant


class ChargeOperation(UsageRequest, frozen=True, kw_only=True, tag_field="op", tag="charge"):
    company: Id
    key: Key | None = None


class HoldOperation(HoldRequest, frozen=True, kw_only=True, tag_field="op", tag="hold"):
    company: Id
    key: Key | None = None


class CaptureOperation(CaptureRequest, frozen=True, kw_only=True, tag_field="op", tag="capture"):
    company: Id
    hold: ShortText
    key: Key | None = None


class VoidOperation(Request, frozen=True, kw_only=True, tag_field="op", tag="void"):
    company: Id
    hold: ShortText
    key: Key | None = None


BatchOperation = ChargeOperation | HoldOperation | CaptureOperation | VoidOperation


class BatchRequest(Request, frozen=True, kw_only=True):
    """The operations as they came: each stands alone, and is read alone."""

    operations: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_OPERATIONS)]


class BatchDocument(Request, frozen=True, kw_only=True):
    """The same, as it is described."""

    operations: Annotated[list[BatchOperation], Meta(min_length=1, max_length=MAX_OPERATIONS)]


_canonical = msgspec.json.Encoder(order="sorted", enc_hook=enc_hook).encode


def fingerprint(method: str, path: str, body: Request) -> str:
    """What an idempotency key stands for: the same for the same method, path and parsed body (RULES §7).

    What is absent, null or as it would be by default is left out. An operation of a batch
    has that of the call that it stands for.
    """
    said = {
        name: value
        for name in body.__struct_fields__
        if name not in _ENVELOPE and (value := getattr(body, name)) is not None and value != _DEFAULTS.get(name)
    }
    return sha256(b"%b %b\n%b" % (method.encode(), path.encode(), _canonical(said))).hexdigest()


_DEFAULTS: dict[str, object] = {
    "quantities": {},
    "measures": {},
    "at_most_held": False,
    "dry_run": False,
    "effective": "now",
    "ttl": HOLD_SECONDS,
}
_ENVELOPE = frozenset({"company", "hold", "key"})
"""The fields of an operation that stand in the path and the headers of the call that it stands for."""
