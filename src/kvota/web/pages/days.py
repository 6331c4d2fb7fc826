"""Dates in forms: the end of a day by the clocks of a company."""

import datetime as dt

from kvota.core.periods import days_between
from kvota.errors import Invalid
from kvota.web.visit import Visit

RULE = "must be a date such as 2026-11-01, in the years 1970 to 2099"


async def end_of_day(visit: Visit, field: str) -> int | None:
    """When the day of that field ends in the company's zone; None where the field is empty."""
    text = visit.form.get(field)
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
        after = day + dt.timedelta(days=1)
    except (ValueError, OverflowError):
        raise Invalid.field(field, RULE, text) from None
    if not 1970 <= day.year <= 2099:  # noqa: PLR2004 - as the rule says
        raise Invalid.field(field, RULE, text)
    account = await visit.read(visit.reads.company, visit.company)
    return days_between(account.time_zone, day, after)[0][1].end
