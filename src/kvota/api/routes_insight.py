"""What the numbers mean: forecast and advice."""

from kvota.api.calls import Call
from kvota.api.insight_views import forecast as shown_forecast
from kvota.api.problems import Answer
from kvota.insight.reader import Insight


async def forecast(call: Call) -> Answer:
    """Whether it will last, when it runs out, and the way out where nothing is left."""
    said = await call.services.read(Insight(call.services.reads).forecast, call.company)
    return Answer(200, shown_forecast(said))
