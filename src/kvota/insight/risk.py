"""Which companies will run out: each judged by its own row and its live boosts, none by its history.

Far coarser than a forecast, and for thousands of companies at once: what was used in the present period, and of boosts
since they were added, goes on evenly until the period ends.
"""

import heapq
from collections.abc import Iterable
from typing import Literal, NamedTuple

from kvota.core.account import Account
from kvota.core.catalogue import Catalogue, Value
from kvota.core.funds import available, granted, is_suspended
from kvota.core.periods import DAY
from kvota.core.state import State
from kvota.reads import Reads

LIKELY = 1.0
POSSIBLE = 0.8
Level = Literal["used_up", "likely", "possible", "unlikely"]


class Risk(Value, frozen=True, kw_only=True):
    """``share``: the expected use until the period ends, of what is available; ``dry_at``: when that is used up so."""

    company: str
    name: str
    plan: str
    suspended: bool
    granted: int
    used: int
    available: int
    boosts_left: int
    is_package_suspended: bool
    level: Level
    share: float
    dry_at: int | None


class RiskPage(NamedTuple):
    """``found``: how many companies the search has found."""

    rows: list[Risk]
    found: int


def riskiest(reads: Reads, *, search: str = "", skip: int = 0, limit: int = 50) -> RiskPage:
    """Companies whose id or name has the words of the search, those nearest to running out first."""
    words = search.casefold().split()
    found: list[Risk] = []
    count = 0
    for states, book, now in reads.standings(lambda account: all(word in _text(account) for word in words)):
        catalogue = book.at(now)
        count += len(states)
        found = heapq.nsmallest(skip + limit, [*found, *(risk_of(s, catalogue, now) for s in states)], key=_order)
    return RiskPage(found[skip:], count)


def _text(account: Account) -> str:
    return f"{account.company}\n{account.name}".casefold()


def _order(risk: Risk) -> tuple[bool, float, str]:
    return risk.level != "used_up", -risk.share, risk.company


def risk_of(state: State, catalogue: Catalogue, now: int) -> Risk:
    """The state holds the live boosts that have something left, and is as of now."""
    account = state.known
    left, pace = available(account, catalogue), _pace(state, now)
    expected = pace * max(0, account.period_end - now)
    share = expected / left if left else 0.0
    return Risk(
        company=account.company,
        name=account.name,
        plan=account.plan,
        suspended=account.suspended,
        granted=granted(account, catalogue),
        used=account.used,
        available=left,
        boosts_left=account.boosts_left,
        is_package_suspended=is_suspended(account, catalogue),
        level=_level(left, share),
        share=share,
        dry_at=now + int(left / pace) if share >= LIKELY else None,
    )


def _pace(state: State, now: int) -> float:
    """AI requests a millisecond; a first day counts as a whole one."""
    account = state.known
    elapsed = max(DAY, now - account.period_start)
    boosts: Iterable[float] = (
        boost.used / max(elapsed, now - boost.added_at) for boost in state.boosts.values() if boost.status == "live"
    )
    return account.used / elapsed + sum(boosts)


def _level(left: int, share: float) -> Level:
    if not left:
        return "used_up"
    return "likely" if share >= LIKELY else "possible" if share >= POSSIBLE else "unlikely"
