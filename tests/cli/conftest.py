from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.cli.processes import OPERATOR_KEY, Kvota, Server

_numbers = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a SQLite file, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("server")
    with Server(folder, KVOTA_STORE=f"sqlite:///{folder}/kvota.db", KVOTA_OPERATOR_KEY=OPERATOR_KEY) as running:
        yield running


@pytest.fixture
def embedded(tmp_path: Path) -> Kvota:
    """Commands that open a store of the test's own, without a server."""
    return Kvota(tmp_path, {"KVOTA_STORE": f"sqlite:///{tmp_path}/kvota.db"})


@pytest.fixture(params=["embedded", "server"])
def kvota(request: pytest.FixtureRequest, tmp_path: Path) -> Kvota:
    """Commands on a store of their own, and the same commands through a server."""
    if request.param == "embedded":
        return request.getfixturevalue("embedded")
    running = request.getfixturevalue("server")
    return Kvota(tmp_path, {"KVOTA_URL": running.url, "KVOTA_KEY": OPERATOR_KEY})


@pytest.fixture
def acme(kvota: Kvota) -> str:
    """A company with 100 AI requests a month."""
    name = f"acme-{next(_numbers)}"
    kvota.ok("company", "create", name, "--name", "Acme", "--plan", "basic", "--time-zone", "Europe/Moscow")
    return name
