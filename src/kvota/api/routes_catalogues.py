"""Loading catalogues, trying them out before, and the editions that there are."""

from collections.abc import Iterable, Mapping

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.core.periods import instant
from kvota.core.rehearsal import Sums
from kvota.editions import Offered
from kvota.errors import Invalid
from kvota.rehearsing import Rehearsed, RehearsedPage
from kvota.store import StoredCatalogue
from kvota.wire import edition_view as wire
from kvota.wire.queries import CatalogueQuery


async def list_catalogues(call: Call) -> Answer:
    """A page of the editions, oldest first."""
    query, editions = call.query, call.services.reads.editions
    rows, in_force = await call.services.read(editions.page, query.after, query.limit + 1)
    return page(rows, query.limit, lambda row: _edition(row, in_force), lambda row: row.number)


async def load_catalogue(call: Call) -> Answer:
    """Load a catalogue; or show what it would change, and what last month would have been under it."""
    query: CatalogueQuery = call.query
    text, editions = str(call.body), call.services.reads.editions
    if query.dry_run == "true":
        offered = await call.services.read(editions.preview, text)
        months = await call.services.work(editions.rehearse, text, query.after, query.limit)
        return Answer(200, _offered(offered, months))
    if query.after:
        raise Invalid.field("after", "goes on with a dry run: send dry_run=true with it", query.after)
    offered = await call.services.read(editions.load, text, call.operator)
    return Answer(201 if offered.is_new else 200, _offered(offered, None))


def _edition(row: StoredCatalogue, in_force: str | None) -> wire.Edition:
    return wire.Edition(
        number=row.number or None,
        id=row.id,
        version=row.version,
        effective_at=instant(row.effective_at),
        loaded_at=instant(row.loaded_at) if row.number else None,
        in_force=row.version == in_force,
    )


def _offered(offered: Offered, months: RehearsedPage | None) -> wire.OfferedCatalogue:
    return wire.OfferedCatalogue(
        dry_run=months is not None,
        edition=_edition(offered.edition, offered.in_force),
        compared_with=offered.before,
        changes=[
            wire.CatalogueChange(
                section=one.section,
                entry=one.entry,
                field=one.field,
                before=one.before,
                after=one.after,
                text=one.text,
            )
            for one in offered.changes
        ],
        last_month=None if months is None else _months(months),
    )


def _months(found: RehearsedPage) -> wire.LastMonths:
    rows = [_month(one) for one in found.months]
    total = wire.LastMonthTotal(
        companies=len(rows),
        before=_total(row.before for row in rows),
        after=_total(row.after for row in rows),
        declined=_counted(one for row in rows for one in row.declined),
        newly_declined=_counted(one for row in rows for one in row.newly_declined),
    )
    return wire.LastMonths(items=rows, next=found.next, total=total)


def _month(one: Rehearsed) -> wire.LastMonth:
    month = one.month
    return wire.LastMonth(
        company=month.company,
        plan=month.plan,
        start=instant(month.span.start),
        end=instant(month.span.end),
        before=_sums(month.before),
        after=_sums(month.after),
        declined=_reasons(one.declined),
        newly_declined=_reasons(month.refused),
    )


def _sums(sums: Sums) -> wire.MonthSums:
    return wire.MonthSums(calls=sums.calls, requests=sums.requests, written_off=sums.written_off)


def _total(rows: Iterable[wire.MonthSums]) -> wire.MonthSums:
    every = list(rows)
    return wire.MonthSums(
        calls=sum(row.calls for row in every),
        requests=sum(row.requests for row in every),
        written_off=sum(row.written_off for row in every),
    )


def _reasons(counts: Mapping[str, int]) -> list[wire.ReasonCount]:
    return [wire.ReasonCount(reason=reason, count=count) for reason, count in sorted(counts.items())]


def _counted(rows: Iterable[wire.ReasonCount]) -> list[wire.ReasonCount]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.reason] = sums.get(row.reason, 0) + row.count
    return _reasons(sums)
