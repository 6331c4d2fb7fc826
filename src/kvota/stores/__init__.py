"""The stores: ``open_store`` opens the one that a URL names."""

from kvota.errors import Invalid
from kvota.store import Store

SCHEMES = "sqlite:///relative/path, sqlite:////absolute/path, sqlite:///:memory: or postgresql://user@host/database"


def open_store(url: str) -> Store:
    """Open a store; ``Invalid`` for a URL that names none, ``StoreUnavailable`` where a file cannot be used.

    A PostgreSQL server is first asked when something is asked of the store.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from kvota.stores.sqlite import SqliteStore  # noqa: PLC0415 - a store needs its own driver only

        path = rest.removeprefix("/")
        return SqliteStore.in_memory() if path == ":memory:" else SqliteStore(path)
    if scheme in ("postgresql", "postgres") and rest:
        from kvota.stores.postgres import PostgresStore  # noqa: PLC0415 - a store needs its own driver only

        return PostgresStore(url)
    raise Invalid(f"{url!r} names no store. It must be {SCHEMES}.")


def is_shareable(url: str) -> bool:
    """Whether another process can open the same store."""
    return not url.endswith("/:memory:")
