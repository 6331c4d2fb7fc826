"""The library without HTTP: one caller, many threads, and commands by the five hundred."""

import threading
import time
from functools import partial

from bench.figures import Figure, Series, interleaved
from bench.stores import COMPANIES, NAMES, STORES, catalogue, company, fill, folder, store
from kvota import Declined, Kvota
from kvota.core.account import Charge, Usage
from kvota.core.commands import ChargeUsage
from kvota.settings import Settings
from kvota.wiring import Meter, open_meter

THREADS, SECONDS, TOGETHER = 64, 3.0, 500
METHOD = f"""
`Kvota.open(…)` in this process, {COMPANIES:,} companies in turn, each charge durable before the call returns. One
caller; {THREADS} threads that call at the same time and so share commits; and {TOGETHER} commands handed to the engine
at once, the next {TOGETHER} when all are answered.
"""


def main() -> None:
    """Measure both stores."""
    series: list[Series] = []
    for kind in STORES:
        with folder() as place, store(kind, place) as url:
            rules = catalogue(place)
            fill(url, rules)
            meter = open_meter(Settings(store=url, catalogue=rules))
            try:
                _measured(NAMES[kind], meter, series)
            finally:
                meter.close()
    Figure(name="embedded", title="The library, without HTTP", method=METHOD, series=series).save()


def _measured(name: str, meter: Meter, series: list[Series]) -> None:
    latencies: list[float] = []
    together = f"{TOGETHER} commands at a time"

    def one_caller() -> float:
        taken = _call(Kvota(meter), 0, time.perf_counter() + SECONDS)
        latencies.append(sorted(taken)[len(taken) // 2] * 1000)
        return len(taken) / SECONDS

    runs = interleaved(
        {"one caller": one_caller, f"{THREADS} threads": partial(_threads, meter), together: partial(_together, meter)}
    )
    for what, values in runs.items():
        series.append(Series(name=f"{name}: {what}", unit="charges/s", runs=values))
        if what == "one caller":
            series.append(Series(name="— a call takes (median)", unit="ms", runs=latencies[1:]))


def _call(kvota: Kvota, first: int, until: float) -> list[float]:
    """Charge one company after the other until then; what each call took."""
    taken: list[float] = []
    number = first
    while (started := time.perf_counter()) < until:
        number += 7919
        reply = kvota.charge(company(number % COMPANIES), "chat_question", user="user-0001")
        if isinstance(reply, Declined):
            raise TypeError(reply)
        taken.append(time.perf_counter() - started)
    return taken


def _threads(meter: Meter) -> float:
    kvota, counts = Kvota(meter), list[int]()
    until = time.perf_counter() + SECONDS

    def run(number: int) -> None:
        counts.append(len(_call(kvota, number * 131, until)))

    threads = [threading.Thread(target=run, args=[number]) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def _together(meter: Meter) -> float:
    usage, count = Usage(action="chat_question", user="user-0001"), 0
    started = time.perf_counter()
    while time.perf_counter() < started + SECONDS:
        numbers = range(count, count + TOGETHER)
        asked = [meter.engine.submit(ChargeUsage(company=company(n % COMPANIES), usage=usage)) for n in numbers]
        for one in asked:
            if not isinstance(reply := one.result().reply, Charge):
                raise TypeError(reply)
        count += TOGETHER
    return count / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
