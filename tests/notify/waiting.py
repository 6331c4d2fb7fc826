"""Waiting for the log of deliveries to say something."""

import asyncio
from collections.abc import Callable

from kvota.core.notices import Delivery
from kvota.wiring import Meter


def log(meter: Meter) -> list[Delivery]:
    return [delivery for delivery, _ in meter.reads.notices.deliveries("acme", "", 100)]


async def log_once(meter: Meter, is_so: Callable[[list[Delivery]], bool]) -> list[Delivery]:
    """The log, once it is so."""
    async with asyncio.timeout(30):
        while not is_so(found := await asyncio.to_thread(log, meter)):  # noqa: ASYNC110 - the store tells no event
            await asyncio.sleep(0.01)
    return found


async def settled(meter: Meter, count: int) -> list[Delivery]:
    """The log, once so many deliveries have ended."""
    return await log_once(meter, lambda rows: sum(row.status != "waiting" for row in rows) >= count)
