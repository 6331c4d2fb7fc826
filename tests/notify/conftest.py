from collections.abc import AsyncIterator, Iterator

import pytest

from kvota.core.commands import PutCompany
from kvota.settings import Settings
from kvota.wiring import Meter, open_meter
from tests.acceptance.servers import CATALOGUE
from tests.notify.receiver import Receiver

LOOPBACK = ("127.0.0.1",)


def opening(store_url: str) -> Meter:
    """A meter whose webhooks may lead to the loopback."""
    return open_meter(Settings(store=store_url, catalogue=str(CATALOGUE), private_targets=LOOPBACK))


@pytest.fixture
def meter(store_url: str) -> Iterator[Meter]:
    opened = opening(store_url)
    opened.engine.execute(PutCompany(company="acme", name="Acme", plan="tiny", time_zone="UTC"))
    yield opened
    opened.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.server.start_server()
    yield receiver
    await receiver.server.close()
