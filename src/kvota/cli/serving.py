"""``kvota serve`` and ``migrate``."""

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from kvota.cli import OK
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
    upstreams: str | None = None,
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
    upstreams
        A TOML file of the AI services behind the gateway; KVOTA_UPSTREAMS where it is not given.
    sandbox
        Let clients set the clock, for tests; KVOTA_SANDBOX=1.
    workers
        So many processes on one socket; one for each core is enough.
    """
    from kvota.server import serve as run

    def announce(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    settings = given_settings(store, catalogue, is_sandbox=sandbox)
    if upstreams is not None:
        settings = msgspec.structs.replace(settings, upstreams=upstreams)
    run(settings, host, port, workers, announce=announce)
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
