"""The balance moves without a reload: a stream tells when, ends with the server, and there are only so many."""

import asyncio

import pytest

from kvota.asgi.metrics import Metrics
from kvota.asgi.services import Services
from kvota.core import commands
from kvota.core.account import Usage
from kvota.web.live import CHANGED, Live
from tests.web.harness import Site


@pytest.fixture
def services(site: Site):
    services = Services(site.meter.engine, site.meter.reads, Metrics())
    yield services
    services.close()


def charge(site: Site) -> None:
    site.meter.engine.execute(commands.ChargeUsage(company="acme", by="tests", usage=Usage(action="chat_question")))


@pytest.mark.anyio
async def test_a_page_that_was_made_before_the_last_entry_is_told_at_once(site: Site, services: Services):
    live, head = Live(services, look_seconds=0.01), site.meter.reads.head("acme")
    await asyncio.to_thread(charge, site)
    stream = live.tell("acme", head)
    await anext(stream)
    assert await asyncio.wait_for(anext(stream), 30) == CHANGED
    await stream.aclose()
    live.end()


@pytest.mark.anyio
async def test_every_stream_of_a_company_is_told_of_an_entry_and_no_other(site: Site, services: Services):
    live = Live(services, look_seconds=0.01)
    head = site.meter.reads.head("acme")
    first, second, other = live.tell("acme", head), live.tell("acme", head), live.tell("beta", head)
    for stream in (first, second, other):
        assert (await anext(stream)).startswith(b"retry:")
    waiting = [asyncio.ensure_future(anext(stream)) for stream in (first, second, other)]
    await asyncio.to_thread(charge, site)
    assert await asyncio.wait_for(asyncio.gather(*waiting[:2]), 30) == [CHANGED, CHANGED]
    assert not waiting[2].done()
    live.end()
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(waiting[2], 30)
    for stream in (first, second):
        assert await anext(stream, None) is None


@pytest.mark.anyio
async def test_there_are_only_so_many_streams_and_one_that_ends_makes_room(services: Services):
    live = Live(services, most=2)
    streams = [live.tell("acme", 1), live.tell("beta", 1)]
    assert not live.is_full
    for stream in streams:
        await anext(stream)
    assert live.is_full
    await streams[0].aclose()
    assert not live.is_full
    live.end()
    await streams[1].aclose()


@pytest.mark.anyio
async def test_a_stream_ends_in_time_so_that_who_asks_is_judged_anew(services: Services):
    live = Live(services, life_seconds=0.0)
    assert [piece async for piece in live.tell("acme", 1)] == [b"retry: 3000\n\n"]
