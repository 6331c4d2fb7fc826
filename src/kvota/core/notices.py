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


class Notifications(Value, frozen=True, kw_only=True):
    """What a company has set about being told: at which percent of its package, of which kinds, by mail to whom."""

    company: str
    levels: tuple[int, ...] = LEVELS
    kinds: tuple[Kind, ...] = KINDS
    mail: tuple[str, ...] = ()


class Webhook(Value, frozen=True, kw_only=True):
    """Where a company wants events to be posted. Its secrets are made of the store's own and ``generation``.

    ``rotated_at`` is when this generation began. ``failing_since`` is when the first of the attempts failed that no
    success has followed. While it is disabled nothing is sent but by hand.
    """

    company: str
    id: str
    url: str
    created_at: int
    generation: int = 1
    rotated_at: int | None = None
    failing_since: int | None = None
    disabled_at: int | None = None
    disabled_because: str | None = None


class Delivery(Value, frozen=True, kw_only=True):
    """An event on its way to one target: a webhook's id, or an address. ``answer`` is the HTTP status of the last try.

    Waiting, it is tried at ``next_at``; who tries it puts that off and signs it with his ``lease``.
    """

    company: str
    id: str
    event: str
    channel: Literal["webhook", "mail"]
    target: str
    status: Literal["waiting", "delivered", "failed"] = "waiting"
    attempts: int = 0
    made_at: int
    next_at: int | None = None
    lease: str | None = None
    finished_at: int | None = None
    answer: int | None = None
    problem: str | None = None


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
