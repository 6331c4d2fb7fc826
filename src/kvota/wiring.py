"""Settings to store, engine and doors: the one place where all meet."""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from kvota.catalogue_file import load
from kvota.core.catalogue import Catalogue
from kvota.editions import offer_catalogue
from kvota.engine import Engine
from kvota.errors import Invalid
from kvota.outgoing import Outgoing
from kvota.reads import Reads
from kvota.settings import DEFAULT_CATALOGUE, Settings
from kvota.store import Store
from kvota.stores import open_store


class Meter(NamedTuple):
    """A store with its engine and reads: what every front door is given."""

    store: Store
    engine: Engine
    reads: Reads

    def close(self) -> None:
        """Finish what was accepted, then close the store."""
        self.engine.close()
        self.store.close()


def open_meter(
    settings: Settings,
    *,
    clock: Callable[[], int] | None = None,
    on_batch: Callable[[int, float], None] | None = None,
) -> Meter:
    """Open the store, bring its schema and catalogue up to date, and start the engine.

    ``clock`` replaces the store's clock, for loading a history. Raises ``Invalid`` where the settings and the store
    do not fit together, ``CatalogueInvalid`` for the catalogue, ``StoreUnavailable`` for the store.
    """
    catalogue, text = load(settings.catalogue)
    store = open_store(settings.store)
    try:
        store.migrate()
        _enter_sandbox(store, settings)
        if not _is_elsewhere(store, settings, catalogue):
            offer_catalogue(store, catalogue, text)
    except BaseException:
        store.close()
        raise
    engine = Engine(store, clock=clock, on_batch=on_batch)
    reads = Reads(store, engine, clock=clock, outgoing=Outgoing(settings.private_targets))
    return Meter(store, engine, reads)


def _enter_sandbox(store: Store, settings: Settings) -> None:
    if settings.is_sandbox:
        store.enter_sandbox()
    elif store.is_sandbox:
        raise Invalid(
            "This store is a sandbox: its clock was set by clients. Serve it with --sandbox, or use another store."
        )


def _is_elsewhere(store: Store, settings: Settings, catalogue: Catalogue) -> bool:
    """Whether nothing was said and the store holds a catalogue of another id: the shipped one must not replace it."""
    stored = store.catalogues()
    return settings.catalogue == DEFAULT_CATALOGUE and bool(stored) and stored[-1].id != catalogue.id


def first_operator_key(meter: Meter, settings: Settings) -> str | None:
    """Make sure that there is an operator key; returns the secret where one was made now, to be printed once.

    The key of ``KVOTA_OPERATOR_KEY`` is added where the store does not know it.
    """
    reads = meter.reads
    if settings.operator_key is not None:
        if reads.authenticate(settings.operator_key) is None:
            reads.make_key(role="operator", label="KVOTA_OPERATOR_KEY", secret=settings.operator_key)
        return None
    if reads.keys(None, "", 1):
        return None
    return reads.make_key(role="operator", label="first", secret="kv_operator_" + secrets.token_urlsafe(32))[1]
