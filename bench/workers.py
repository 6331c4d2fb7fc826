"""Four server processes on one PostgreSQL, against one."""

from bench.figures import Figure, Series, interleaved, ratio
from bench.load import CHARGE, CHARGES, CONNECTIONS, load
from bench.machine import cpu_seconds
from bench.serving import Server, serving
from bench.stores import COMPANIES, catalogue, fill, folder, store

WORKERS = 4
METHOD = f"""
`kvota serve --workers {WORKERS}` and `--workers 1` beside each other on one PostgreSQL, each asked in turns by
{CONNECTIONS} connections, {COMPANIES:,} companies. CPU is that of all processes of the server, without PostgreSQL's
and wrk's.
"""


def main() -> None:
    """Measure."""
    with folder() as place, store("postgres", place) as url:
        rules = catalogue(place)
        fill(url, rules)
        with serving(url, rules, place) as one, serving(url, rules, place, workers=WORKERS) as four:
            cpu: dict[str, list[float]] = {"one": [], "four": []}

            def rate(name: str, server: Server) -> float:
                before = _cpu(server)
                found = load(server, CHARGES, CHARGE, companies=COMPANIES)
                cpu[name].append((_cpu(server) - before) / found.requests * 1e6)
                return found.rate

            runs = interleaved({"one": lambda: rate("one", one), "four": lambda: rate("four", four)})
    series: list[Series] = []
    for name, values in runs.items():
        series.append(Series(name=f"{name} process{'es' if name == 'four' else ''}", unit="charges/s", runs=values))
        series.append(Series(name="— CPU of the server for each", unit="µs", runs=cpu[name][1:]))
    times = ratio(runs["four"], runs["one"])
    cost = ratio(cpu["four"][1:], cpu["one"][1:])
    note = f"""
Four processes make {times:.2f} times as many charges as one, and a charge costs {cost:.2f} times the CPU, because each
process has smaller batches. What more cores would bring, a machine of two cannot show: wrk, PostgreSQL and the server
share them, and one process with PostgreSQL beside it is busy on both already.
"""
    Figure(name="workers", title="Four processes on one PostgreSQL", method=METHOD, series=series, note=note).save()


def _cpu(server: Server) -> float:
    return cpu_seconds(server.pid)


if __name__ == "__main__":
    main()
