from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres

pytest_plugins = ["tests.report"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server on which databases may be created. A missing one fails the test."""
    try:
        with postgres.server() as url:
            yield url
    except postgres.PostgresUnusableError as problem:
        raise pytest.fail.Exception(str(problem), pytrace=False) from None


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
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


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
