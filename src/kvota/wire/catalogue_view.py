"""The catalogue as it is shown: as in its file, each thing below its id."""

from kvota.core import catalogue as core
from kvota.core.catalogue import Funds, Price
from kvota.core.periods import instant
from kvota.wire.fields import Instant
from kvota.wire.replies import Reply


class Policy(Reply, frozen=True, kw_only=True):
    funds: Funds
    hourly_limit: int | None


class Condition(Reply, frozen=True, kw_only=True):
    at_least: int | None
    at_most: int | None
    equals: int | None


class Action(Reply, frozen=True, kw_only=True):
    """``cost = clamp(base + Σ stages + Σ per × quantity, min, max)``, or 0 where all of ``free_when`` holds."""

    id: str
    tool: str
    title: dict[str, str]
    base: int
    stages: dict[str, int]
    per: dict[str, int]
    min: int | None
    max: int | None
    free_when: dict[str, Condition]
    once_per_subject: list[str]


class Plan(Reply, frozen=True, kw_only=True):
    """``actions`` is null where the plan has all of them."""

    id: str
    title: dict[str, str]
    allowance: int
    price: Price | None
    self_service: bool
    actions: list[str] | None
    user_daily_cap: int | None
    codes: list[str]


class BoostOffer(Reply, frozen=True, kw_only=True):
    id: str
    title: dict[str, str]
    amount: int
    valid_days: int
    price: Price | None


class Catalogue(Reply, frozen=True, kw_only=True):
    """The version of the catalogue that is in force."""

    id: str
    version: str
    effective_from: Instant
    title: dict[str, str]
    policy: Policy
    tools: dict[str, dict[str, str]]
    actions: dict[str, Action]
    plans: dict[str, Plan]
    boosts: dict[str, BoostOffer]


def catalogue(row: core.Catalogue) -> Catalogue:
    """The whole catalogue."""
    return Catalogue(
        id=row.id,
        version=row.version,
        effective_from=instant(row.effective_from),
        title=dict(row.title),
        policy=Policy(funds=row.policy.funds, hourly_limit=row.policy.hourly_limit),
        tools={name: dict(title) for name, title in row.tools.items()},
        actions={name: _action(one) for name, one in row.actions.items()},
        plans={name: _plan(one) for name, one in row.plans.items()},
        boosts={
            name: BoostOffer(
                id=one.id, title=dict(one.title), amount=one.amount, valid_days=one.valid_days, price=one.price
            )
            for name, one in row.boosts.items()
        },
    )


def _action(one: core.Action) -> Action:
    return Action(
        id=one.id,
        tool=one.tool,
        title=dict(one.title),
        base=one.base,
        stages=dict(one.stages),
        per=dict(one.per),
        min=one.min,
        max=one.max,
        free_when={
            name: Condition(at_least=when.at_least, at_most=when.at_most, equals=when.equals)
            for name, when in one.free_when.items()
        },
        once_per_subject=list(one.once_per_subject),
    )


def _plan(one: core.Plan) -> Plan:
    return Plan(
        id=one.id,
        title=dict(one.title),
        allowance=one.allowance,
        price=one.price,
        self_service=one.self_service,
        actions=None if one.actions is None else sorted(one.actions),
        user_daily_cap=one.user_daily_cap,
        codes=list(one.codes),
    )
