"""Who pays on the coming days: a course of use, carried day by day through what a company has.

Days stand for instants here: a boost counts on each day of which it is there for the greater part, and a call that no
longer fits as a whole takes what is left. For a forecast that is exact enough; what is charged is decided in the core.
"""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from kvota.core.catalogue import Value
from kvota.insight.outlook import Course


class Pack(NamedTuple):
    """What a boost has left, and the first date on which it is gone."""

    gone_on: dt.date
    left: int


class Purse(Value, frozen=True, kw_only=True):
    """What a company has now. ``packs`` in the order in which they are drawn.

    ``is_asleep``: with boosts first, a boost has paid in this period, so the package waits for the next one.
    """

    package: int
    packs: tuple[Pack, ...] = ()
    boosts_first: bool = False
    is_asleep: bool = False

    def has_left(self, today: dt.date) -> bool:
        """Whether anything can pay today."""
        return (self.package > 0 and not self.is_asleep) or any(
            pack.left > 0 and pack.gone_on > today for pack in self.packs
        )


class Fate(NamedTuple):
    """``short_on``: the index of the first day on which not all was paid; ``missing``: what was not, in all."""

    short_on: int | None
    missing: float


def carry(purse: Purse, dates: Sequence[dt.date], course: Course) -> Fate:
    """Carry one course through one period, or, while boosts alone pay, through as many days as there are."""
    package, asleep = float(purse.package), purse.is_asleep
    packs = [[pack.gone_on.toordinal(), float(pack.left)] for pack in purse.packs]
    short_on: int | None = None
    missing = 0.0
    for n, (date, used) in enumerate(zip(dates, course, strict=True)):
        day = date.toordinal()
        rest = used
        live = [pack for pack in packs if pack[0] > day and pack[1] > 0]
        asleep = asleep or (purse.boosts_first and bool(live))
        if not asleep:
            paid = min(rest, package)
            package, rest = package - paid, rest - paid
        for pack in live:
            paid = min(rest, pack[1])
            pack[1] -= paid
            rest -= paid
        if rest > 1 / 2:
            missing += rest
            short_on = n if short_on is None else short_on
    return Fate(short_on, missing)
