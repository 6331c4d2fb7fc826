"""The memory of a server under full load, for ten minutes.

``python -m bench.memory [sqlite|postgres] [--seconds N]``
"""

import argparse
import statistics
import threading
import time
from itertools import cycle
from typing import NamedTuple

from bench.calls import BALANCE, HOLD, HOLDS, QUOTES
from bench.figures import Claim, Figure, Series
from bench.load import CHARGE, CHARGES, CONNECTIONS, load
from bench.machine import resident_bytes
from bench.serving import Server, serving
from bench.stores import COMPANIES, NAMES, STORES, catalogue, fill, folder, store

MEBI = 2**20
MOST, MOST_GROWTH = 150, 10
LISTS = "/v1/companies/{company}/entries?limit=100"
METHOD = f"""
One server with its engine's process, {CONNECTIONS} connections without a pause for {{seconds:.0f}} seconds,
{COMPANIES:,} companies: in turns of five seconds charges with idempotency keys, holds with their captures, quotes,
balances and lists of entries. The resident memory of both processes is read four times a second. Growth is the slope of
a straight line through what was read in the second half of the time (until then SQLite fills its caches), made into ten
minutes. The runs are the means of the fifths.
"""


class Sample(NamedTuple):
    """When (seconds from the start), and how many MiB."""

    at: float
    mebibytes: float


def main() -> None:
    """Measure the stores, each for itself: a figure for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store", nargs="?", choices=STORES)
    parser.add_argument("--seconds", type=float, default=600)
    given = parser.parse_args()
    for kind in [given.store] if given.store else STORES:
        measured(kind, given.seconds).save()


def measured(kind: str, seconds: float) -> Figure:
    """The memory of a server on a store of a kind."""
    samples = sampled(kind, seconds)
    fifths = [_mean(samples, seconds * n / 5, seconds * (n + 1) / 5) for n in range(5)]
    peak, growth = max(one.mebibytes for one in samples), growth_of(samples)
    return Figure(
        name=f"memory_{kind}",
        title=f"Memory on {NAMES[kind]}",
        method=METHOD.format(seconds=seconds),
        series=[Series(name="resident", unit="MiB", runs=fifths)],
        claims=[
            Claim(text="the most at any moment", value=peak, unit="MiB", at_most=MOST),
            Claim(text="growth in ten minutes", value=growth, unit="MiB", at_most=MOST_GROWTH),
        ],
        command=f".venv/bin/python -m bench.memory {kind}",
    )


def sampled(kind: str, seconds: float, companies: int = COMPANIES) -> list[Sample]:
    """The memory of a server on a new store, while it is loaded."""
    with folder() as place, store(kind, place) as url:
        rules = catalogue(place)
        fill(url, rules, companies)
        with serving(url, rules, place) as server:
            samples: list[Sample] = []
            is_over = threading.Event()
            sampler = threading.Thread(target=_sample, args=[server.pid, samples, is_over])
            sampler.start()
            try:
                _load(server, seconds, companies)
            finally:
                is_over.set()
                sampler.join()
            return samples


def _sample(pid: int, samples: list[Sample], is_over: threading.Event) -> None:
    started = time.monotonic()
    while not is_over.wait(0.25):
        samples.append(Sample(time.monotonic() - started, resident_bytes(pid) / MEBI))


def _load(server: Server, seconds: float, companies: int) -> None:
    until = time.monotonic() + seconds
    turns = cycle(
        (
            lambda: load(server, CHARGES, CHARGE, companies=companies, keys=True),
            lambda: load(server, HOLDS, HOLD, companies=companies, pairs=True),
            lambda: load(server, QUOTES, HOLD, companies=companies),
            lambda: load(server, BALANCE, companies=companies),
            lambda: load(server, LISTS, companies=companies),
        )
    )
    while time.monotonic() < until:
        next(turns)()


def growth_of(samples: list[Sample]) -> float:
    """MiB in ten minutes, by a straight line through the second half of the time."""
    settled = [one for one in samples if one.at > samples[-1].at / 2]
    slope = statistics.linear_regression([one.at for one in settled], [one.mebibytes for one in settled]).slope
    return slope * 600


def _mean(samples: list[Sample], start: float, end: float) -> float:
    found = [one.mebibytes for one in samples if start <= one.at < end]
    return statistics.fmean(found or [samples[-1].mebibytes])


if __name__ == "__main__":
    main()
