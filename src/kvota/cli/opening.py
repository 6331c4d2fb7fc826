"""Opening a store for a command: as it is, with the catalogue that it holds."""

import secrets
from pathlib import Path

from kvota.catalogue_file import load
from kvota.editions import offer_catalogue
from kvota.engine import Engine
from kvota.errors import Invalid
from kvota.reads import Reads
from kvota.settings import Settings
from kvota.store import ApiKey
from kvota.stores import open_store
from kvota.wiring import Meter

TRUSTED = ApiKey(id="cli", hash="", role="operator", label="the command line")
TRUSTED_SECRET = "kv_" + secrets.token_urlsafe(32)
"""The key of this process alone: it is in no store, and opens only what this process has opened itself."""


def open_here(settings: Settings, *, may_create: bool) -> Meter:
    """Open the store of the settings.

    Other than a server, a command loads a catalogue only into a store that has none: whoever serves it with a file of
    his own must not find another one in force because he asked for a balance.
    """
    if not may_create:
        check_exists(settings.store)
    store = open_store(settings.store)
    try:
        store.migrate()
        if settings.is_sandbox:
            store.enter_sandbox()
        if not store.catalogues():
            offer_catalogue(store, *load(settings.catalogue))
    except BaseException:
        store.close()
        raise
    engine = Engine(store)
    return Meter(store, engine, _TrustingReads(store, engine))


class _TrustingReads(Reads):
    """Whoever can open the store may do everything with it, so the key of this process is an operator's."""

    def authenticate(self, secret: str) -> ApiKey | None:
        return TRUSTED if secret == TRUSTED_SECRET else super().authenticate(secret)


def check_exists(store: str) -> None:
    """``Invalid`` where the URL names a SQLite file that is not there: a slip of the finger must not make one."""
    path = sqlite_path(store)
    if path is not None and not path.exists():
        raise Invalid(
            f"There is no store {store}: the file {path} does not exist. Name another with --store (or KVOTA_STORE), "
            "or make this one: `kvota serve` and `kvota company create` do."
        )


def sqlite_path(store: str) -> Path | None:
    """The file of a SQLite URL; None for other stores and for one in memory."""
    scheme, _, rest = store.partition(":///")
    return Path(rest) if scheme == "sqlite" and rest and rest != ":memory:" else None
