"""The one place of the insight that reads: a snapshot for each question, its rows handed to what judges them."""

from typing import Literal

from kvota.core.catalogue import Book, Catalogue, Value
from kvota.core.entries import Entry
from kvota.core.funds import available, is_suspended
from kvota.core.periods import DAY, date_on
from kvota.core.state import State
from kvota.insight.forecast import Forecast, forecast
from kvota.insight.past import Seen, Window, past_of, purse_of, window
from kvota.insight.used_up import UsedUp, since, used_up
from kvota.reads import Look, Reads
from kvota.store import EntryFilter, Snapshot, UsageFilter

BACK, PAGE = 5000, 500
"""So many entries at most are looked through for when nothing was left any more."""
SHORT = "insufficient_requests"

Paying = Literal["package", "boosts", "package_and_boosts", "nothing"]


class Outlook(Value, frozen=True, kw_only=True):
    """A company's forecast, with what it stands on. ``used_up`` is None while something is left."""

    company: str
    at: int
    period_start: int
    period_end: int
    time_zone: str
    plan: str
    paying: Paying
    is_package_suspended: bool
    available: int
    forecast: Forecast
    used_up: UsedUp | None


def outlook(reads: Reads, company: str) -> Outlook:
    """Whether the package, or the boosts, will last; and the way out where nothing is left."""
    with reads.look(company) as look:
        return outlook_of(look)


def outlook_of(look: Look) -> Outlook:
    """The same of a snapshot."""
    view, book, state, now = look
    company = state.company
    catalogue = book.at(now)
    account = state.known
    seen = window(state, now)
    short = _short_days(view, account.time_zone, company, seen, now)
    past = past_of(state, purse_of(state, catalogue), now, _used(view, company, seen), short.keys())
    return Outlook(
        company=company,
        at=now,
        period_start=account.period_start,
        period_end=account.period_end,
        time_zone=account.time_zone,
        plan=account.plan,
        paying=_paying(state, catalogue),
        is_package_suspended=is_suspended(account, catalogue),
        available=available(account, catalogue),
        forecast=forecast(past),
        used_up=_used_up(view, state, book, now, short),
    )


def _used(view: Snapshot, company: str, seen: Window) -> Seen:
    used = [0] * len(seen.spans)
    for row in view.usage(company, seen.spans, [], UsageFilter()):
        used[row.span] = row.requests - row.refunded
    return Seen(seen, used)


def _short_days(view: Snapshot, zone: str, company: str, seen: Window, now: int) -> dict[str, int]:
    """The dates from the window's first to today on which there was too little left, with the calls declined so."""
    first = min(seen.dates[0] if seen.dates else date_on(zone, now), date_on(zone, seen.period.start))
    found = view.declined_days(company, first, date_on(zone, now + DAY))
    return {date: count for date, reason, count in found if reason == SHORT}


def _paying(state: State, catalogue: Catalogue) -> Paying:
    account = state.known
    if available(account, catalogue) == 0:
        return "nothing"
    if is_suspended(account, catalogue) or available(account, catalogue) == account.boosts_left:
        return "boosts"
    return "package_and_boosts" if account.boosts_left else "package"


def _used_up(view: Snapshot, state: State, book: Book, now: int, short: dict[str, int]) -> UsedUp | None:
    if available(state.known, book.at(now)) > 0:
        return None
    begun = _dry_since(view, state)
    zone = state.known.time_zone
    first = date_on(zone, state.known.period_start if begun is None else begun)
    declined = sum(count for date, count in short.items() if date >= first)
    return used_up(state, book, now, since=begun, declined=declined)


def _dry_since(view: Snapshot, state: State) -> int | None:
    """When the last request was gone: what time has brought is not written yet, the rest is read backwards."""
    entries: list[Entry] = [written.entry for written in state.changes.entries]
    last = state.known.seq - len(entries)
    floor = max(0, last - BACK)
    while (found := since(entries)) is None and last > floor:
        first = max(floor, last - PAGE)
        page = view.entries(state.company, EntryFilter(), first, last - first)
        entries = [*(written.entry for written in page), *entries]
        last = first
    return found
