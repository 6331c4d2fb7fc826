"""Company-months to try forecasts on: what companies would have used each day, in six stated regimes, seeded.

Written and fixed before any method of forecasting was: it is not changed to suit one. Each regime is one habit of real
companies, on top of a weekday profile and of the noise of single calls:

- ``steady``: the same level all along.
- ``trend``: the level grows or shrinks by 0.5 to 3 % a day, the same all along.
- ``level_shift``: at a day of the month, or of the ten days before it, the level becomes 0.3 to 3 times what it was.
- ``bursts``: one day in seven to twenty has 3 to 10 times the level on top (a campaign, a migration, a big meeting).
- ``sparse``: at most a call a day or so, some of them dear.
- ``days_off``: one or two runs of 1 to 9 days in the month, and as many before it, in which hardly anybody works.

A company has 0 to 62 days of history before its month. One in four ran out of its package in the months before: from
that day on to the month's end it used nothing, and those days are known not to be its habit (``is_full`` is False).
"""

import datetime as dt
import random
from collections.abc import Iterator
from typing import NamedTuple

SEED = "company-months 1"
REGIMES = ("steady", "trend", "level_shift", "bursts", "sparse", "days_off")
EACH = 60
"""Company-months of each regime."""

COSTS = (1, 2, 3, 4, 10, 25)
HISTORIES = (0, 0, 7, 20, 31, 45, 62)
WEEKENDS = ((0.02, 0.01), (0.1, 0.05), (0.25, 0.2), (1.0, 0.9))
"""What Saturday and Sunday are of a working day: an office, another, a shop, a service that never closes."""
OFF_SHARE = 0.03
FIRST, MONTHS = 2024 * 12, 36


class Day(NamedTuple):
    """A local date and the requests that were used. ``is_full``: not cut short by a package that ran out."""

    date: dt.date
    requests: int
    is_full: bool = True


class CompanyMonth(NamedTuple):
    """What is known before the month, and what the month would use with nothing in its way."""

    name: str
    regime: str
    history: tuple[Day, ...]
    month: tuple[Day, ...]
    allowance: int


def company_months(each: int = EACH) -> Iterator[CompanyMonth]:
    """The same ones each time; the first of each regime whatever ``each`` is."""
    for regime in REGIMES:
        for number in range(each):
            yield _company_month(regime, number)


def _company_month(regime: str, number: int) -> CompanyMonth:
    rng = random.Random(f"{SEED}/{regime}/{number}")  # noqa: S311 - the same ones every time
    first = _first_of(FIRST + rng.randrange(MONTHS))
    after = _first_of(first.year * 12 + first.month)
    length, past = (after - first).days, rng.choice(HISTORIES)
    mean = rng.uniform(0.15, 1.2) if regime == "sparse" else 10 ** rng.uniform(0.6, 2.0)
    levels = [mean * factor for factor in _factors(regime, past, length, rng)]
    weekdays = _weekdays(rng)
    costs = [rng.random() ** 2 * share for share in (6.0, 1.0, 2.0, 1.0, 0.5, 0.1)]
    spread = rng.choice((2.0, 5.0, 20.0))
    days: list[Day] = []
    for index, level in enumerate(levels):
        date = first + dt.timedelta(days=index - past)
        calls = _calls(level * weekdays[date.weekday()], spread, rng)
        days.append(Day(date, sum(rng.choices(COSTS, costs, k=calls)) if calls else 0))
    history, month = days[:past], days[past:]
    used = sum(day.requests for day in month)
    if rng.random() < 1 / 4:
        history = _cut_short(history, round(used * rng.uniform(0.4, 0.9)))
    allowance = max(1, round(used * rng.uniform(0.5, 1.6)))
    return CompanyMonth(f"{regime}-{number:03d}", regime, tuple(history), tuple(month), allowance)


def _first_of(number: int) -> dt.date:
    return dt.date(number // 12, number % 12 + 1, 1)


def _weekdays(rng: random.Random) -> list[float]:
    saturday, sunday = rng.choice(WEEKENDS)
    return [rng.uniform(0.8, 1.2) for _ in range(5)] + [saturday, sunday]


def _factors(regime: str, past: int, length: int, rng: random.Random) -> list[float]:
    """What each day's level is of the company's usual one, from the first day of history to the month's last."""
    days = past + length
    factors = [1.0] * days
    if regime == "trend":
        daily = 1 + rng.choice((-1, 1)) * rng.uniform(0.005, 0.03)
        return [daily ** (day - past) for day in range(days)]
    if regime == "level_shift":
        at = max(0, past + rng.randrange(-10, length))
        size = rng.uniform(1.5, 3.0) if rng.random() < 1 / 2 else rng.uniform(0.3, 0.7)
        return [1.0 if day < at else size for day in range(days)]
    if regime == "bursts":
        chance = 1 / rng.uniform(7, 20)
        return [1 + (rng.uniform(3, 10) if rng.random() < chance else 0) for _ in range(days)]
    if regime == "days_off":
        for start, end in ((0, past), (past, days)):
            for _ in range(rng.choice((1, 2)) if end > start else 0):
                first = rng.randrange(start, end)
                for day in range(first, min(end, first + rng.randint(1, 9))):
                    factors[day] = OFF_SHARE
    return factors


def _calls(mean: float, spread: float, rng: random.Random) -> int:
    """A day's calls: Poisson about a mean that itself varies (gamma), so that days differ more than chance alone."""
    varied = rng.gammavariate(spread, mean / spread)
    calls, passed = 0, rng.expovariate(1.0)
    while passed < varied:
        calls += 1
        passed += rng.expovariate(1.0)
    return calls


def _cut_short(history: list[Day], allowance: int) -> list[Day]:
    """The history of a company whose package ran out: nothing was used from then on to the end of the month."""
    cut: list[Day] = []
    used, month = 0, 0
    for day in history:
        if day.date.month != month:
            used, month = 0, day.date.month
        given = min(day.requests, max(0, allowance - used))
        used += given
        cut.append(Day(day.date, given, is_full=given == day.requests and used < allowance))
    return cut
