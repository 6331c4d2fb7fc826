"""Where the processor time of a charge goes: by thread of the server, and by step of the engine."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figures import Figure, Series
from bench.load import CHARGE, CHARGES, load
from bench.machine import descendants
from bench.serving import Server, serving
from bench.stores import COMPANIES, NAMES, catalogue, company, fill, folder, store
from kvota import engine
from kvota.core.account import Usage
from kvota.core.commands import ChargeUsage
from kvota.settings import Settings
from kvota.store import Store
from kvota.stores import open_store
from kvota.wiring import open_meter

LOOP, ENGINE = "the server's process", "the engine's process"
ROUNDS = 5
SIZE = 32
BATCHES = 100
STEPS = {"lock": "lock and read the accounts", "save": "write", "commit": "commit"}
METHOD = f"""
Above, microseconds of processor time for each call under the load of the first table: the server's process has HTTP,
routing, authentication, reading and answering; the engine's has the decision and the store. They run at once, on two
cores if there are two for them beside wrk and PostgreSQL. Below, those of the engine alone, without a server, in
batches of {SIZE} on {COMPANIES:,} companies: its steps in the store, and the rest, which is deciding: rules, entries,
hashes, replies. On a machine that is busy with other things all are larger.
"""


def main() -> None:
    """Measure both stores."""
    series: list[Series] = []
    for kind in NAMES:
        with folder() as place, store(kind, place) as url:
            file = catalogue(place)
            fill(url, file)
            with serving(url, file, place) as server:
                series += threads(NAMES[kind], server)
            series += steps(NAMES[kind], url, file)
    Figure(name="shares", title="Where the time of a charge goes", method=METHOD, series=series).save()


def threads(kind: str, server: Server) -> list[Series]:
    """What each thread takes for a no-op and for a charge."""
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(ROUNDS + 1):
        for what, path in (("no-op", "/noop"), ("charge", CHARGES)):
            before = _by_thread(server.pid)
            requests = load(server, path, CHARGE, companies=COMPANIES).requests
            after = _by_thread(server.pid)
            for name in (LOOP, ENGINE):
                if number and (what, name) != ("no-op", ENGINE):
                    found[f"{kind}: {what}, {name}"].append((after[name] - before[name]) / requests * 1e6)
    return [Series(name=name, unit="µs", runs=runs) for name, runs in found.items()]


def _by_thread(pid: int) -> dict[str, float]:
    """Seconds of the server's main thread, which has the event loop, and of all else: the engine's process."""
    seconds = {LOOP: 0.0, ENGINE: 0.0}
    for process in [pid, *descendants(pid)]:
        for task in Path(f"/proc/{process}/task").iterdir():
            name = LOOP if task.name == str(pid) else ENGINE
            seconds[name] += int((task / "schedstat").read_text().split()[0]) / 1e9
    return seconds


def steps(kind: str, url: str, file: str) -> list[Series]:
    """What each step of a batch takes for each of its charges."""
    spent: dict[str, float] = defaultdict(float)
    open_meter(Settings(store=url, catalogue=file)).close()
    timed = _Timed(open_store(url), spent)
    runs: dict[str, list[float]] = defaultdict(list)
    meter = engine.Engine(timed)  # type: ignore[arg-type] - it has everything that a store has
    try:
        for number in range(ROUNDS + 1):
            spent.clear()
            for batch in range(BATCHES):
                _charge(meter, number * BATCHES + batch)
            if number:
                known = sum(spent[name] for name in STEPS)
                for name, text in {**STEPS, "rest": "decide"}.items():
                    seconds = spent["all"] - known if name == "rest" else spent[name]
                    runs[f"{kind}, engine alone: {text}"].append(seconds / BATCHES / SIZE * 1e6)
    finally:
        meter.close()
        timed.store.close()
    return [Series(name=name, unit="µs", runs=values) for name, values in runs.items()]


def _charge(meter: engine.Engine, batch: int) -> None:
    usage = Usage(action="chat_question", user="user-0001")
    names = [company((batch * SIZE + n) * 7919 % COMPANIES) for n in range(SIZE)]
    for one in [meter.submit(ChargeUsage(company=name, by="key_0123456789abcdef", usage=usage)) for name in names]:
        one.result()


class _Timed:
    """A store whose transactions note the time of their thread that each step takes."""

    def __init__(self, store: Store, spent: dict[str, float]) -> None:
        self.store, self._spent = store, spent

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def begin(self) -> Iterator[Any]:
        started = time.thread_time()
        with self.store.begin() as transaction:
            yield _Noting(transaction, self._spent)
        self._spent["all"] += time.thread_time() - started


class _Noting:
    def __init__(self, transaction: Any, spent: dict[str, float]) -> None:
        self._transaction, self._spent = transaction, spent

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._transaction, name)
        return self._noting(name, method) if name in STEPS else method

    def _noting(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            started = time.thread_time()
            try:
                return method(*arguments)
            finally:
                self._spent[name] += time.thread_time() - started

        return noted


if __name__ == "__main__":
    main()
