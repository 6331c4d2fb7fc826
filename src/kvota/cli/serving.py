"""``kvota serve``, ``migrate`` and ``verify``."""

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from kvota.cli import NO, OK
from kvota.cli.options import Output
from kvota.settings import DEFAULT_PORT, Settings, from_environment

_HERE = Output()
MAX_WORKERS = 64


def serve(
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = DEFAULT_PORT,
    store: str | None = None,
    catalogue: str | None = None,
    sandbox: Annotated[bool, Parameter(negative=())] = False,
    workers: Annotated[int, Parameter(validator=Number(gte=1, lte=MAX_WORKERS))] = 1,
) -> int:
    """Run the HTTP server until SIGTERM or SIGINT.

    At the first start it makes an operator key and prints it once, unless
    KVOTA_OPERATOR_KEY names one.

    For example:

        kvota serve --store postgresql://kvota@db.example/kvota --workers 4

    Parameters
    ----------
    host
        The address to listen on.
    port
        The port; 0 for a free one.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    catalogue
        A shipped name or a TOML file; KVOTA_CATALOGUE where it is not given, else bitrix24.
    sandbox
        Let clients set the clock, for tests; KVOTA_SANDBOX=1.
    workers
        So many processes on one socket; one for each core is enough.
    """
    from kvota.server import serve as run

    def announce(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    run(given_settings(store, catalogue, is_sandbox=sandbox), host, port, workers, announce=announce)
    return OK


def given_settings(store: str | None, catalogue: str | None, *, is_sandbox: bool) -> Settings:
    """The environment's settings, with what was given in their place."""
    found = from_environment()
    return msgspec.structs.replace(
        found,
        store=store or found.store,
        catalogue=catalogue or found.catalogue,
        is_sandbox=is_sandbox or found.is_sandbox,
    )


def migrate(*, store: str | None = None, output: Output = _HERE) -> int:
    """Bring the schema of a store up to date, making it where there is none. A server does so at its start, too.

    For example:

        kvota migrate --store postgresql://kvota@db.example/kvota

    Parameters
    ----------
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    """
    from kvota.cli.screen import say
    from kvota.stores import open_store

    opened = open_store(given_settings(store, None, is_sandbox=False).store)
    try:
        applied = opened.migrate()
    finally:
        opened.close()
    if output.json:
        say(msgspec.json.encode({"applied": applied}).decode())
    else:
        say("\n".join(f"applied {name}" for name in applied) or "The schema is up to date.")
    return OK


def verify(*companies: str, store: str | None = None, output: Output = _HERE) -> int:
    """Replay ledgers and prove that balances, statistics and hashes agree. Exits 1 if anything does not.

    It reads and changes nothing, and a server may go on meanwhile.

    For example:

        kvota verify acme --store sqlite:///kvota.db

    Parameters
    ----------
    companies
        Their ids; all of them where none is given.
    store
        sqlite:///kvota.db or postgresql://user@host/db; KVOTA_STORE where it is not given.
    """
    from kvota.cli.opening import open_here
    from kvota.cli.progress import counting
    from kvota.cli.screen import say
    from kvota.verify import verify as run

    seen: list[tuple[str, int]] = []
    meter = open_here(given_settings(store, None, is_sandbox=False), may_create=False)
    try:
        for company in companies:
            meter.reads.company(company)
        with counting("companies", len(companies) or None) as step:

            def progress(company: str, entries: int) -> None:
                seen.append((company, entries))
                step()

            found = run(meter.store, companies or None, progress)
    finally:
        meter.close()
    count = sum(entries for _, entries in seen)
    if output.json:
        findings = [one._asdict() for one in found]
        say(msgspec.json.encode({"companies": len(seen), "entries": count, "findings": findings}).decode())
        return NO if found else OK
    for one in found:
        where = one.company if one.seq is None else f"{one.company}, entry {one.seq}"
        say(f"{where}: {one.field}: {one.message}")
    summary = f"{len(seen)} companies, {count} entries"
    say(f"{summary}: {len(found)} findings." if found else f"{summary}: everything agrees.")
    return NO if found else OK
