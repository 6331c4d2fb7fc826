"""A figure: what was measured, side by side in one run, and what is claimed of it."""

import datetime as dt
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from bench import machine

RESULTS = Path(__file__).parent / "results"
ROUNDS = 5


class Series(msgspec.Struct, kw_only=True):
    """One thing, measured once in each round."""

    name: str
    unit: str
    runs: list[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.runs)


class Claim(msgspec.Struct, kw_only=True):
    """What the figure was made for: a number, and what it should be at least (or at most)."""

    text: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def holds(self) -> bool:
        """Whether it is what it should be."""
        return (self.at_least is None or self.value >= self.at_least) and (
            self.at_most is None or self.value <= self.at_most
        )


class Figure(msgspec.Struct, kw_only=True):
    """One table of README.md. ``method`` says what was done, in Markdown; ``note`` what else there is to say."""

    name: str
    title: str
    method: str
    series: list[Series]
    claims: list[Claim] = []
    note: str = ""
    command: str = ""
    made_at: str = ""
    machine: str = ""

    def save(self) -> None:
        """Keep it with its command, machine and date, print it, and write README.md anew."""
        from bench.report import table, write  # noqa: PLC0415 - they know each other

        self.command = self.command or f".venv/bin/python -m bench.{self.name}"
        self.made_at = dt.datetime.now(dt.UTC).isoformat(timespec="minutes").replace("+00:00", "Z")
        self.machine = machine.description()
        RESULTS.mkdir(exist_ok=True)
        text = msgspec.json.format(msgspec.json.encode(self), indent=1)
        (RESULTS / f"{self.name}.json").write_bytes(text + b"\n")
        sys.stdout.write(table(self) + "\n")
        write()


def load() -> dict[str, Figure]:
    """The figures that have been made, by name."""
    found = [msgspec.json.decode(path.read_bytes(), type=Figure) for path in sorted(RESULTS.glob("*.json"))]
    return {one.name: one for one in found}


def interleaved(measures: Mapping[str, Callable[[], float]], *, rounds: int = ROUNDS) -> dict[str, list[float]]:
    """A B A B …: each in every round, so that what disturbs the machine meets all; a first round is not counted."""
    runs: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, measure in measures.items():
            value = measure()
            sys.stderr.write(f"{'warm-up' if number == 0 else f'round {number}'}  {name}: {value:,.1f}\n")
            if number:
                runs[name].append(value)
    return runs


def ratio(runs: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios within each round."""
    return statistics.median(one / other for one, other in zip(runs, others, strict=True))
