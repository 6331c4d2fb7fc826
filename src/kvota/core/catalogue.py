"""The catalogue as values: what actions cost, what plans give, which boosts there are, and the policy.

Everything here comes from a catalogue file (``kvota.catalogue_file``); the code knows rules, never prices.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import msgspec

Funds = Literal["allowance_first", "boosts_first"]
MAX_AMOUNT = 1_000_000_000
MAX_QUANTITY = 1_000_000


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen, keyword-only; equal where all fields are."""


class Price(Value, frozen=True, kw_only=True):
    """Money in minor units of an ISO 4217 currency; a plan's is for a month."""

    amount: int
    currency: str


class Condition(Value, frozen=True, kw_only=True):
    """Holds for a quantity that meets every bound that is set."""

    at_least: int | None = None
    at_most: int | None = None
    equals: int | None = None

    def holds(self, quantity: int) -> bool:
        """Whether ``quantity`` meets every bound."""
        return (
            (self.at_least is None or quantity >= self.at_least)
            and (self.at_most is None or quantity <= self.at_most)
            and (self.equals is None or quantity == self.equals)
        )


class Action(Value, frozen=True, kw_only=True, dict=True):
    """A priced thing that the assistant does in one tool (RULES §2).

    ``cost = clamp(base + Σ stages + Σ per[q] × quantity[q], min, max)``, or 0 where all of ``free_when`` holds.
    """

    id: str
    tool: str
    title: Mapping[str, str] = {}
    base: int = 0
    stages: Mapping[str, int] = {}
    per: Mapping[str, int] = {}
    min: int | None = None
    max: int | None = None
    free_when: Mapping[str, Condition] = {}
    once_per_subject: tuple[str, ...] = ()

    @cached_property
    def quantities(self) -> tuple[str, ...]:
        """The names of the quantities that the rule reads."""
        return tuple(dict.fromkeys((*self.per, *self.free_when)))


class Plan(Value, frozen=True, kw_only=True):
    """What a company subscribes to; ``actions`` is None where the plan has all of them."""

    id: str
    allowance: int
    title: Mapping[str, str] = {}
    price: Price | None = None
    codes: tuple[str, ...] = ()
    self_service: bool = False
    actions: frozenset[str] | None = None
    user_daily_cap: int | None = None

    def includes(self, action: str) -> bool:
        """Whether the plan has the action."""
        return self.actions is None or action in self.actions


class BoostOffer(Value, frozen=True, kw_only=True):
    """A boost of the catalogue: ``amount`` AI requests for ``valid_days`` days of 24 hours."""

    id: str
    amount: int
    valid_days: int
    title: Mapping[str, str] = {}
    price: Price | None = None


class Policy(Value, frozen=True, kw_only=True):
    """``funds``: who pays first (RULES §4). ``hourly_limit``: calls in any 60 minutes, None for no limit."""

    funds: Funds = "allowance_first"
    hourly_limit: int | None = None


class Prompt(Value, frozen=True, kw_only=True):
    """Which requests of a portal are which action: those that meet all that is said here.

    ``codes`` are the prompts' codes, ``summarize_*`` for all that begin so. ``stages`` names those of the action's
    stages that the request is. ``conversation``: only such as bring (or do not bring) what was said before.
    """

    id: str
    action: str
    scenarios: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    conversation: bool | None = None
    stages: tuple[str, ...] | None = None


class Prompts(Value, frozen=True, kw_only=True):
    """What a portal's requests are charged as: the first of ``rules`` that fits.

    ``quantities`` are what a portal does not tell.
    """

    rules: Mapping[str, Prompt] = {}
    quantities: Mapping[str, int] = {}


class RouteAction(Value, frozen=True, kw_only=True):
    """What a call of one route of the gateway is charged as, unless it says; ``stages`` None: the whole action."""

    action: str
    stages: tuple[str, ...] | None = None


class Catalogue(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One version of the catalogue. ``effective_from`` is in milliseconds since the epoch."""

    id: str
    version: str
    effective_from: int
    title: Mapping[str, str] = {}
    policy: Policy
    tools: Mapping[str, Mapping[str, str]]
    actions: Mapping[str, Action]
    plans: Mapping[str, Plan]
    boosts: Mapping[str, BoostOffer]
    bitrix24: Prompts = Prompts()
    gateway: Mapping[str, RouteAction] = {}

    @cached_property
    def boosts_first(self) -> bool:
        """Whether boosts pay alone while one has something left."""
        return self.policy.funds == "boosts_first"


class Edition(msgspec.Struct, frozen=True, kw_only=True):
    """A catalogue from the instant it takes effect: ``effective_from``, or when it was loaded if that was later."""

    effective_at: int
    catalogue: Catalogue


class Book:
    """All editions that a store holds, oldest first; answers which is in force."""

    def __init__(self, editions: list[Edition]) -> None:
        if not editions:
            raise ValueError("a store has at least one catalogue")
        ordered = sorted(editions, key=lambda edition: edition.effective_at)
        self.editions = tuple(ordered)
        self.has_capped_plans = any(
            plan.user_daily_cap is not None for one in ordered for plan in one.catalogue.plans.values()
        )
        self._versions = {edition.catalogue.version: edition.catalogue for edition in ordered}

    def at(self, now: int) -> Catalogue:
        """The catalogue in force at ``now``; the earliest one also before its time."""
        found = self.editions[0]
        for edition in self.editions[1:]:
            if edition.effective_at > now:
                break
            found = edition
        return found.catalogue

    def lasting_plans(self, now: int) -> list[str]:
        """The plans that a company may be moved to: those in force that no edition which is to come drops."""
        to_come = [edition.catalogue.plans for edition in self.editions if edition.effective_at > now]
        return [name for name in self.at(now).plans if all(name in plans for plans in to_come)]

    def version(self, version: str) -> Catalogue:
        """The catalogue of that version; KeyError if the store never held it."""
        return self._versions[version]

    def changes_after(self, now: int) -> list[int]:
        """The instants after ``now`` at which another edition takes effect."""
        return [edition.effective_at for edition in self.editions if edition.effective_at > now]

    def hourly_limits(self, now: int) -> set[int]:
        """The hourly limits in force at ``now`` or later."""
        catalogues = [self.at(now), *(e.catalogue for e in self.editions if e.effective_at > now)]
        return {limit for c in catalogues if (limit := c.policy.hourly_limit) is not None}
