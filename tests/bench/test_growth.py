"""A ledger that has grown makes no statement slower: the same rows, the same steps, whatever its size."""

from pathlib import Path

import pytest

from bench.filling import fill_with_history, make_history
from bench.stores import catalogue, company
from bench.work import known, work
from kvota.stores import open_store
from kvota.verify import verify
from tests.postgres import database

LARGEST = 6000


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to fill stores from, with its catalogue beside it."""
    folder = tmp_path_factory.mktemp("history")
    make_history(folder / "history.db", catalogue(folder), LARGEST, patterns=2)
    return folder / "history.db"


@pytest.fixture(params=["sqlite", "postgres"])
def two_urls(request: pytest.FixtureRequest, tmp_path: Path):
    """Two empty stores of one kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/small.db", f"sqlite:///{tmp_path}/large.db"
        return
    server = request.getfixturevalue("postgres_server")
    with database(server) as small, database(server) as large:
        yield small, large


def test_every_hot_statement_does_the_same_whatever_the_size_of_the_ledger(history, two_urls):
    rules = str(history.parent / "catalogue.toml")
    small_url, large_url = two_urls
    fill_with_history(small_url, rules, history, range(1, 3))
    entries = fill_with_history(large_url, rules, history, range(40))
    assert entries >= LARGEST + 39_000

    small, large = open_store(small_url), open_store(large_url)
    before = work(small_url, known(small, company(1)))
    for name in (company(1), company(0)):
        after = work(large_url, known(large, name))
        assert before.keys() == after.keys()
        for statement, done in after.items():
            assert done.rows <= 1.2 * before[statement].rows + 2, f"{name}, {statement}: {before[statement]}, {done}"
            assert done.blocks <= before[statement].blocks + 20, f"{name}, {statement}: {before[statement]}, {done}"
    assert verify(large, [company(1), company(39)]) == []
    small.close()
    large.close()
