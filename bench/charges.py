"""Single charges over HTTP, durable, against the no-op of the same server."""

from collections.abc import Callable

from bench.figures import Claim, Figure, Series, interleaved, ratio
from bench.load import CHARGE, CHARGES, CONNECTIONS, Loaded, load
from bench.serving import Server, serving
from bench.stores import COMPANIES, NAMES, STORES, catalogue, fill, folder, store

METHOD = f"""
{CONNECTIONS} connections of wrk, each of which waits for its reply; {COMPANIES:,} companies in turn; one charge in a
call, and the reply comes once it is on the disk. The no-op is `POST /noop` of the same server with the same body and
headers and a reply of the same size: its headers are gathered, its body is read and parsed as the charge that it is,
and a prepared reply is sent through the same code. It is not routed, not authenticated and not carried out.
"""
NOTE = """
Where half of the no-op is missed, the next table says why: a charge takes several times the processor time of an HTTP
exchange, and on two cores wrk, the server, its engine and PostgreSQL share what the no-op and wrk have for themselves.
In profiles (py-spy, perf) no function of ours stands out: the time is spread over some hundred of them.
"""


def main() -> None:
    """Measure both stores."""
    series: list[Series] = []
    claims: list[Claim] = []
    for kind in STORES:
        with folder() as place, store(kind, place) as url:
            file = catalogue(place)
            fill(url, file)
            with serving(url, file, place) as server:
                measured(kind, server, series, claims)
    Figure(
        name="charges", title="Single charges over HTTP", method=METHOD, series=series, claims=claims, note=NOTE
    ).save()


def measured(kind: str, server: Server, series: list[Series], claims: list[Claim]) -> None:
    """The figures of one store."""
    cpu: dict[str, list[float]] = {}
    late: dict[str, list[float]] = {}

    def rate(name: str, ask: Callable[[], Loaded]) -> Callable[[], float]:
        def measure() -> float:
            found = ask()
            cpu.setdefault(name, []).append(found.cpu)
            late.setdefault(name, []).append(found.p99)
            return found.rate

        return measure

    names = {
        "no-op": lambda: load(server, "/noop", CHARGE, companies=COMPANIES),
        "charge": lambda: load(server, CHARGES, CHARGE, companies=COMPANIES),
        "charge with an idempotency key": lambda: load(server, CHARGES, CHARGE, companies=COMPANIES, keys=True),
    }
    runs = interleaved({name: rate(name, ask) for name, ask in names.items()})
    store_name = NAMES[kind]
    for name in names:
        series.append(Series(name=f"{store_name}: {name}", unit="/s", runs=runs[name]))
        series.append(Series(name="— CPU of the server for each", unit="µs", runs=cpu[name][1:]))
        series.append(Series(name="— 99 % are answered within", unit="ms", runs=late[name][1:]))
    share = 100 * ratio(runs["charge"], runs["no-op"])
    claims.append(
        Claim(text=f"{store_name}: charges, of the no-op (the aim is 60 %)", value=share, unit="%", at_least=50)
    )


if __name__ == "__main__":
    main()
