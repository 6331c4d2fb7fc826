"""A hold with its capture, a quote, a balance, beside a charge, over HTTP."""

from collections.abc import Callable

from bench.figures import Figure, Series, interleaved
from bench.load import CHARGE, CHARGES, CONNECTIONS, Loaded, load
from bench.serving import Server, serving
from bench.stores import COMPANIES, NAMES, STORES, catalogue, fill, folder, store

HOLDS, HOLD = "/v1/companies/{company}/holds", '{"action":"site_creation","user":"user-0001"}'
QUOTES = "/v1/companies/{company}/quotes"
BALANCE = "/v1/companies/{company}/balance"
METHOD = f"""
{CONNECTIONS} connections of wrk, {COMPANIES:,} companies in turn. A pair is a hold of what a site may cost at most, and
its capture with four images by the next call: two calls, two commits. A quote and a balance only read.
"""


def main() -> None:
    """Measure both stores."""
    series: list[Series] = []
    for kind in STORES:
        with folder() as place, store(kind, place) as url:
            rules = catalogue(place)
            fill(url, rules)
            with serving(url, rules, place) as server:
                series += measured(NAMES[kind], server)
    Figure(name="calls", title="Holds, quotes and balances over HTTP", method=METHOD, series=series).save()


def measured(store_name: str, server: Server) -> list[Series]:
    """The figures of one store."""
    asks: dict[str, Callable[[], Loaded]] = {
        "charge": lambda: load(server, CHARGES, CHARGE, companies=COMPANIES),
        "hold and capture, pairs": lambda: load(server, HOLDS, HOLD, companies=COMPANIES, pairs=True),
        "quote": lambda: load(server, QUOTES, HOLD, companies=COMPANIES),
        "balance": lambda: load(server, BALANCE, companies=COMPANIES),
    }
    cpu: dict[str, list[float]] = {name: [] for name in asks}

    def rate(name: str) -> float:
        found = asks[name]()
        calls = 2 if "pairs" in name else 1
        cpu[name].append(found.cpu * calls)
        return found.rate / calls

    runs = interleaved({name: lambda name=name: rate(name) for name in asks})
    series: list[Series] = []
    for name in asks:
        series.append(Series(name=f"{store_name}: {name}", unit="/s", runs=runs[name]))
        series.append(Series(name="— CPU of the server for each", unit="µs", runs=cpu[name][1:]))
    return series


if __name__ == "__main__":
    main()
