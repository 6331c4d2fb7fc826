"""What a forecast is made from, out of a company's state, its statistics and the days on which calls were declined."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import NamedTuple

from kvota.core.catalogue import Catalogue
from kvota.core.funds import allowance_left, is_suspended
from kvota.core.periods import DAY, Span, date_on, day, days_between, next_quarter
from kvota.core.state import State
from kvota.insight.forecast import Past
from kvota.insight.funding import Pack, Purse
from kvota.insight.habit import DayUsed

DAYS = 62
"""How far back the habit is learned from."""
RECENT = 28
"""How many days tell what comes after a time of day."""


class Window(NamedTuple):
    """The spans whose use is asked for: the past days, what came after this time of day on recent ones, and two more.

    ``dates`` are those of ``days``; ``afters`` are the ends of the last of them.
    """

    dates: tuple[str, ...]
    days: tuple[Span, ...]
    afters: tuple[Span, ...]
    today: Span
    period: Span

    @property
    def spans(self) -> list[Span]:
        """All of them, in this order."""
        return [*self.days, *self.afters, self.today, self.period]


def window(state: State, now: int) -> Window:
    """The days before today, of which the first is that of the company's creation or the 62nd."""
    account, zone = state.known, state.known.time_zone
    today = day(zone, now)
    date = dt.date.fromisoformat(date_on(zone, now))
    first = max(date - dt.timedelta(days=DAYS), dt.date.fromisoformat(date_on(zone, account.created_at)))
    found = days_between(zone, first, date)
    passed = next_quarter(now) - today.start
    return Window(
        dates=tuple(name for name, _ in found),
        days=tuple(span for _, span in found),
        afters=tuple(Span(min(span.end, span.start + passed), span.end) for _, span in found[-RECENT:]),
        today=today,
        period=Span(account.period_start, account.period_end),
    )


class Seen(NamedTuple):
    """A window, and the use of each of its spans."""

    window: Window
    used: Sequence[int]


def past_of(state: State, purse: Purse, now: int, found: Seen, declined: Collection[str]) -> Past:
    """``declined`` are the dates on which there was too little left for a call."""
    zone = state.known.time_zone
    seen, used = found
    days = whole_days(seen.dates, used[: len(seen.days)], declined)
    today = dt.date.fromisoformat(date_on(zone, now))
    return Past(
        days=days,
        today=today,
        share=share_to_come(found, now),
        used=used[-1],
        begins=dt.date.fromisoformat(date_on(zone, seen.period.start)),
        ends=dt.date.fromisoformat(date_on(zone, seen.period.end)),
        purse=purse,
    )


def whole_days(dates: Sequence[str], used: Sequence[int], declined: Collection[str]) -> tuple[DayUsed, ...]:
    """The days, and which of them were cut short: there was a decline, or nobody has tried since one in that month."""
    days: list[DayUsed] = []
    dry_since = ""
    for date, requests in zip(dates, used, strict=True):
        if date in declined:
            dry_since = date
        elif requests or date[:7] != dry_since[:7]:
            dry_since = ""
        days.append(DayUsed(dt.date.fromisoformat(date), requests, is_full=not dry_since))
    return tuple(days)


def share_to_come(found: Seen, now: int) -> float:
    """What of a day's use usually comes after this time of day; until that is known, what of the day is to come."""
    seen, used = found
    count, recent = len(seen.days), len(seen.afters)
    straight = max(0.0, 1 - (now - seen.today.start) / max(DAY, seen.today.end - seen.today.start))
    whole, after = sum(used[count - recent : count]), sum(used[count : count + recent])
    doubt = whole / recent if recent else 0.0
    return (after + straight * doubt) / (whole + doubt) if whole else straight


def purse_of(state: State, catalogue: Catalogue) -> Purse:
    """What can pay now. A boost that ends after noon counts on its last day."""
    account = state.known
    zone = account.time_zone
    return Purse(
        package=allowance_left(account, catalogue),
        packs=tuple(
            Pack(dt.date.fromisoformat(date_on(zone, boost.expires_at + DAY // 2)), boost.left)
            for boost in state.live_boosts()
            if boost.left
        ),
        boosts_first=catalogue.boosts_first,
        is_asleep=is_suspended(account, catalogue),
    )
