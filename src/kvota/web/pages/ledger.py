"""The ledger: filtered by its indexed fields, the newest entry first; one entry with all it says; files of it."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

from kvota.asgi.choosing import entry_filter
from kvota.asgi.files import entries_file
from kvota.core.entries import KINDS
from kvota.errors import NotFound
from kvota.store import EntryFilter
from kvota.web.answers import Answer, Reply
from kvota.web.page import COMPANY, SEERS, Page, page
from kvota.web.rendering import titles
from kvota.web.visit import Visit
from kvota.wire.queries import ExportQuery
from kvota.wire.reading import read_query
from kvota.wire.reports import entry as shown_entry

DAY = dt.timedelta(days=1)
AT_ONCE = 50
FIELDS = ("kind", "user", "action", "from", "to")
END = 10**15
INSTANTS = {"since", "period_start", "expires_at", "effective_at", "start", "until"}
NUMBERED = re.compile(r"(?:chg|hld|bst|rfd)_(\d{10})")


async def show(visit: Visit) -> Reply:
    """A page of the ledger."""
    account = await visit.read(visit.reads.company, visit.company)
    query = _query(visit.came.query)
    which = entry_filter(read_query(ExportQuery, query), account.time_zone)
    before = visit.came.query.get("before", "")
    place = int(before) if before.isascii() and before.isdigit() and len(before) <= len(str(END)) else END
    found = await visit.read(visit.reads.entries_before, visit.company, which, place, AT_ONCE + 1)
    shown = found[:AT_ONCE]
    following = urlencode({**query, "before": shown[-1].entry.seq}) if len(found) > AT_ONCE else None
    catalogue = await visit.read(visit.reads.catalogue)
    return visit.show(
        "ledger.html",
        account=account,
        entries=[shown_entry(one) for one in shown],
        query=query,
        last=_last(query),
        chosen=urlencode(query),
        following=following,
        is_first=place == END,
        kinds=KINDS,
        actions=list(catalogue.actions),
        named=titles(visit.language, catalogue),
    )


def _query(came: Mapping[str, str]) -> dict[str, str]:
    """What was asked; ``last`` is the last day, as people say it, in place of ``to``."""
    query = {name: value.strip() for name, value in came.items() if name in FIELDS and value.strip()}
    last = came.get("last", "").strip()
    if last:
        try:
            query["to"] = (dt.date.fromisoformat(last) + DAY).isoformat()
        except (ValueError, OverflowError):
            query["to"] = last
    return query


def _last(query: Mapping[str, str]) -> str:
    """The last day of what was asked, for the field of the form."""
    try:
        return (dt.date.fromisoformat(query.get("to", "")) - DAY).isoformat()
    except (ValueError, OverflowError):
        return ""


async def show_entry(visit: Visit) -> Reply:
    """One entry, with the hash that binds it to the one before."""
    account = await visit.read(visit.reads.company, visit.company)
    seq = visit.parameters["seq"]
    number = int(seq) if seq.isascii() and seq.isdigit() and len(seq) < len(str(END)) else 0
    found = await visit.read(visit.reads.entries, visit.company, EntryFilter(), number - 1, 2) if number else []
    if not found or found[0].entry.seq != number:
        raise NotFound("entry", seq)
    one = shown_entry(found[0])
    times = {
        name: dt.datetime.fromisoformat(value)
        for name, value in one.details.items()
        if name in INSTANTS and isinstance(value, str)
    }
    named = titles(visit.language, await visit.read(visit.reads.catalogue))
    return visit.show(
        "entry.html",
        account=account,
        entry=one,
        times=times,
        has_next=len(found) > 1,
        named=named,
        number_of=_number_of,
    )


def _number_of(value: object) -> int | None:
    """The entry that an id of ours points to."""
    matched = NUMBERED.fullmatch(value) if isinstance(value, str) else None
    return None if matched is None else int(matched[1])


async def comma_separated(visit: Visit) -> Reply:
    """The chosen entries as CSV."""
    return await _file(visit, "csv")


async def workbook(visit: Visit) -> Reply:
    """The chosen entries as a workbook."""
    return await _file(visit, "xlsx")


async def _file(visit: Visit, kind: Literal["csv", "xlsx"]) -> Answer:
    account = await visit.read(visit.reads.company, visit.company)
    which = entry_filter(read_query(ExportQuery, _query(visit.came.query)), account.time_zone)
    file = await entries_file(visit.services, visit.company, which, kind)
    return Answer(200, file.body, file.media_type, ((b"content-disposition", file.disposition),))


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("ledger", SEERS, f"GET {COMPANY}/entries", show, nav=40),
        page("entry", SEERS, f"GET {COMPANY}/entries/{{seq}}", show_entry),
        page("ledger_csv", SEERS, f"GET {COMPANY}/entries.csv", comma_separated),
        page("ledger_xlsx", SEERS, f"GET {COMPANY}/entries.xlsx", workbook),
    ]
