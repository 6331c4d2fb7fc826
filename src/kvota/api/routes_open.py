"""What anybody may ask: health, metrics, and what the API is like."""

import math

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.core.periods import SECOND
from kvota.errors import EngineLost, WorldError

TEXT = (b"content-type", b"text/plain; charset=utf-8")


async def healthz(call: Call) -> Answer:  # noqa: ARG001 - as all handlers
    """The process runs."""
    return Answer(200, b"ok\n", (TEXT,))


async def readyz(call: Call) -> Answer:
    """The store answers, and the engine is there."""
    await call.services.read(call.services.reads.ping)
    if call.services.is_engine_lost:
        raise EngineLost("The engine has ended; where it is a process, it is started again and again.")
    return Answer(200, b"ready\n", (TEXT,))


async def metrics(call: Call) -> Answer:
    """Metrics for Prometheus; without a store the skew of its clock is not a number."""
    try:
        skew = await call.services.read(call.services.reads.clock_skew) / SECOND
    except WorldError:
        skew = math.nan
    call.services.metrics.clock_skew.set(skew)
    text = call.services.metrics.text()
    return Answer(200, text, ((b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),))


async def openapi(call: Call) -> Answer:
    """The API as OpenAPI 3.1."""
    return Answer(200, call.services.documents["openapi"](), ((b"content-type", b"application/json"),))


async def docs(call: Call) -> Answer:
    """The API as a page that needs nothing from elsewhere."""
    policy = (
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy),
    )
    return Answer(200, call.services.documents["docs"](), headers)
