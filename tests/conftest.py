import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kvota.stores import open_store
from tests import postgres

pytest_plugins = ["tests.report"]


def pytest_configure() -> None:
    """Have Ctrl-C reach what the tests start, also where a shell has started the tests with ``&``, deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created. A missing one fails the test."""
    try:
        with postgres.server() as url:
            yield url
    except postgres.PostgresUnusableError as problem:
        raise pytest.fail.Exception(str(problem), pytrace=False) from None


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The URL of a database with the tables and nothing in them: a copy takes a fifth of the time of the migrations."""
    with postgres.database(postgres_server) as url:
        store = open_store(url)
        store.migrate()
        store.close()
        with psycopg.connect(url) as connection:
            connection.execute("DELETE FROM meta")  # each store makes a secret of its own
        yield url


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database of the test's own, which has its tables."""
    with postgres.database(postgres_server, like=postgres_template) as url:
        yield url


@pytest.fixture
def bare_postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database of the test's own in which nothing is."""
    with postgres.database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file of the test's own, which does not exist yet."""
    return f"sqlite:///{tmp_path}/kvota.db"


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store of the test's own: the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(params=["sqlite", "postgres"])
def bare_store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a store that has no tables yet, on each kind: for tests of how they come."""
    return request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "bare_postgres_url")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
