"""Will the package last: the use expected by the end of the period, when it runs out, and what is missing.

Made of a company's past days (``kvota.insight.habit``), many possible courses of those to come
(``kvota.insight.outlook``), and what pays for them (``kvota.insight.funding``).
"""

import datetime as dt
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from kvota.core.catalogue import Value
from kvota.insight.funding import Fate, Purse, carry
from kvota.insight.habit import DayUsed, learn
from kvota.insight.outlook import COURSES, HIGH, LOW, MIDDLE, Course, Range, courses, quantile, spread_of

FAIR_DAYS = 14
"""With fewer whole days than two weeks a forecast is a rough one."""
BOOSTS_AHEAD = 92
"""While boosts alone pay, so many days are looked at: they do not end with the period."""
STEPS = 6000
SURE, LIKELY = 0.9, 0.5

Basis = Literal["too_thin", "rough", "fair"]
Verdict = Literal["unknown", "lasts", "may_run_out", "runs_out", "used_up"]


class Past(Value, frozen=True, kw_only=True):
    """What a forecast is made from. Dates are those of the company's calendar.

    ``days`` are those before ``today``, in order; ``share`` is what of a day's use usually comes after this time.
    ``used`` is what the period has used so far, ``begins`` its first date and ``ends`` the first of the next one.
    """

    days: tuple[DayUsed, ...]
    today: dt.date
    share: float
    used: int
    begins: dt.date
    ends: dt.date
    purse: Purse


class RunOut(Value, frozen=True, kw_only=True):
    """Dates on which something is not paid for the first time; None where that is not before ``until``.

    In one of ten courses it comes before ``early``, in one of two before ``middle``, in nine of ten before ``late``.
    """

    early: dt.date | None
    middle: dt.date | None
    late: dt.date | None
    until: dt.date


class Ahead(Value, frozen=True, kw_only=True):
    """What has been used in the period up to the end of a day that is to come."""

    date: dt.date
    used: Range


class Forecast(Value, frozen=True, kw_only=True):
    """``known_days`` is on how many whole days it rests. What is None is not known, because they are too few.

    ``expected`` is the use at the end of the period with nothing in its way, ``missing`` what of it nothing would pay.
    ``chance`` is that of lasting to the end of the period.
    """

    basis: Basis
    known_days: int
    verdict: Verdict
    used: int
    chance: float | None = None
    expected: Range | None = None
    missing: Range | None = None
    runs_out: RunOut | None = None
    ahead: tuple[Ahead, ...] = ()


def forecast(past: Past) -> Forecast:
    """The forecast of a company. The same past always has the same forecast."""
    habit = learn(past.days)
    nothing_left = not past.purse.has_left(past.today)
    if habit is None:
        known = sum(day.is_full for day in past.days)
        return Forecast(
            basis="too_thin", known_days=known, verdict="used_up" if nothing_left else "unknown", used=past.used
        )
    in_period = max(1, (past.ends - past.today).days)
    length = max(in_period, BOOSTS_AHEAD) if past.purse.is_asleep and not nothing_left else in_period
    dates = [past.today + dt.timedelta(days=n) for n in range(length)]
    drawn = courses(habit, dates, past.share, min(COURSES, STEPS // length))
    fates = [carry(past.purse, dates[:in_period], course[:in_period]) for course in drawn]
    later = fates if length == in_period else [carry(past.purse, dates, course) for course in drawn]
    chance = sum(fate.short_on is None for fate in fates) / len(fates)
    return Forecast(
        basis="fair" if habit.days >= FAIR_DAYS else "rough",
        known_days=habit.days,
        verdict="used_up" if nothing_left else _verdict(chance),
        used=past.used,
        chance=chance,
        expected=spread_of([past.used + sum(course[:in_period]) for course in drawn]),
        missing=spread_of([fate.missing for fate in fates]),
        runs_out=run_out(later, dates),
        ahead=_ahead(past.used, dates[:in_period], drawn),
    )


def _verdict(chance: float) -> Verdict:
    return "lasts" if chance >= SURE else "may_run_out" if chance > LIKELY else "runs_out"


def run_out(fates: Sequence[Fate], dates: Sequence[dt.date]) -> RunOut:
    """When the courses run out, those that do not after all the others."""
    ordered = sorted(len(dates) if fate.short_on is None else fate.short_on for fate in fates)
    early, middle, late = (int(quantile(ordered, share)) for share in (LOW, MIDDLE, HIGH))
    found = [dates[n] if n < len(dates) else None for n in (early, middle, late)]
    return RunOut(early=found[0], middle=found[1], late=found[2], until=dates[-1] + dt.timedelta(days=1))


def _ahead(used: int, dates: Sequence[dt.date], drawn: Sequence[Course]) -> tuple[Ahead, ...]:
    sums = [list(accumulate(course[: len(dates)], initial=float(used))) for course in drawn]
    return tuple(Ahead(date=date, used=spread_of([course[n + 1] for course in sums])) for n, date in enumerate(dates))
