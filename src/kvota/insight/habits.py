"""Users and tools that have used far more in the last seven days than they usually do in seven."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal

from kvota.core.catalogue import Catalogue
from kvota.insight.advice import Advice, worth

WEEKS = 8
"""The weeks before the last one; what is usual is their median."""
MIN_WEEKS = 3
"""So many of them must have had any use."""
FAR, MIN_REQUESTS = 2, 10


def above_habit(of: Literal["user", "tool"], weeks: Mapping[str, Sequence[int]], catalogue: Catalogue) -> list[Advice]:
    """``weeks`` are the requests of each user or tool in each week, the last one first."""
    found: list[Advice] = []
    for name, (last, *before) in sorted(weeks.items()):
        if not name or sum(week > 0 for week in before) < MIN_WEEKS:
            continue
        usual = round(median(before))
        more = last - usual
        if last >= FAR * usual and more >= MIN_REQUESTS:
            user, tool = (name, None) if of == "user" else (None, name)
            found.append(
                Advice(
                    kind="above_habit", requests=more, usual=usual, user=user, tool=tool, worth=worth(more, catalogue)
                )
            )
    return found
