"""What a company is told of, and when: the events of the outbox."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal

from kvota.core.catalogue import Value
from kvota.core.periods import rfc3339
from kvota.core.shares import Rise

Kind = Literal[
    "package.threshold", "forecast.runs_out", "boost.expires", "usage.unusual", "appeal.made", "test",
]  # fmt: skip
KINDS: tuple[Kind, ...] = ("package.threshold", "forecast.runs_out", "boost.expires", "usage.unusual", "appeal.made")
"""What can be switched on and off."""
LEVELS = (50, 80, 100)
"""Where nothing else was set: percent of the package."""


class Event(Value, frozen=True, kw_only=True):
    """One row of the outbox. ``period``, ``kind`` and ``topic`` name what is told once in a company."""

    company: str
    period: int
    kind: Kind
    topic: str
    id: str
    at: int
    data: Mapping[str, object]
    is_spread: bool = False
    """Whether there are deliveries of it."""


def event(company: str, kind: Kind, topic: str, at: int, data: Mapping[str, object], *, period: int = 0) -> Event:
    """An event with an id that is the same whenever it is made of the same."""
    name = "\n".join((company, str(period), kind, topic, str(at)))
    digest = blake2b(name.encode(), digest_size=12).hexdigest()
    return Event(company=company, period=period, kind=kind, topic=topic, id=f"evt_{digest}", at=at, data=data)


def crossed(rise: Rise, levels: tuple[int, ...]) -> list[Event]:
    """The events of the levels that an entry has crossed.

    Told once in a period for each level of each size of the package: a refund and a second crossing are not told again,
    the same level of another plan is.
    """
    account = rise.account
    data: dict[str, object] = {
        "used": account.used,
        "granted": rise.granted,
        "plan": account.plan,
        "period": {"start": rfc3339(account.period_start), "end": rfc3339(account.period_end)},
        "entry": account.seq,
    }
    return [
        event(
            account.company,
            "package.threshold",
            f"{level}% of {rise.granted}",
            account.at,
            {"level": level, **data},
            period=account.period,
        )
        for level in levels
        if rise.was < level <= rise.now
    ]
