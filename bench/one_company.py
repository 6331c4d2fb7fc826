"""Everything on one company: against many companies, and against a hand-written transaction for each call."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from time import perf_counter
from urllib.parse import urlsplit

import psycopg

from bench.figures import Claim, Figure, Series, interleaved, ratio
from bench.load import CHARGE, CHARGES, CONNECTIONS, SECONDS, load
from bench.serving import Server, serving
from bench.stores import COMPANIES, NAMES, catalogue, fill, folder, store
from tests.postgres import environment

OPPONENTS = 32
UPDATE = "UPDATE hand_account SET used = used + 1 WHERE company = 'one' AND used + 1 <= granted"
INSERT = (
    "INSERT INTO hand_entry (company, at, action, usr, cost) "
    "VALUES ('one', clock_timestamp(), 'chat_question', 'user-0001', 1)"
)
TABLES = """
CREATE TABLE hand_account (company text PRIMARY KEY, granted bigint NOT NULL, used bigint NOT NULL) WITH (fillfactor = 70);
CREATE TABLE hand_entry (
    id bigserial PRIMARY KEY, company text NOT NULL, at timestamptz NOT NULL, action text, usr text, cost bigint
);
INSERT INTO hand_account VALUES ('one', 1000000000, 0);
"""  # noqa: E501 - SQL
METHOD = f"""
{CONNECTIONS} connections of wrk charge one company over HTTP, in turns with {COMPANIES:,} companies on the same server.
The opponent is a transaction written by hand, on the same PostgreSQL server, with {OPPONENTS} connections and without
HTTP: `BEGIN; UPDATE` (the counter of the company, if there is room)`; INSERT` (a row of a ledger)`; COMMIT`, once by
pgbench with prepared statements, once by {OPPONENTS} threads of psycopg in pipelines. The faster of the two counts.
"""
NOTE = """
The opponent changes a counter and adds a row, in a transaction for each call, and each waits for the lock of the one
before. Kvota does the whole work of a charge (rules, an entry with its hash, statistics, the account) for all calls of
the moment in one transaction.
"""


def main() -> None:
    """Measure both stores, and the opponents on PostgreSQL."""
    series: list[Series] = []
    claims: list[Claim] = []
    for kind in NAMES:
        with folder() as place, store(kind, place) as url:
            file = catalogue(place)
            fill(url, file)
            with serving(url, file, place) as server:
                opponents = by_hand(url, place) if kind == "postgres" else {}
                measured(kind, server, opponents, series, claims)
    figure = Figure(name="one_company", title="All charges on one company", method=METHOD, series=series, claims=claims)
    figure.note = NOTE
    figure.save()


def by_hand(url: str, place: Path) -> dict[str, Callable[[], float]]:
    """The opponents."""
    with psycopg.connect(url) as connection:
        connection.execute(TABLES)
    script = place / "hand.sql"
    script.write_text(f"BEGIN;\n{UPDATE};\n{INSERT};\nCOMMIT;\n")
    return {"by hand, pgbench": lambda: by_pgbench(url, script), "by hand, psycopg": lambda: by_psycopg(url)}


def measured(
    kind: str, server: Server, opponents: dict[str, Callable[[], float]], series: list[Series], claims: list[Claim]
) -> None:
    """The figures of one store."""
    many, one = f"{NAMES[kind]}: {COMPANIES:,} companies", f"{NAMES[kind]}: one company"
    measures = {
        many: lambda: load(server, CHARGES, CHARGE, companies=COMPANIES).rate,
        one: lambda: load(server, CHARGES, CHARGE).rate,
    }
    runs = interleaved(measures | opponents)
    series += [Series(name=name, unit="/s", runs=values) for name, values in runs.items()]
    lost = 100 * (1 - ratio(runs[one], runs[many]))
    claims.append(Claim(text=f"{NAMES[kind]}: fewer than with many companies", value=lost, unit="%", at_most=20))
    if opponents:
        best = [max(pair) for pair in zip(*(runs[name] for name in opponents), strict=True)]
        text = "PostgreSQL, one company: so many times what is written by hand"
        claims.append(Claim(text=text, value=ratio(runs[one], best), unit="×", at_least=5))


def by_pgbench(url: str, script: Path) -> float:
    """Transactions a second."""
    parts = urlsplit(url)
    command = ["pgbench", "-n", "-M", "prepared", "-f", str(script), f"-c{OPPONENTS}", "-j1", f"-T{SECONDS}"]
    command += ["-h", str(parts.hostname), "-p", str(parts.port), "-U", str(parts.username), parts.path[1:]]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return next(float(line.split()[2]) for line in done.stdout.splitlines() if line.startswith("tps"))


def by_psycopg(url: str) -> float:
    """The same from threads of Python."""
    counts = [0] * OPPONENTS
    barrier = Barrier(OPPONENTS)

    def work(number: int) -> None:
        with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
            barrier.wait()
            end = perf_counter() + SECONDS
            while perf_counter() < end:
                with connection.pipeline():
                    for text in ("BEGIN", UPDATE, INSERT, "COMMIT"):
                        connection.execute(text)
                counts[number] += 1

    threads = [Thread(target=work, args=(number,)) for number in range(OPPONENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


if __name__ == "__main__":
    main()
