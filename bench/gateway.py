"""What the gateway adds to an AI call, beside the same call without it; how many calls it takes, and how much memory.

``python -m bench.gateway [sqlite|postgres]``
"""

import argparse
import asyncio
import contextlib
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

import aiohttp
import msgspec

from bench.ai_service import ai_service
from bench.figures import Claim, Figure, Series
from bench.machine import resident_bytes
from bench.stores import NAMES, STORES, catalogue, fill, folder, store
from kvota.settings import Settings
from kvota.wiring import open_meter
from tests.acceptance.servers import OPERATOR_KEY, Server, environment

CALLS, ROUNDS = 200, 5
AT_ONCE, SECONDS = 64, 5.0
STREAMS = 500
CHARGES = "/v1/companies/company-00000/charges"
MEBI = 2**20
MOST_MILLISECONDS, MOST_MEBIBYTES = 4.0, 300.0
METHOD = f"""
One server process, and an AI service in another that answers at once, both on this machine and driven from here. Each
of {ROUNDS} rounds makes {CALLS} calls of each kind one after the other, over a connection that stays open: without the
gateway and through it in turns, so that what disturbs the machine meets both. A whole answer is timed to its last byte,
a stream to its first piece. Every call through the gateway has its two durable commits before that, the hold and the
capture; a charge over `/v1`, which has one, is made in the same turns. Calls a second: {AT_ONCE} at once for
{SECONDS:.0f} seconds. Memory: {STREAMS} streams that take ten seconds each, all at once, in one process; the most that
was seen of it in that time.
"""


class Target(NamedTuple):
    """Where calls go, and with which key."""

    url: str
    headers: Mapping[str, str]


class Timed(NamedTuple):
    """Milliseconds at the median of one round."""

    direct: float
    through: float
    charge: float


def main() -> None:
    """Measure both stores, or one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store", nargs="?", choices=STORES)
    given = parser.parse_args()
    figure = Figure(name="gateway", title="The gateway", method=METHOD, series=[])
    for kind in [given.store] if given.store else STORES:
        _measure(kind, figure)
    figure.save()


def _measure(kind: str, figure: Figure) -> None:
    with folder() as place, store(kind, place) as url, ai_service(place) as service:
        rules = catalogue(place)
        fill(url, rules, 1)
        upstreams = place / "upstreams.toml"
        upstreams.write_text(f'[services.one]\nbase_url = "{service}"\nmodels = ["*"]\n')
        server = Server(place, {**environment(url, catalogue=rules), "KVOTA_UPSTREAMS": str(upstreams)})
        server.start()
        try:
            through = Target(
                f"{server.url}/openai/v1/chat/completions", {"Authorization": f"Bearer {_key(url, rules)}"}
            )
            asyncio.run(_all(kind, figure, Target(f"{service}/chat/completions", {}), through, server.process.pid))
        finally:
            server.kill()


def _key(url: str, rules: str) -> str:
    meter = open_meter(Settings(store=url, catalogue=rules, operator_key=OPERATOR_KEY))
    try:
        return meter.reads.make_key(role="app", company="company-00000", label="bench")[1]
    finally:
        meter.close()


async def _all(kind: str, figure: Figure, direct: Target, through: Target, pid: int) -> None:
    name = NAMES[kind]
    async with _session() as session:
        for is_stream in (False, True):
            what = "a stream to its first piece" if is_stream else "a whole answer"
            rounds = [await _round(session, direct, through, is_stream=is_stream) for _ in range(ROUNDS + 1)][1:]
            added = [one.through - one.direct for one in rounds]
            figure.series += [
                Series(name=f"{name}: {what}, without the gateway", unit="ms", runs=[one.direct for one in rounds]),
                Series(name=f"{name}: {what}, through it", unit="ms", runs=[one.through for one in rounds]),
                Series(name=f"{name}: {what}, added", unit="ms", runs=added),
                Series(name=f"{name}: a charge over /v1 meanwhile", unit="ms", runs=[one.charge for one in rounds]),
            ]
            text = f"{name}: what the gateway adds to {what}, at the median"
            claim = Claim(text=text, value=statistics.median(added), unit="ms", at_most=MOST_MILLISECONDS)
            figure.claims.append(claim)
            sys.stderr.write(f"{text}: {claim.value:.2f} ms\n")
        for what, target in (("without the gateway", direct), ("through it", through)):
            rates = [await _rate(session, target) for _ in range(3)]
            figure.series.append(Series(name=f"{name}: calls, {AT_ONCE} at once, {what}", unit="calls/s", runs=rates))
            sys.stderr.write(f"{name}: {what} {rates}\n")
        peak = await _streams(session, through, pid)
        text = f"{name}: memory with {STREAMS} streams at once, the most at any moment"
        figure.claims.append(Claim(text=text, value=peak, unit="MiB", at_most=MOST_MEBIBYTES))
        sys.stderr.write(f"{text}: {peak:.0f} MiB\n")


@contextlib.asynccontextmanager
async def _session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


def _body(model: str, *, is_stream: bool) -> bytes:
    message = {"role": "user", "content": "Say hello. " * 20}
    return msgspec.json.encode({"model": model, "messages": [message], "stream": is_stream})


async def _call(session: aiohttp.ClientSession, target: Target, body: bytes, *, is_stream: bool) -> float:
    """Seconds until the last byte, or of a stream until the first; the rest is read as well."""
    headers = {"Content-Type": "application/json", **target.headers}
    started = time.perf_counter()
    async with session.post(target.url, data=body, headers=headers) as reply:
        if reply.status not in (200, 201):
            raise RuntimeError(await reply.text())
        if is_stream:
            await reply.content.readany()
            seconds = time.perf_counter() - started
            await reply.read()
        else:
            await reply.read()
            seconds = time.perf_counter() - started
    return seconds


async def _round(session: aiohttp.ClientSession, direct: Target, through: Target, *, is_stream: bool) -> Timed:
    body = _body("fast", is_stream=is_stream)
    charge = Target(through.url.replace("/openai/v1/chat/completions", CHARGES), through.headers)
    times: tuple[list[float], ...] = ([], [], [])
    for _ in range(CALLS):
        direct_times, through_times, charge_times = times
        direct_times.append(await _call(session, direct, body, is_stream=is_stream))
        through_times.append(await _call(session, through, body, is_stream=is_stream))
        charge_times.append(await _call(session, charge, b'{"action": "chat_question"}', is_stream=False))
    return Timed(*(statistics.median(found) * 1000 for found in times))


async def _rate(session: aiohttp.ClientSession, target: Target) -> float:
    body, deadline, done = _body("fast", is_stream=False), time.monotonic() + SECONDS, 0

    async def caller() -> None:
        nonlocal done
        while time.monotonic() < deadline:
            await _call(session, target, body, is_stream=False)
            done += 1

    started = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return done / (time.monotonic() - started)


async def _streams(session: aiohttp.ClientSession, target: Target, pid: int) -> float:
    body = _body("slow", is_stream=True)
    calls = asyncio.gather(*(_call(session, target, body, is_stream=True) for _ in range(STREAMS)))
    peak = 0
    while not calls.done():
        peak = max(peak, resident_bytes(pid))
        await asyncio.wait({calls}, timeout=0.25)
    await calls
    return peak / MEBI


if __name__ == "__main__":
    main()
