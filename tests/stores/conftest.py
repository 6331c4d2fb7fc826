from collections.abc import Iterator

import pytest

from kvota.store import Store
from kvota.stores import open_store


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A migrated store: each test runs on SQLite and on PostgreSQL."""
    opened = open_store(store_url)
    try:
        opened.migrate()
        yield opened
    finally:
        opened.close()


@pytest.fixture
def other(store: Store, store_url: str) -> Iterator[Store]:
    """A second store on the same database: what another process has."""
    opened = open_store(store_url)
    try:
        yield opened
    finally:
        opened.close()
