"""Allowance and boosts: what is available, who pays in which order, where it goes back to (RULES §3, §4)."""

from collections.abc import Iterable, Mapping

from kvota.core.account import Account, Boost, Draw, Draws
from kvota.core.catalogue import Catalogue
from kvota.core.periods import month_name


def granted(account: Account, catalogue: Catalogue) -> int:
    """The free AI requests of the period: the company's own number, else its plan's."""
    override = account.allowance_override
    return catalogue.plans[account.plan].allowance if override is None else override


def allowance_left(account: Account, catalogue: Catalogue) -> int:
    """``max(0, granted - used - held)``."""
    return max(0, granted(account, catalogue) - account.used - account.held)


def is_suspended(account: Account, catalogue: Catalogue) -> bool:
    """With boosts first: a boost has, or had in this period, something left, so the allowance waits for the 1st."""
    has_left = account.boosts_left + account.boosts_held > 0
    return catalogue.boosts_first and (has_left or account.slept_in == account.period)


def available(account: Account, catalogue: Catalogue) -> int:
    """What a charge could take now."""
    if is_suspended(account, catalogue):
        return account.boosts_left
    return allowance_left(account, catalogue) + account.boosts_left


def suspended_by_boost(account: Account, catalogue: Catalogue) -> int:
    """How much of the package could not be used any more this month if a boost came now (RULES §4)."""
    if not catalogue.boosts_first or is_suspended(account, catalogue):
        return 0
    return allowance_left(account, catalogue)


def draw(amount: int, account: Account, catalogue: Catalogue, boosts: Iterable[Boost]) -> Draws:
    """Who pays ``amount``, in order; it must not exceed what is available."""
    draws: list[Draw] = []
    if not is_suspended(account, catalogue) and (first := min(amount, allowance_left(account, catalogue))):
        draws.append(Draw(month_name(account.period), first))
        amount -= first
    if amount:
        for boost in sorted((b for b in boosts if b.left > 0), key=lambda b: b.order):
            part = min(amount, boost.left)
            draws.append(Draw(boost.id, part))
            amount -= part
            if not amount:
                break
    if amount:
        raise AssertionError(f"{account.company}: {amount} more drawn than available")
    return tuple(draws)


def split(draws: Draws, first: int) -> tuple[Draws, Draws]:
    """The first ``first`` requests of what was drawn, and the rest, both in order of drawing."""
    head: list[Draw] = []
    tail: list[Draw] = []
    for source, amount in draws:
        part = min(first, amount)
        first -= part
        if part:
            head.append(Draw(source, part))
        if amount > part:
            tail.append(Draw(source, amount - part))
    return tuple(head), tuple(tail)


def give_back(draws: Draws, account: Account, boosts: Mapping[str, Boost], at: int) -> tuple[Draws, Draws]:
    """What comes back to where it was drawn from, last drawn first, and what is lost because its source has ended."""
    back: list[Draw] = []
    lost: list[Draw] = []
    current = month_name(account.period) if at < account.period_end else None
    for one in reversed(draws):
        boost = boosts.get(one.source)
        alive = one.source == current if boost is None else boost.status == "live"
        (back if alive else lost).append(one)
    return tuple(back), tuple(lost)


def total(draws: Draws) -> int:
    """The sum of what was drawn."""
    return sum(one.amount for one in draws)


def merged(draws: Draws) -> Draws:
    """One draw for each source, in the order in which the sources were first drawn."""
    if len(draws) == 1:
        return draws
    sums: dict[str, int] = {}
    for source, amount in draws:
        sums[source] = sums.get(source, 0) + amount
    return tuple(Draw(source, amount) for source, amount in sums.items())
