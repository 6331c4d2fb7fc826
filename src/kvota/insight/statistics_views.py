"""From the statistics to replies."""

import datetime as dt
from typing import Any

from kvota.core.periods import instant
from kvota.insight.counted import Counted
from kvota.insight.statistics import Choice, Line, Statistics, Sums
from kvota.wire import statistics as wire

ONE_DAY = dt.timedelta(days=1)


def statistics(said: Statistics) -> wire.Statistics:
    """The statistics, each line with what to ask for the entries behind it."""
    chosen = asked(said.chosen)

    def lines(found: tuple[Line, ...], column: str) -> list[wire.StatisticsLine]:
        return [_line(line, narrowed(chosen, column, line)) for line in found]

    return wire.Statistics(
        company=said.company,
        at=instant(said.at),
        time_zone=said.time_zone,
        chosen=wire.Dates(start=said.chosen.start, end=said.chosen.end),
        previous=wire.Dates(start=said.before, end=said.chosen.start),
        total=_line(said.total, chosen),
        days=lines(said.days, "day"),
        hours=lines(said.hours, "hour"),
        tools=lines(said.tools, "tool"),
        actions=lines(said.actions, "action"),
        users=lines(said.users, "user"),
        departments=lines(said.departments, "department"),
        declines=None
        if said.declines is None
        else [
            wire.Declines(reason=one.reason, tool=one.tool, count=one.count, before=one.before) for one in said.declines
        ],
    )


def asked(chosen: Choice) -> dict[str, str]:
    """The query that a choice comes from."""
    columns = {name: getattr(chosen, name) for name in ("hour", "tool", "action", "user", "department")}
    query = {"from": chosen.start.isoformat(), "to": chosen.end.isoformat()}
    query.update({name: str(value) for name, value in columns.items() if value not in (None, "")})
    absent = ",".join(name for name, value in columns.items() if value == "")
    return {**query, "without": absent} if absent else query


def narrowed(query: dict[str, str], column: str, line: Line) -> dict[str, str] | None:
    """The query of one line of a list; None for one that stands for several."""
    if line.others:
        return None
    if column == "day":
        date = dt.date.fromisoformat(str(line.name))
        return {**query, "from": date.isoformat(), "to": (date + ONE_DAY).isoformat()}
    if line.name is not None:
        return {**query, column: str(line.name)}
    absent = {*query.get("without", column).split(","), column}
    return {**query, "without": ",".join(name for name in ("user", "department") if name in absent)}


def _line(line: Line, entries: dict[str, str] | None) -> wire.StatisticsLine:
    return wire.StatisticsLine(
        name=line.name,
        others=line.others,
        **_sums(line.now),
        before=wire.Counted(**_sums(line.before)),
        entries=entries,
    )


def _sums(sums: Sums) -> dict[str, Any]:
    return {name: getattr(sums, name) for name in sums.__struct_fields__}


def counted_entry(one: Counted) -> wire.CountedEntry:
    """An entry, with what it adds."""
    return wire.CountedEntry(
        seq=one.entry.seq,
        at=instant(one.entry.at),
        kind=one.entry.kind,
        since=instant(one.since),
        tool=one.tool,
        action=one.action,
        user=one.user,
        department=one.department,
        calls=one.counts.calls,
        requests=one.counts.requests,
        refunded=one.counts.refunded,
        written_off=one.counts.written_off,
    )
