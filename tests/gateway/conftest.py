from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.servers import Server
from tests.gateway.running import Acting, Company, file_of, gateway, other_make
from tests.upstreams.service import AiService


@pytest.fixture(scope="module")
def acting() -> Iterator[AiService]:
    """The AI service of the tests' own, strict and as broken as a test wants it."""
    with Acting() as service:
        yield service


@pytest.fixture(autouse=True)
def right_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test had the service do, the next one does not meet."""
    yield
    if "acting" in request.fixturenames:
        service = request.getfixturevalue("acting")
        service.behaviour = None
        service.seen.clear()


@pytest.fixture(scope="module")
def server(acting: AiService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on a SQLite file, with the tests' own service behind its gateway."""
    folder = tmp_path_factory.mktemp("gateway")
    with gateway(f"sqlite:///{folder}/kvota.db", folder, file_of(folder, acting.url)) as running:
        yield running


@pytest.fixture(scope="module")
def server_of_another_make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose gateway passes calls on to an AI service that others have written."""
    folder: Path = tmp_path_factory.mktemp("other")
    with (
        other_make(folder) as url,
        gateway(f"sqlite:///{folder}/kvota.db", folder, file_of(folder, url)) as running,
    ):
        yield running


@pytest.fixture
def company(server: Server) -> Company:
    """A company with room for a million requests."""
    return Company(server)
