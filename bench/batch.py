"""Charges in batches of 500 over HTTP."""

import urllib.request

from bench.figures import Claim, Figure, Series, interleaved
from bench.load import load
from bench.serving import Server, serving
from bench.stores import COMPANIES, NAMES, catalogue, fill, folder, store

SIZE = 500
CONNECTIONS = (1, 4, 8)
CHARGE = '{"op":"charge","company":"{company}","action":"chat_question","user":"user-0001"}'
METHOD = f"""
`POST /v1/batch` with {SIZE} charges in each call, {COMPANIES:,} companies in turn, over so many connections of wrk.
What counts is the server's own count of charges, which it keeps of those that are on the disk and not declined.
"""
NOTE = """
The engine's process is what bounds it: most of what a charge takes there (the table "Where the time of a charge goes")
is Python on one core, for each charge again; a larger batch shares little more than the commit. The server's process
reads and answers meanwhile.
"""


def main() -> None:
    """Measure both stores."""
    series: list[Series] = []
    claims: list[Claim] = []
    for kind in NAMES:
        with folder() as place, store(kind, place) as url:
            file = catalogue(place)
            fill(url, file)
            with serving(url, file, place) as server:
                runs = interleaved({f"{n} connections": lambda n=n: rate(server, n) for n in CONNECTIONS})
        series += [Series(name=f"{NAMES[kind]}: {name}", unit="charges/s", runs=found) for name, found in runs.items()]
        best = max(series[-len(CONNECTIONS) :], key=lambda one: one.median)
        claims.append(Claim(text=best.name, value=best.median, unit="charges/s", at_least=15_000))
    Figure(name="batch", title="Charges in batches", method=METHOD, series=series, claims=claims, note=NOTE).save()


def rate(server: Server, connections: int) -> float:
    """Charges a second."""
    before = charges(server)
    found = load(server, "/v1/batch", CHARGE, companies=COMPANIES, batch=SIZE, connections=connections)
    return (charges(server) - before) / found.seconds


def charges(server: Server) -> float:
    """How many there have been."""
    with urllib.request.urlopen(f"{server.url}/metrics") as reply:  # noqa: S310 - our own server
        lines = reply.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("kvota_charges_total"))


if __name__ == "__main__":
    main()
