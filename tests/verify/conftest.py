from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.verify.histories import fill
from tests.verify.tampering import Tampered, tampered


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def ledger_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store with a bit of everything in it; each test leaves it as it was."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'kvota.db'}"
        fill(url)
        yield url
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        fill(url)
        yield url


@pytest.fixture(scope="module")
def database(ledger_url: str) -> Iterator[Tampered]:
    """The database of that store, without its constraints."""
    opened = tampered(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    """A SQLite file of the test's own, with a bit of everything in it."""
    path = tmp_path / "kvota.db"
    fill(f"sqlite:///{path}")
    return path
