"""Ten million entries, a million of them in one company, against a store with the same companies and none.

``python -m bench.growth [sqlite|postgres] [--entries N] [--largest N] [--history FILE]``. It takes about half an hour
for each store and 20 GB under /var/tmp. ``--history`` names the file to fill from; it is made where it is missing.
"""

import argparse
import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.figures import ROUNDS, Claim, Figure, Series, interleaved, ratio
from bench.filling import EACH, fill_with_history, make_history
from bench.load import CHARGE, CHARGES, load
from bench.serving import Server, serving
from bench.stores import NAMES, STORES, catalogue, company, fill, folder
from bench.work import known, work
from kvota.core.entries import canonical
from kvota.reads import Reads
from kvota.settings import Settings
from kvota.store import EntryFilter
from kvota.stores import open_store
from kvota.verify import verify
from kvota.wiring import open_meter
from tests import postgres

LARGEST = company(0)
MOST_TIMES, MOST_MS, MOST_READ_MS = 1.5, 5, 100
# Of a store of such a size: between two checkpoints a page is written whole into the log when it first changes, and ten
# thousand companies change as many pages of each index.
SETTINGS = {"max_wal_size": "8GB", "checkpoint_timeout": "30min", "wal_compression": "lz4"}
METHOD = """
The one store has {entries:,} entries ({largest:,} of them in one company, a thousand in each of {others:,} others, over
a year, with all that belongs to them), the other has the same companies and no calls. Charges over HTTP, 64
connections, each company in turn, or all on the largest; a balance by one caller at a time (before the charges: it
reads when the calls of the last two hours were, as many as the hourly limit lets through); lists and sums in process,
of the largest company, a hundred entries a page, each {rounds} times. Each statement that a batch can send is run for a
company of either store and for the largest one: `EXPLAIN (ANALYZE, BUFFERS)` of PostgreSQL counts the rows that it
reads, SQLite the steps of its machine. They differ by a constant: beyond its first 5,000 entries a ledger has more
indexes to write. PostgreSQL runs with `max_wal_size` 8 GB, `checkpoint_timeout` 30 min and `wal_compression`.
"""


class Size(NamedTuple):
    """What to fill a store with."""

    entries: int
    largest: int
    history: Path | None

    @property
    def others(self) -> int:
        """How many companies have a thousand entries each."""
        return (self.entries - self.largest) // EACH


def main() -> None:
    """Measure the stores, each for itself: a figure for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store", nargs="?", choices=STORES)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--history", type=Path)
    given = parser.parse_args()
    size = Size(given.entries, given.largest, given.history)
    for kind in [given.store] if given.store else STORES:
        measured(kind, size).save()


def measured(kind: str, size: Size) -> Figure:
    """Fill the two stores of a kind and compare them."""
    with folder() as place, _urls(kind, place) as (empty_url, small_url, grown_url):
        rules = catalogue(place)
        history = size.history or place / "history.db"
        if not history.exists():
            make_history(history, rules, size.largest)
        companies = size.others + 1
        fill(empty_url, rules, companies)
        fill_with_history(small_url, rules, history, range(1, 4))
        started = time.monotonic()
        entries = fill_with_history(grown_url, rules, history, range(companies))
        seconds = time.monotonic() - started
        series: list[Series] = []
        claims: list[Claim] = []
        with serving(empty_url, rules, place) as empty, serving(grown_url, rules, place) as grown:
            _balance(grown, series, claims)
            _reads(grown_url, rules, series, claims)
            _statements(small_url, grown_url, claims)
            _charges(empty, grown, companies, series, claims)
        claims.append(Claim(text="findings of `verify` in three ledgers", value=_findings(grown_url), at_most=0))
        return Figure(
            name=f"growth_{kind}",
            title=f"{entries:,} entries on {NAMES[kind]}",
            method=METHOD.format(entries=entries, largest=size.largest, others=size.others, rounds=ROUNDS),
            series=series,
            claims=claims,
            note=f"Filling the store took {seconds / 60:.0f} minutes.",
            command=f".venv/bin/python -m bench.growth {kind}",
        )


@contextlib.contextmanager
def _urls(kind: str, place: Path) -> Iterator[tuple[str, str, str]]:
    """Three empty stores of a kind; of PostgreSQL, three databases of one server."""
    if kind == "sqlite":
        yield f"sqlite:///{place}/empty.db", f"sqlite:///{place}/small.db", f"sqlite:///{place}/grown.db"
        return
    with (
        postgres.cluster(**SETTINGS) as server,
        postgres.database(server.url) as empty,
        postgres.database(server.url) as small,
        postgres.database(server.url) as grown,
    ):
        yield empty, small, grown


def _charges(empty: Server, grown: Server, companies: int, series: list[Series], claims: list[Claim]) -> None:
    for who, number in (("each company in turn", companies), ("all on the largest", 1)):

        def rate(server: Server, number: int = number) -> float:
            return load(server, CHARGES, CHARGE, companies=number).rate

        runs = interleaved({"without history": partial(rate, empty), "with it": partial(rate, grown)})
        series += [Series(name=f"charges {who}, {name}", unit="/s", runs=values) for name, values in runs.items()]
        times = ratio(*runs.values())
        claims.append(Claim(text=f"time of a charge, {who}", value=times, unit="times", at_most=MOST_TIMES))


def _balance(grown: Server, series: list[Series], claims: list[Claim]) -> None:
    path = "/v1/companies/{company}/balance"
    found = [load(grown, path, connections=1, seconds=2) for _ in range(ROUNDS)]
    half = Series(name="a balance of the largest: half of them within", unit="ms", runs=[one.p50 for one in found])
    series.append(half)
    series.append(Series(name="— 99 % of them within", unit="ms", runs=[one.p99 for one in found]))
    claims.append(Claim(text="a balance of the largest", value=half.median, unit="ms", at_most=MOST_MS))


def _reads(url: str, rules: str, series: list[Series], claims: list[Claim]) -> None:
    meter = open_meter(Settings(store=url, catalogue=rules))
    try:
        slowest = 0.0
        for name, read in reads_at_size(meter.reads).items():
            runs: list[float] = []
            for _ in range(ROUNDS + 1):
                started = time.perf_counter()
                read()
                runs.append((time.perf_counter() - started) * 1000)
            one = Series(name=name, unit="ms", runs=runs[1:])
            if not name.startswith("usage"):  # which grows with what the month has had, not with the ledger
                slowest = max(slowest, one.median)
            series.append(one)
    finally:
        meter.close()
    claims.append(Claim(text="the slowest list", value=slowest, unit="ms", at_most=MOST_READ_MS))


def reads_at_size(reads: Reads) -> dict[str, Callable[[], object]]:
    """Lists and sums of the largest company, from the middle of its ledger and from its end."""
    account = reads.company(LARGEST)
    middle = account.seq // 2
    page = reads.entries(LARGEST, EntryFilter(), middle, 100)
    start, end = page[0].entry.at, page[-1].entry.at + 1
    today = dt.datetime.fromtimestamp(account.at / 1000, dt.UTC).date()
    month = today - dt.timedelta(days=61), today - dt.timedelta(days=31)

    def entries(after: int, **which: object) -> Callable[[], object]:
        chosen = EntryFilter(**which)  # type: ignore[arg-type]
        return lambda: [canonical(one.entry) for one in reads.entries(LARGEST, chosen, after, 100)]

    return {
        "the first entries": entries(0),
        "entries from the middle": entries(middle),
        "entries of a rare kind": entries(0, kind="boost_added"),
        "entries of a kind, from the middle": entries(middle, kind="refunded"),
        "entries of a user, from the middle": entries(middle, user="user-07"),
        "entries of an action, from the middle": entries(middle, action="site_creation"),
        "entries of nobody": entries(0, user="nobody"),
        "entries of a kind and a user": entries(0, kind="voided", user="user-07"),
        "entries between two instants": entries(0, start=start, end=end),
        "entries of a user between two instants": entries(0, user="user-07", start=start, end=end),
        "a page of holds from the middle": lambda: reads.holds(LARGEST, None, f"hld_{middle:010d}", 100),
        "the open holds": lambda: reads.holds(LARGEST, "open", "", 100),
        "voided holds from the middle": lambda: reads.holds(LARGEST, "void", f"hld_{middle:010d}", 100),
        "usage of a month by day": lambda: reads.usage(LARGEST, *month, ("day",)),
        "usage of a month by user and action": lambda: reads.usage(LARGEST, *month, ("user", "action")),
        "usage of a month by hour": lambda: reads.usage(LARGEST, *month, ("hour",)),
        "usage of a month of one user by day": lambda: reads.usage(LARGEST, *month, ("day",), "user-07"),
        "a balance, in process": lambda: reads.balance(LARGEST),
    }


def _statements(small_url: str, grown_url: str, claims: list[Claim]) -> None:
    """What each statement does for a company of a small store, for the same one in the grown store, for the largest."""
    small, grown = open_store(small_url), open_store(grown_url)
    try:
        before = work(small_url, known(small, company(1)))
        unit = "steps" if grown_url.startswith("sqlite:") else "rows"
        most = max(one.rows for one in before.values())
        claims.append(Claim(text=f"most {unit} of a statement, three companies in the store", value=most, at_most=500))
        for who, name in (("the same company in the grown store", company(1)), ("the largest", LARGEST)):
            done = work(grown_url, known(grown, name))
            more = max(one.rows - before[statement].rows for statement, one in done.items())
            claims.append(Claim(text=f"{unit} more of the statement that changes most, {who}", value=more, at_most=50))
    finally:
        small.close()
        grown.close()


def _findings(url: str) -> int:
    store = open_store(url)
    try:
        return len(verify(store, [company(1), company(2), company(3)]))
    finally:
        store.close()


if __name__ == "__main__":
    main()
