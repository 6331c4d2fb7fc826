"""The pages of a company with a million entries, in a store of ten million.

``python -m bench.pages [sqlite|postgres] [--entries N] [--largest N] [--history FILE]``. It needs 15 GB under /var/tmp.
``--history`` names the file to fill from; it is made where it is missing.
"""

import argparse
import contextlib
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bench.figures import ROUNDS, Claim, Figure, Series, interleaved
from bench.filling import EACH, fill_with_history, make_history
from bench.serving import Server, serving
from bench.stores import NAMES, STORES, catalogue, company, folder
from kvota.access import visitor_of
from kvota.settings import Settings
from kvota.wiring import open_meter
from tests import postgres

LARGEST = company(0)
OK, MOST_MS = 200, 100
PAGES = {
    "the first page": "",
    "its advice, which comes after it": "/parts/tips",
    "who, what, when of this month": "/statistics",
    "— of one user": "/statistics?user=user-07",
    "— the entries behind it": "/statistics/entries",
    "the ledger": "/entries",
    "— of a kind": "/entries?kind=refunded",
    "— of a user": "/entries?user=user-07",
    "— of an action": "/entries?action=site_creation",
    "— of nobody": "/entries?user=nobody",
    "— of a kind and a user": "/entries?kind=refunded&user=user-07",
    "an entry": "/entries/500000",
    "all advice": "/advice",
}
FIRST = ("the first page", "who, what, when of this month", "all advice")
METHOD = """
A store of {entries:,} entries, {largest:,} of them in one company over a year, behind the real server. A browser that
is signed in opens the pages of that company one at a time, in turns; what is counted is the time from the request to
the last byte of the page, on the machine itself. Advice is about the newest 20,000 entries. A process keeps the sums of
past days: the last rows are pages that are the first that anybody opens after a start, each of a new server.
"""


def main() -> None:
    """Measure the stores, each for itself: a figure for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store", nargs="?", choices=STORES)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--history", type=Path)
    given = parser.parse_args()
    for kind in [given.store] if given.store else STORES:
        measured(kind, given.entries, given.largest, given.history).save()


def measured(kind: str, wanted: int, largest: int, history: Path | None) -> Figure:
    """Fill a store and open its pages."""
    with folder() as place, _url(kind, place) as url:
        rules = catalogue(place)
        source = history or place / "history.db"
        if not source.exists():
            make_history(source, rules, largest)
        entries = fill_with_history(url, rules, source, range((wanted - largest) // EACH + 1))
        secret = _signed_in(url, rules)
        with serving(url, rules, place) as server:
            runs = interleaved({name: _opening(server, path, secret) for name, path in PAGES.items()})
        series = [Series(name=name, unit="ms", runs=values) for name, values in runs.items()]
        claims = [
            Claim(text=one.name.removeprefix("— "), value=one.median, unit="ms", at_most=MOST_MS) for one in series
        ]
        series += [_after_start(name, url, rules, place, secret) for name in FIRST]
    return Figure(
        name=f"pages_{kind}",
        title=f"Pages of a company with {largest:,} entries on {NAMES[kind]}",
        method=METHOD.format(entries=entries, largest=largest),
        series=series,
        claims=claims,
        command=f".venv/bin/python -m bench.pages {kind}",
    )


@contextlib.contextmanager
def _url(kind: str, place: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{place}/kvota.db"
        return
    with postgres.server() as server, postgres.database(server) as url:
        yield url


def _signed_in(url: str, rules: str) -> str:
    """The secret of a session of the company's administrator."""
    meter = open_meter(Settings(store=url, catalogue=rules))
    try:
        access = meter.reads.access
        person, _ = access.invite(email="admin@example.com", role="admin", company=LARGEST)
        return access.begin(visitor_of(person), "bench")[1]
    finally:
        meter.close()


def _opening(server: Server, path: str, secret: str) -> Callable[[], float]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)

    def milliseconds() -> float:
        started = time.perf_counter()
        connection.request("GET", f"/companies/{LARGEST}{path}", headers={"Cookie": f"kvota={secret}"})
        reply = connection.getresponse()
        body = reply.read()
        took = (time.perf_counter() - started) * 1000
        if reply.status != OK:
            raise RuntimeError(f"{path}: {reply.status} {body[:500]!r}")
        return took

    return milliseconds


def _after_start(name: str, url: str, rules: str, place: Path, secret: str) -> Series:
    """The page, each time as the first one that a new server is asked for."""
    runs: list[float] = []
    for _ in range(ROUNDS):
        with serving(url, rules, place) as server:
            runs.append(_opening(server, PAGES[name], secret)())
    return Series(name=f"after a start: {name}", unit="ms", runs=runs)


if __name__ == "__main__":
    main()
