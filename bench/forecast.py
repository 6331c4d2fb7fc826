"""How good the forecasts are: a rolling origin over all company-months, beside two baselines. Writes docs/forecast.md.

At the end of several days of each month the rest of it is foreseen from what is known then. What is measured is the
use at the month's end, and the day on which the package runs out.
"""

import datetime as dt
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, median
from typing import NamedTuple

from bench.company_months import EACH, REGIMES, CompanyMonth, Day, company_months
from kvota.insight.forecast import Forecast, Past, forecast
from kvota.insight.funding import Purse
from kvota.insight.habit import DayUsed

ORIGINS = (2, 4, 7, 10, 14, 18, 22, 26)
DOCUMENT = Path(__file__).parents[1] / "docs" / "forecast.md"
BEGIN, END = "<!-- figures: written by bench/forecast.py -->", "<!-- end of the figures -->"
LINE, SAME, OURS = "straight line", "same weekday", "Kvota"
METHODS = (LINE, SAME, OURS)
HEADING = (
    "| regime | use: straight line | same weekday | **Kvota** | in the interval "
    "| run-out: straight line | same weekday | **Kvota** | in the interval, where it ran out |"
)
Baseline = Callable[[Sequence[Day], Sequence[Day], Sequence[Day]], list[float]]


def straight_line(_: Sequence[Day], seen: Sequence[Day], ahead: Sequence[Day]) -> list[float]:
    """Each day to come is like the average day of this month so far."""
    return [mean(day.requests for day in seen)] * len(ahead)


def same_weekday(history: Sequence[Day], seen: Sequence[Day], ahead: Sequence[Day]) -> list[float]:
    """Each day to come is like the average of all known days of its weekday; of all days where there is none."""
    known = [day for day in (*history, *seen) if day.is_full]
    by_weekday: dict[int, list[int]] = defaultdict(list)
    for day in known:
        by_weekday[day.date.weekday()].append(day.requests)
    average = mean(day.requests for day in known)
    return [mean(by_weekday.get(day.date.weekday(), [average])) for day in ahead]


class Tried(NamedTuple):
    """One forecast of one method: its error of the month's use, as a share of it, and of the run-out, in days.

    ``late_by`` is None where the package had run out before. The rest is our method's alone; ``is_run_out_within``
    is about months in which the package did run out.
    """

    regime: str
    method: str
    error: float
    late_by: int | None
    is_within: bool | None = None
    is_run_out_within: bool | None = None


def tried(one: CompanyMonth) -> list[Tried]:
    """All origins of a company-month. Where there is no forecast yet, none is compared."""
    found: list[Tried] = []
    total = sum(day.requests for day in one.month)
    for origin in ORIGINS:
        seen, ahead = one.month[:origin], one.month[origin:]
        used, rest = sum(day.requests for day in seen), sum(day.requests for day in ahead)
        left = one.allowance - used
        ours = forecast(_past(one, origin, used, max(0, left)))
        if ours.expected is None or ours.runs_out is None:
            continue
        scale = max(1, total)
        runs_out = _first_short(left, [float(day.requests) for day in ahead])
        baselines: dict[str, Baseline] = {LINE: straight_line, SAME: same_weekday}
        for name, method in baselines.items():
            days = method(one.history, seen, ahead)
            late_by = None if left <= 0 else abs(_first_short(left, days) - runs_out)
            found.append(Tried(one.regime, name, abs(sum(days) - rest) / scale, late_by))
        found.append(
            Tried(
                one.regime,
                OURS,
                abs(ours.expected.middle - total) / scale,
                None if left <= 0 else abs(_index(ours.runs_out.middle, ahead) - runs_out),
                ours.expected.low <= total <= ours.expected.high,
                _is_run_out_within(ours, ahead, runs_out) if left > 0 and runs_out < len(ahead) else None,
            )
        )
    return found


def _past(one: CompanyMonth, origin: int, used: int, left: int) -> Past:
    first = one.month[0].date
    return Past(
        days=tuple(DayUsed(*day) for day in (*one.history, *one.month[:origin])),
        today=first + dt.timedelta(days=origin),
        share=1.0,
        used=used,
        begins=first,
        ends=one.month[-1].date + dt.timedelta(days=1),
        purse=Purse(package=left),
    )


def _first_short(left: float, days: Sequence[float]) -> int:
    """The index of the first day that is not paid as a whole; the number of days where there is none."""
    for n, used in enumerate(days):
        left -= used
        if left < -1 / 2:
            return n
    return len(days)


def _index(date: dt.date | None, ahead: Sequence[Day]) -> int:
    return len(ahead) if date is None else (date - ahead[0].date).days


def _is_run_out_within(ours: Forecast, ahead: Sequence[Day], runs_out: int) -> bool:
    if ours.runs_out is None:
        raise TypeError(ours)
    return _index(ours.runs_out.early, ahead) <= runs_out <= _index(ours.runs_out.late, ahead)


def _percent(values: Sequence[float | bool]) -> str:
    return f"{100 * mean(values):.1f} %"


def table(results: Sequence[Tried], each: int, milliseconds: float) -> str:
    """The results as Markdown."""
    lines = [
        f"{each * len(REGIMES)} company-months, {len(results) // len(METHODS):,} forecasts by each method.",
        "",
        HEADING,
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for regime in (*REGIMES, "all"):
        rows = [one for one in results if regime in (one.regime, "all")]
        errors = {name: mean(one.error for one in rows if one.method == name) for name in METHODS}
        late = {
            name: mean(one.late_by for one in rows if one.method == name and one.late_by is not None)
            for name in METHODS
        }
        cells = [
            *(_marked(f"{100 * errors[name]:.1f} %", errors[name] <= min(errors.values())) for name in METHODS),
            _percent([one.is_within for one in rows if one.is_within is not None]),
            *(_marked(f"{late[name]:.2f} days", late[name] <= min(late.values())) for name in METHODS),
            _percent([one.is_run_out_within for one in rows if one.is_run_out_within is not None]),
        ]
        lines.append(f"| {regime.replace('_', ' ')} | {' | '.join(cells)} |")
    lines += ["", f"A forecast takes {milliseconds:.1f} ms of the processor (the median)."]
    return "\n".join(lines)


def _marked(text: str, is_best: bool) -> str:  # noqa: FBT001 - it is what is marked
    return f"**{text}**" if is_best else text


def compared(each: int = EACH) -> list[Tried]:
    """All company-months, or the first ``each`` of every regime."""
    return [one for month in company_months(each) for one in tried(month)]


def _milliseconds() -> float:
    """What one forecast takes, of a month's middle with two months behind it."""
    one = next(month for month in company_months() if len(month.history) == 62)
    past = _past(one, 14, sum(day.requests for day in one.month[:14]), one.allowance)
    taken: list[float] = []
    for _ in range(21):
        started = time.process_time()
        forecast(past)
        taken.append((time.process_time() - started) * 1000)
    return median(taken)


def main() -> None:
    """Compare, print, and write the table into the document."""
    text = table(compared(), EACH, _milliseconds())
    sys.stdout.write(text + "\n")
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
