import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from kvota import Kvota
from kvota.client import AsyncClient, Client
from tests.acceptance.servers import CATALOGUE, OPERATOR_KEY, Server, serving
from tests.client.awaited import Awaited

NOON = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server process whose clock stands at noon."""
    folder = tmp_path_factory.mktemp("sandbox")
    with serving(f"sqlite:///{folder}/kvota.db", folder, sandbox=True) as server:
        with Client(server.url, OPERATOR_KEY) as client:
            client.set_clock(NOON)
        yield server


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kvota]:
    folder: Path = tmp_path_factory.mktemp("embedded")
    with Kvota.open(f"sqlite:///{folder}/kvota.db", catalogue=str(CATALOGUE), sandbox=True) as kvota:
        kvota.set_clock(NOON)
        yield kvota


@pytest.fixture(scope="session")
def client(sandbox: Server) -> Iterator[Client]:
    with Client(sandbox.url, OPERATOR_KEY) as opened:
        yield opened


@pytest.fixture(scope="session")
def async_client(sandbox: Server) -> Iterator[Awaited]:
    with Awaited(lambda: AsyncClient(sandbox.url, OPERATOR_KEY)) as opened:
        yield opened
