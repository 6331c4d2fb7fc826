"""Settings to store, engine and doors: the one place where all meet."""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from kvota.catalogue_file import differences, load
from kvota.core.catalogue import Catalogue
from kvota.engine import Engine
from kvota.errors import CatalogueInvalid, FieldError, Invalid
from kvota.loading import Library
from kvota.reads import Reads
from kvota.settings import DEFAULT_CATALOGUE, Settings
from kvota.store import Store, StoredCatalogue
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
    return Meter(store, engine, Reads(store, engine, clock=clock))


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


def offer_catalogue(store: Store, catalogue: Catalogue, text: str) -> bool:
    """Load a catalogue that is newer than the store's; True where it was loaded.

    Refuses one that is older, one of the same version that differs, and one that drops a plan which a company has.
    """
    stored = store.catalogues()
    if stored:
        newest = stored[-1]
        present = Library(store).book(newest.number).version(newest.version)
        if catalogue.version == newest.version:
            changes = differences(present, catalogue)
            if changes:
                raise CatalogueInvalid(
                    f"The catalogue {catalogue.id} {catalogue.version} differs from the one of the same version in the "
                    "store. Give it a new version to change prices or plans:\n" + "\n".join(changes),
                    errors=[FieldError("catalogue.version", "must be new where anything has changed", newest.version)],
                )
            return False
        if catalogue.version < newest.version:
            raise CatalogueInvalid(
                f"The catalogue {catalogue.id} {catalogue.version} is older than {newest.version}, which the store "
                "holds. Serve the newer file, or give this one a newer version:\n"
                + "\n".join(differences(present, catalogue)),
                errors=[FieldError("catalogue.version", f"must be later than {newest.version}", catalogue.version)],
            )
        _check_plans(store, catalogue)
    store.add_catalogue(
        StoredCatalogue(
            number=0,
            id=catalogue.id,
            version=catalogue.version,
            effective_at=catalogue.effective_from,
            loaded_at=0,
            text=text,
        )
    )
    return True


def _check_plans(store: Store, catalogue: Catalogue) -> None:
    after, missing = "", set[str]()
    with store.snapshot() as view:
        while page := view.accounts(after, 1000):
            for account in page:
                missing |= {p for p in (account.plan, account.scheduled_plan) if p and p not in catalogue.plans}
            after = page[-1].company
    if missing:
        raise CatalogueInvalid(
            f"The catalogue {catalogue.version} drops plans that companies have: {', '.join(sorted(missing))}. "
            "Move them to another plan first, or keep the plan in the file.",
            errors=[FieldError(f"plans.{name}", "is missing, and companies have it") for name in sorted(missing)],
        )


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
