"""What a company usually uses in a day, learned from its past days: the level, the weekdays, bursts and days off.

Days on which the package had run out say nothing of the habit and are left out. What is an ordinary day is told by the
median of the days around it: far above is a burst, hardly anything on a working day is a day off. The level is an
average of the ordinary days that forgets, so that it follows a trend or a new level within two weeks; bursts and days
off are remembered longer, as how often they begin and what they are like.
"""

import datetime as dt
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

import msgspec

MIN_DAYS = 2
"""Fewer whole days than that tell nothing."""
MIN_BUSY_DAYS = 2
"""Nor do fewer days on which anything was used."""

HALF_LIFE = 8.0
"""Days after which a day counts half for the level."""
WEEKEND = 5
USUAL_WEEKEND = 0.35
"""What a day of the weekend is of a working day, where nothing is known yet."""
DOUBT_WORKDAY, DOUBT_WEEKEND = 4.0, 0.7
"""How many days of its own outweigh what is usual of a weekday."""
AROUND = 7
BURST, BURST_MORE = 3.5, 6
DAY_OFF, MIN_FOR_DAY_OFF = 0.15, 6
USUAL_SPREAD, DOUBT_SPREAD = 4.0, 4.0
USUAL_STAY = 0.6
MAX_CROWD = 2
USUAL_OFF, DOUBT_OFF = 0.015, 20.0


class DayUsed(NamedTuple):
    """The requests of a local date. ``is_full``: not cut short by a package that ran out."""

    date: dt.date
    requests: int
    is_full: bool = True


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """A day of that weekday has ``level × weekdays[n]`` on average, with ``spread × average`` as its variance.

    ``doubt`` is the relative variance of the level as far as it comes from few or wild days. ``burst_chance`` is a
    day's, ``bursts`` are what they had on top, in levels. ``off_chance`` is that of a run of days off to begin,
    ``off_stay`` that of it to go on, ``is_off`` whether the last day was one.
    """

    days: int
    level: float
    weekdays: tuple[float, ...]
    spread: float
    doubt: float
    burst_chance: float
    bursts: tuple[float, ...]
    off_chance: float
    off_stay: float
    is_off: bool


def learn(days: Sequence[DayUsed]) -> Habit | None:
    """The habit of days in the order of time; None where they are too few to tell."""
    known = [day for day in days if day.is_full]
    if len(known) < MIN_DAYS or sum(day.requests > 0 for day in known) < MIN_BUSY_DAYS:
        return None
    weekdays = tuple(1.0 if n < WEEKEND else USUAL_WEEKEND for n in range(7))
    around = _levels_around(known, weekdays)
    kinds = _kinds(known, around, weekdays)
    weekdays = _weekdays(known, around, kinds)
    around = _levels_around(known, weekdays)
    kinds = _kinds(known, around, weekdays)
    ordinary = [day for day, kind in zip(known, kinds, strict=True) if kind == "ordinary"]
    last = known[-1].date
    weights = [0.5 ** ((last - day.date).days / HALF_LIFE) for day in ordinary]
    shares = [weekdays[day.date.weekday()] for day in ordinary]
    told = sum(w * share for w, share in zip(weights, shares, strict=True))
    level = sum(w * day.requests for w, day in zip(weights, ordinary, strict=True)) / told if told else 0.0
    spread = _spread(known, around, kinds, weekdays)
    squares = sum(w * w * share for w, share in zip(weights, shares, strict=True))
    return Habit(
        days=len(known),
        level=level,
        weekdays=weekdays,
        spread=spread,
        doubt=spread * squares / (told * told) / level if level else 0.0,
        **_exceptions(known, around, kinds, weekdays),
    )


def _levels_around(days: Sequence[DayUsed], weekdays: Sequence[float]) -> list[float]:
    """The level about each day: the median of the days around it, or their average where the median is nothing."""
    levels: list[float] = []
    for n in range(len(days)):
        near = days[max(0, n - AROUND) : n + AROUND + 1]
        busy = [d.requests / share for d in near if (share := weekdays[d.date.weekday()]) > 1 / 2]
        average = sum(d.requests for d in near) / max(sum(weekdays[d.date.weekday()] for d in near), 0.1)
        middle = median(busy) if busy else average
        levels.append(middle if middle >= MIN_FOR_DAY_OFF else average)
    return levels


def _kinds(days: Sequence[DayUsed], around: Sequence[float], weekdays: Sequence[float]) -> list[str]:
    kinds: list[str] = []
    for day, level in zip(days, around, strict=True):
        usual = level * weekdays[day.date.weekday()]
        if day.requests > BURST * usual + BURST_MORE and day.requests > BURST * level:
            kinds.append("burst")
        elif usual >= MIN_FOR_DAY_OFF and day.requests < DAY_OFF * usual and day.date.weekday() < WEEKEND:
            kinds.append("off")
        else:
            kinds.append("ordinary")
    return [_lonely(kinds, n) for n in range(len(kinds))]


def _lonely(kinds: Sequence[str], n: int) -> str:
    """A burst is a day or two: three of five days far above are a new level."""
    crowd = kinds[max(0, n - 2) : n + 3].count("burst")
    return "ordinary" if kinds[n] == "burst" and crowd > MAX_CROWD else kinds[n]


def _weekdays(days: Sequence[DayUsed], around: Sequence[float], kinds: Sequence[str]) -> tuple[float, ...]:
    """What each weekday is of the level: its ordinary days, and what is usual as long as they are few."""
    shares: list[float] = []
    for n in range(7):
        doubt, usual = (DOUBT_WORKDAY, 1.0) if n < WEEKEND else (DOUBT_WEEKEND, USUAL_WEEKEND)
        own = [
            (day.requests, level)
            for day, level, kind in zip(days, around, kinds, strict=True)
            if day.date.weekday() == n and kind == "ordinary" and level > 0
        ]
        seen = sum(requests / level for requests, level in own)
        shares.append((seen + doubt * usual) / (len(own) + doubt))
    return tuple(shares)


def _spread(days: Sequence[DayUsed], around: Sequence[float], kinds: Sequence[str], weekdays: Sequence[float]) -> float:
    """Variance over average of ordinary days, and what is usual as long as they are few."""
    squares, sums, count = 0.0, 0.0, 0
    for day, level, kind in zip(days, around, kinds, strict=True):
        usual = level * weekdays[day.date.weekday()]
        if kind == "ordinary" and usual > 0:
            squares += (day.requests - usual) ** 2
            sums += usual
            count += 1
    if not count:
        return USUAL_SPREAD
    mean = sums / count
    return (squares + DOUBT_SPREAD * USUAL_SPREAD * mean) / (sums + DOUBT_SPREAD * mean)


def _exceptions(
    days: Sequence[DayUsed], around: Sequence[float], kinds: Sequence[str], weekdays: Sequence[float]
) -> dict[str, Any]:
    """How often bursts and runs of days off begin, and what they are like. A few days off are usual anywhere."""
    bursts = tuple(
        day.requests / level - weekdays[day.date.weekday()]
        for day, level, kind in zip(days, around, kinds, strict=True)
        if kind == "burst" and level > 0
    )
    working = [kind for day, kind in zip(days, kinds, strict=True) if day.date.weekday() < WEEKEND]
    off = working.count("off")
    begun = sum(kind == "off" and before != "off" for before, kind in zip(["", *working], working, strict=False))
    return {
        "burst_chance": len(bursts) / (len(days) + 3),
        "bursts": bursts,
        "off_chance": (begun + DOUBT_OFF * USUAL_OFF) / (len(working) - off + DOUBT_OFF),
        "off_stay": (off - begun + 2 * USUAL_STAY) / (off + 2),
        "is_off": bool(working) and working[-1] == "off",
    }
