"""What time brings, and no entry tells: a package that will not last, a boost that expires soon, unusual spending.

One process at a time goes through the companies, a page at a time, from where the last one has come to.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from kvota.core.account import Account
from kvota.core.catalogue import Catalogue
from kvota.core.funds import available
from kvota.core.notices import Event, event
from kvota.core.periods import DAY, HOUR, MINUTE, date_on, rfc3339
from kvota.insight.reader import outlook
from kvota.reads import Reads
from kvota.store import Store

PAGE = 200
LEASE = 5 * MINUTE
EVERY = HOUR
"""A round begins so long after the last one has ended."""
EXPIRES_WITHIN = 7 * DAY
WORTH_A_LOOK = 0.7
"""A forecast is made where the last week's use, gone on with, would take so much of what is available."""
WEEK = 7
DAYS = 28
LEAST_DAYS, LEAST_REQUESTS = 5, 20
TIMES_USUAL, TIMES_MOST = 3, 1.5
"""Unusual: a day of more than so many times the usual active day, and than the greatest of four weeks."""
SILENT = 3 * DAY
KEPT = 90 * DAY


class Sweep:
    """``once`` takes the next page; every ``rest_seconds`` it is asked to."""

    def __init__(self, store: Store, reads: Reads, *, rest_seconds: float = 60.0, page: int = PAGE) -> None:
        self._store, self._reads = store, reads
        self.rest_seconds, self._page = rest_seconds, page

    def once(self) -> int:
        """Look at the next page of companies, unless another process is at it; how many events were new."""
        after = self._store.lease("sweep", LEASE)
        if after is None:
            return 0
        now = self._reads.clock()
        events = [] if after else self._begin(now)
        accounts = self._reads.companies(after, self._page)
        events += self._of_page(accounts, now)
        told = self._store.tell(events)
        is_last = len(accounts) < self._page
        self._store.hand_back("sweep", EVERY if is_last else 0, "" if is_last else accounts[-1].company)
        return told

    def _begin(self, now: int) -> list[Event]:
        """At the beginning of a round: forget what is old, and look for boosts that end."""
        self._store.forget_told(now - KEPT)
        return [
            event(company, "boost.expires", boost, now, {"boost": boost, "left": left, "expires_at": rfc3339(at)})
            for company, boost, left, at in self._store.expiring(now + EXPIRES_WITHIN)
            if at > now
        ]

    def _of_page(self, accounts: Sequence[Account], now: int) -> list[Event]:
        names = [account.company for account in accounts]
        told = self._store.told(names, now - 31 * DAY) if names else []
        spent: dict[str, dict[int, int]] = defaultdict(dict)
        for company, span, requests in self._store.spent(names, now - (DAYS + 1) * DAY, DAY) if names else []:
            spent[company][span] = requests
        catalogue = self._reads.catalogue()
        events: list[Event] = []
        for account in accounts:
            days = spent.get(account.company)
            if days is None or not self._has_target(account.company):
                continue
            mine = [one for one in told if one.company == account.company]
            events += _unusual(account, days, mine, now)
            if _is_worth_a_look(account, days, catalogue, mine, now):
                events += self._runs_out(account.company)
        return events

    def _has_target(self, company: str) -> bool:
        return bool(self._store.webhooks(company) or self._store.notifications(company).mail)

    def _runs_out(self, company: str) -> list[Event]:
        seen = outlook(self._reads, company)
        said = seen.forecast
        if said.verdict != "runs_out" or said.runs_out is None or said.missing is None:
            return []
        dates = {"early": said.runs_out.early, "middle": said.runs_out.middle, "late": said.runs_out.late}
        data = {
            "runs_out": {name: None if date is None else date.isoformat() for name, date in dates.items()},
            "missing": said.missing._asdict(),
            "available": seen.available,
            "period": {"start": rfc3339(seen.period_start), "end": rfc3339(seen.period_end)},
        }
        return [event(company, "forecast.runs_out", rfc3339(seen.period_start), seen.at, data)]


def _unusual(account: Account, days: Mapping[int, int], told: Sequence[Event], now: int) -> list[Event]:
    """The last 24 hours beside the days before, those on which something was used."""
    last = days.get(DAYS, 0)
    before = [requests for span, requests in days.items() if span < DAYS and requests > 0]
    if last < LEAST_REQUESTS or len(before) < LEAST_DAYS:
        return []
    usual = sum(before) / len(before)
    if last <= TIMES_USUAL * usual or last <= TIMES_MOST * max(before):
        return []
    if any(one.kind == "usage.unusual" and one.at > now - SILENT for one in told):
        return []
    data = {"requests": last, "usual": round(usual), "since": rfc3339(now - DAY)}
    return [event(account.company, "usage.unusual", date_on(account.time_zone, now), now, data)]


def _is_worth_a_look(
    account: Account, days: Mapping[int, int], catalogue: Catalogue, told: Sequence[Event], now: int
) -> bool:
    if account.suspended or now >= account.period_end:
        return False
    if any(one.kind == "forecast.runs_out" and one.topic == rfc3339(account.period_start) for one in told):
        return False
    left = available(account, catalogue)
    a_day = sum(requests for span, requests in days.items() if span > DAYS - WEEK) / WEEK
    return left > 0 and a_day * (account.period_end - now) / DAY >= WORTH_A_LOOK * left
