"""What a fault, or any other long test, has come to: one row of the table that ends `make soak`."""

import msgspec


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One row; two of the same fault and store can be added.

    ``acknowledged``: calls that callers were told of as done; ``lost``: those of them that the ledger does not hold;
    ``double``: effects beyond the one that a call may have; ``open_holds``: holds that did not end.
    None stands for what a test does not count. ``problems`` are what else is wrong, each in a sentence.
    """

    fault: str
    store: str = "-"
    runs: int = 1
    acknowledged: int | None = None
    lost: int | None = None
    double: int | None = None
    open_holds: int | None = None
    problems: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.double or self.open_holds or self.problems)

    def __add__(self, other: "Verdict") -> "Verdict":
        """Both as one row of the same fault and store."""
        return Verdict(
            fault=self.fault,
            store=self.store,
            runs=self.runs + other.runs,
            acknowledged=_sum(self.acknowledged, other.acknowledged),
            lost=_sum(self.lost, other.lost),
            double=_sum(self.double, other.double),
            open_holds=_sum(self.open_holds, other.open_holds),
            problems=self.problems + other.problems,
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other
