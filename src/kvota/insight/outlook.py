"""What the coming days may bring, by a company's habit: many possible courses, drawn with a fixed seed."""

import datetime as dt
import random
from collections.abc import Sequence
from math import ceil, exp, sqrt
from typing import NamedTuple

from kvota.insight.habit import WEEKEND, Habit

COURSES = 200
SEED = 8024
DRIFT = 0.22
DRIFT_DAYS = 30
"""``DRIFT`` is the variance of the logarithm by which a level may move within so many days; more days add nothing."""
LOW, MIDDLE, HIGH = 0.1, 0.5, 0.9

Course = list[float]
"""What is used on each of the coming days."""


class Range(NamedTuple):
    """Four times in five it lies between ``low`` and ``high``; as often above ``middle`` as below."""

    low: int
    middle: int
    high: int


def courses(habit: Habit, ahead: Sequence[dt.date], share: float = 1.0, count: int = COURSES) -> list[Course]:
    """Possible courses of the days ``ahead``; of the first of them ``share`` is still to come."""
    rng = random.Random(SEED)  # noqa: S311 - the same courses for the same past
    doubt = sqrt(habit.doubt + DRIFT * min(len(ahead), DRIFT_DAYS) / DRIFT_DAYS)
    return [_course(habit, ahead, share, doubt, rng) for _ in range(count)]


def _course(habit: Habit, ahead: Sequence[dt.date], share: float, doubt: float, rng: random.Random) -> Course:
    level = habit.level * exp(rng.gauss(0.0, doubt) - doubt * doubt / 2)
    is_off = habit.is_off
    course: Course = []
    for n, date in enumerate(ahead):
        part = share if n == 0 else 1.0
        weekday = date.weekday()
        if weekday < WEEKEND:
            is_off = rng.random() < (habit.off_stay if is_off else habit.off_chance)
        mean = 0.0 if is_off else level * habit.weekdays[weekday] * part
        used = rng.gammavariate(mean / habit.spread, habit.spread) if mean > 0 else 0.0
        if habit.bursts and rng.random() < habit.burst_chance * part:
            used += level * rng.choice(habit.bursts)
        course.append(used)
    return course


def spread_of(values: Sequence[float]) -> Range:
    """The range of what the courses come to."""
    ordered = sorted(values)
    low, middle, high = (round(quantile(ordered, share)) for share in (LOW, MIDDLE, HIGH))
    return Range(low, middle, high)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that ``share`` of the sorted values do not exceed."""
    return ordered[max(0, min(len(ordered), ceil(share * len(ordered))) - 1)]
