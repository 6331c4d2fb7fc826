"""The facts of a ledger, their canonical bytes and their hash.

A ledger is the entries of one company, numbered 1, 2, 3 …, never changed. Each carries the balance after it and
``hash = sha256(previous hash ‖ canonical JSON)``: the raw 32 bytes of the hash before it (none before the first),
then the entry in RFC 8785 form: keys sorted, no space, defaults left out, instants in milliseconds since the epoch.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, cast

import msgspec
from msgspec import UNSET, UnsetType

from kvota.core.account import CapPer, Charge, Draws, Hold, ScopeKind, StagePart


class Fact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What happened. One class for each kind of entry."""


class CompanyCreated(Fact, frozen=True, kw_only=True, tag="company_created"):
    name: str
    plan: str
    time_zone: str
    locale: str
    allowance_override: int | None = None
    tools_off: tuple[str, ...] = ()
    require_user: bool = False


class PlanChanged(Fact, frozen=True, kw_only=True, tag="plan_changed"):
    """``step``: effective ``now``, ``scheduled`` for later, ``due`` (a scheduled one takes effect) or ``dropped``."""

    from_plan: str
    plan: str
    effective_at: int
    step: Literal["now", "scheduled", "due", "dropped"]


class PeriodStarted(Fact, frozen=True, kw_only=True, tag="period_started"):
    """A new month: the allowance is new. ``time_zone`` is the zone in force from here on."""

    period: int
    start: int
    time_zone: str


class BoostAdded(Fact, frozen=True, kw_only=True, tag="boost_added"):
    """``boost`` is the catalogue's, or None for an amount granted freely."""

    id: str
    amount: int
    expires_at: int
    boost: str | None = None
    order: str | None = None
    reason: str | None = None


class BoostExpired(Fact, frozen=True, kw_only=True, tag="boost_expired"):
    """``left`` was not used and is gone."""

    id: str
    left: int


class BoostRevoked(Fact, frozen=True, kw_only=True, tag="boost_revoked"):
    id: str
    left: int


class Work(Fact, frozen=True, kw_only=True):
    """What the facts about one call share. ``since`` is when the call began: a capture's is its hold's."""

    action: str
    tool: str
    user: str | None = None
    department: str | None = None
    subject: str | None = None
    quantities: Mapping[str, int] = {}
    stages: tuple[str, ...] | None = None
    measures: Mapping[str, int] = {}
    since: int
    period_start: int


def work_of(row: Hold | Charge) -> dict[str, Any]:
    """What a fact about a hold or charge repeats of it, whichever kind of fact it is."""
    return {
        "action": row.action,
        "tool": row.tool,
        "user": row.user,
        "department": row.department,
        "subject": row.subject,
        "since": row.at,
        "period_start": row.period_start,
    }


class Charged(Work, frozen=True, kw_only=True, tag="charged"):
    """``draws`` pay the shared stages first, each ``shared[i].paid``, then the rest."""

    cost: int
    draws: Draws = ()
    shared: tuple[StagePart, ...] = ()
    slot: int


class Held(Work, frozen=True, kw_only=True, tag="held"):
    held: int
    draws: Draws = ()
    expires_at: int
    slot: int


class Captured(Work, frozen=True, kw_only=True, tag="captured"):
    """``draws`` is what has paid: the first of the hold's, then the ``extra`` drawn at the capture.

    ``back`` is what was given back, ``lost`` what could not be; ``written_off`` was neither held nor drawn.
    """

    hold: str
    cost: int
    held: int
    draws: Draws = ()
    extra: int = 0
    back: Draws = ()
    lost: Draws = ()
    written_off: int = 0
    shared: tuple[StagePart, ...] = ()


class Ended(Work, frozen=True, kw_only=True):
    """A hold that ended at zero."""

    hold: str
    held: int
    back: Draws = ()
    lost: Draws = ()


class Voided(Ended, frozen=True, kw_only=True, tag="voided"):
    pass


class HoldExpired(Ended, frozen=True, kw_only=True, tag="hold_expired"):
    pass


class Freed(msgspec.Struct, frozen=True, kw_only=True):
    """A shared stage that nothing stands on any more: its payment comes back for the charge that paid it."""

    stage: str
    charge: str
    amount: int


class Refunded(Work, frozen=True, kw_only=True, tag="refunded"):
    """``own`` is the charge's own part; ``amount`` is it and the freed stages, ``lost`` included."""

    charge: str
    amount: int
    own: int
    back: Draws = ()
    lost: Draws = ()
    shared: tuple[str, ...] = ()
    freed: tuple[Freed, ...] = ()
    reason: str | None = None


class Measured(Work, frozen=True, kw_only=True, tag="measured"):
    """Measures that came after the charge; no money moves."""

    charge: str


class Adjusted(Fact, frozen=True, kw_only=True, tag="adjusted"):
    """The allowance's used counter, moved by ``amount`` but never below zero."""

    amount: int
    reason: str | None = None


class CapSet(Fact, frozen=True, kw_only=True, tag="cap_set"):
    id: str
    scope: ScopeKind
    name: str | None = None
    requests: int
    per: CapPer
    until: int | None = None


class CapRemoved(Fact, frozen=True, kw_only=True, tag="cap_removed"):
    id: str


class SettingsChanged(Fact, frozen=True, kw_only=True, tag="settings_changed"):
    """Only what has changed is set."""

    name: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    locale: str | UnsetType = UNSET
    allowance_override: int | UnsetType | None = UNSET
    tools_off: tuple[str, ...] | UnsetType = UNSET
    require_user: bool | UnsetType = UNSET


class Suspended(Fact, frozen=True, kw_only=True, tag="suspended"):
    reason: str | None = None


class Resumed(Fact, frozen=True, kw_only=True, tag="resumed"):
    reason: str | None = None


AnyFact = (
    CompanyCreated
    | PlanChanged
    | PeriodStarted
    | BoostAdded
    | BoostExpired
    | BoostRevoked
    | Charged
    | Held
    | Captured
    | Voided
    | HoldExpired
    | Refunded
    | Measured
    | Adjusted
    | CapSet
    | CapRemoved
    | SettingsChanged
    | Suspended
    | Resumed
)
KINDS: tuple[str, ...] = tuple(
    str(cls.__struct_config__.tag)
    for cls in (
        CompanyCreated, PlanChanged, PeriodStarted, BoostAdded, BoostExpired, BoostRevoked, Held, Captured, Voided,
        HoldExpired, Charged, Refunded, Measured, Adjusted, CapSet, CapRemoved, SettingsChanged, Suspended, Resumed,
    )
)  # fmt: skip


class BalanceAfter(msgspec.Struct, frozen=True, kw_only=True):
    """The balance once the entry is written: what is available, the allowance's sums, and those of live boosts."""

    available: int
    used: int
    held: int
    boosts: int
    boosts_held: int


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One immutable fact in a company's ledger. ``by`` is the API key that did it, empty where time itself did."""

    company: str
    seq: int
    at: int
    fact: AnyFact
    balance: BalanceAfter
    catalogue: str
    by: str = ""
    key: str | None = None

    @property
    def kind(self) -> str:
        """The fact's kind, one of ``KINDS``."""
        return str(type(self.fact).__struct_config__.tag)


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Entry).decode


_UTF8_OF_TWO_UNITS = 0xF0
"""The first byte in UTF-8 of a character that takes two units in UTF-16, or a greater one."""


def canonical(entry: Entry) -> bytes:
    """The bytes that are hashed, and stored."""
    body = _encode(entry)
    if body.isascii() or max(body) < _UTF8_OF_TWO_UNITS:
        return body
    return msgspec.json.encode(_in_order(msgspec.json.decode(body)))


def _in_order(value: object) -> object:
    """The same with names in the order of RFC 8785, by units of UTF-16: it differs only beyond the first plane."""
    if isinstance(value, dict):
        names = sorted(cast("dict[str, object]", value).items(), key=lambda item: item[0].encode("utf-16-be"))
        return {name: _in_order(item) for name, item in names}
    return [_in_order(item) for item in cast("list[object]", value)] if isinstance(value, list) else value


def read(body: bytes | str) -> Entry:
    """The entry of its canonical bytes."""
    return _decode(body)


def chain(previous: str, body: bytes) -> str:
    """The hash of an entry, in hexadecimal, from the one before it (empty for the first) and its bytes."""
    return sha256(bytes.fromhex(previous) + body).hexdigest()


def identifier(prefix: str, number: int) -> str:
    """``chg_0000000017``: unique in its company, and sorted by age."""
    return f"{prefix}_{number:010d}"


def entry_number(name: str, prefix: str) -> int | None:
    """The entry that an identifier points to; None where it is none of ours."""
    return int(found[1]) if (found := re.fullmatch(prefix + r"_([0-9]{10})", name)) else None
