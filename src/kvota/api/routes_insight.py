"""What the numbers mean: forecast and advice."""

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.insight.adviser import advise
from kvota.insight.reader import outlook
from kvota.insight.views import advised
from kvota.insight.views import forecast as shown_forecast


async def forecast(call: Call) -> Answer:
    """Whether it will last, when it runs out, and the way out where nothing is left."""
    said = await call.services.read(outlook, call.services.reads, call.company)
    return Answer(200, shown_forecast(said))


async def advice(call: Call) -> Answer:
    """What would have saved requests or money, and what will."""
    return Answer(200, advised(await call.services.read(advise, call.services.reads, call.company)))
