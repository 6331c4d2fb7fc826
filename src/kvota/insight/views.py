"""From what the insight says to replies."""

from typing import Any

import msgspec

from kvota.core.periods import instant
from kvota.insight import outlook
from kvota.insight import used_up as insight
from kvota.insight.adviser import Advised
from kvota.insight.reader import Outlook
from kvota.wire import insight as wire
from kvota.wire.replies import Period
from kvota.wire.views import maybe


def forecast(said: Outlook) -> wire.Forecast:
    """A forecast, with the way out where nothing is left."""
    one = said.forecast
    runs_out = one.runs_out
    return wire.Forecast(
        company=said.company,
        at=instant(said.at),
        period=Period(start=instant(said.period_start), end=instant(said.period_end), time_zone=said.time_zone),
        plan=said.plan,
        paying=said.paying,
        package_suspended=said.is_package_suspended,
        available=said.available,
        basis=one.basis,
        known_days=one.known_days,
        verdict=one.verdict,
        used=one.used,
        chance=None if one.chance is None else round(one.chance, 2),
        expected=_range(one.expected),
        missing=_range(one.missing),
        runs_out=None if runs_out is None else wire.RunOut(**_fields(runs_out)),
        ahead=[wire.DayAhead(date=day.date, used=_known(day.used)) for day in one.ahead],
        used_up=None if said.used_up is None else _used_up(said.used_up),
    )


def _fields(value: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def _range(value: outlook.Range | None) -> wire.Range | None:
    return None if value is None else _known(value)


def _known(value: outlook.Range) -> wire.Range:
    return wire.Range(low=value.low, middle=value.middle, high=value.high)


def _way(one: insight.Way) -> wire.Way:
    return wire.Way(
        kind=one.kind,
        id=one.id,
        price=one.price,
        at=maybe(one.at),
        available=one.available,
        valid_days=one.valid_days,
    )


def _used_up(one: insight.UsedUp) -> wire.UsedUp:
    return wire.UsedUp(
        since=maybe(one.since),
        blocked=list(one.blocked),
        declined=one.declined,
        renews_at=instant(one.renews_at),
        returns_at=maybe(one.returns_at),
        ways_out=[_way(way) for way in one.ways_out],
    )


def advised(said: Advised) -> wire.AdviceReport:
    """Advice, with the time that it is about."""
    return wire.AdviceReport(
        company=said.company,
        start=instant(said.start),
        at=instant(said.at),
        entries=said.entries,
        is_whole=said.is_whole,
        advice=msgspec.convert(msgspec.to_builtins(said.advice), list[wire.Advice]),
    )
