"""The statistics, summed: what a snapshot answers about who used what, and when."""

import time
from collections.abc import Iterator, Mapping, Sequence

from kvota.core.account import Counts
from kvota.core.periods import HOUR, Span
from kvota.store import UsageFilter, UsageRow
from kvota.stores.batches import Session, Statement
from kvota.stores.dialect import INDEXED_AFTER, Dialect
from kvota.stores.kept_days import MOST_ASKED, Day, KeptDays, Keys, Walk, Which, pieces_of
from kvota.stores.roll_ups import (
    FEW,
    KEYS,
    QUARTERS,
    SPAN_USAGE,
    USAGE,
    Sums,
    Totals,
    asked_of,
    conditions_of,
    keys_of,
)
from kvota.stores.rows import Row, document

MANY_HERE = 400
"""So many spans are worth a statement each where the database is in this process."""
FEW_DAYS, FEW_CALLS = 3, 2000
"""So little is summed by the database as soon as it is looked up."""
HEAD = "SELECT t.seq, t.at FROM accounts t WHERE t.company = ?"
REFUND_AFTER = """
SELECT t.seq FROM entries t
WHERE t.company = ? AND t.kind = 'refunded' AND t.seq > ? AND t.seq > {indexed_after} LIMIT 1
"""
SHORT = 20 * HOUR
"""Shorter spans are parts of days, and nothing is kept of them."""


class Summing:
    """The sums of one snapshot; ``kept`` is what all snapshots of a store share, None where rows still change."""

    def __init__(self, session: Session, dialect: Dialect, kept: KeptDays | None) -> None:
        self._session, self._dialect, self._kept = session, dialect, kept
        self._walked: dict[Which, Walk] = {}

    def usage(self, company: str, spans: Sequence[Span], by: Sequence[str], which: UsageFilter) -> list[UsageRow]:
        """As in ``kvota.store.Snapshot``."""
        rows = list(self._rows(company, spans, by, which))
        return sorted(rows, key=lambda row: (row.span, *(getattr(row, name) for name in by)))

    def quarters(self, company: str, span: Span, which: UsageFilter) -> list[tuple[int, Counts]]:
        """As in ``kvota.store.Snapshot``."""
        asked = asked_of(which)
        if self._kept is None:
            return self.read_quarters(company, span, asked)
        key = (company, *asked.items())
        walk = self._walk(key, self._kept)
        if span.start > walk.span.end or span.end < walk.span.start:
            walk = walk._replace(since=time.monotonic(), span=span, quarters=self.read_quarters(company, span, asked))
        else:
            before = self.read_quarters(company, Span(span.start, walk.span.start), asked)
            after = self.read_quarters(company, Span(walk.span.end, span.end), asked)
            walk = walk._replace(span=_around([walk.span, span]), quarters=[*before, *walk.quarters, *after])
        self._walked[key] = walk
        if walk.seq > INDEXED_AFTER:
            self._kept.keep_walk(key, walk)
        return walk.within(span)

    def _walk(self, key: Which, kept: KeptDays) -> Walk:
        """The totals that are known already: of this snapshot, or what is kept and holds still."""
        if key in self._walked:
            return self._walked[key]
        company = key[0]
        rows = self._session.run([Statement(self._dialect.sql(HEAD), (company,))])[0]
        seq, at = rows[0] if rows else (0, 0)
        found = kept.walk(key)
        if found is not None and found.seq <= seq:
            if found.seq < seq:
                refund = self._dialect.sql(REFUND_AFTER.format(indexed_after=INDEXED_AFTER))
                found = None if self._session.run([Statement(refund, (company, found.seq))])[0] else found.settled
            if found is not None:
                return found._replace(seq=seq, at=at)
        return Walk(since=time.monotonic(), seq=seq, at=at, span=Span(-1, -1), quarters=[])

    def read_quarters(self, company: str, span: Span, asked: Mapping[str, str]) -> list[tuple[int, Counts]]:
        """The same, as the database has it."""
        if span.start >= span.end:
            return []
        text = self._dialect.sql(QUARTERS.format(conditions=conditions_of(asked)))
        rows = self._session.run([Statement(text, (company, *span, *asked.values()))])[0]
        return [(quarter, Counts(*counts)) for quarter, *counts in rows]

    def _rows(self, company: str, spans: Sequence[Span], by: Sequence[str], which: UsageFilter) -> Iterator[UsageRow]:
        asked = asked_of(which)
        if not by and len(spans) > FEW:
            whole = Totals(self.quarters(company, _around(spans), which))
            return (_row(n, {}, sums) for n, span in enumerate(spans) if (sums := whole.of(span)) is not None)
        days = self._days(company, spans, self._kept) if by and self._kept is not None else None
        if days is not None:
            return _added_up([[days[piece] for piece in pieces_of(span) if piece in days] for span in spans], by, asked)
        return (
            _row(span, dict(zip(KEYS, keys, strict=True)), (calls, requests, refunded, off))
            for span, *keys, calls, requests, refunded, off in self._summed(company, spans, by, asked)
        )

    def _days(self, company: str, spans: Sequence[Span], kept: KeptDays) -> dict[Span, Day] | None:
        """The sums by all keys of each day of the spans that has any; None where the database sums as soon."""
        pieces = {piece for span in spans for piece in pieces_of(span)}
        if len(pieces) < FEW_DAYS or any(end - start < SHORT for start, end in spans) or kept.is_wide(company):
            return None
        whole = Totals(self.quarters(company, _around(spans), UsageFilter()))
        totals = {piece: sums for piece in sorted(pieces) if (sums := whole.of(piece)) is not None}
        if sum(sums[0] for sums in totals.values()) < FEW_CALLS:
            return None
        days = {piece: day for piece, sums in totals.items() if (day := kept.get(company, piece, sums)) is not None}
        missing = [piece for piece in totals if piece not in days]
        days.update(zip(missing, self._read(company, missing), strict=True))
        if sum(map(len, days.values())) > MOST_ASKED:
            kept.give_up(company)
        else:
            for piece in missing:
                kept.keep(company, piece, totals[piece], days[piece])
        return days

    def _read(self, company: str, pieces: Sequence[Span]) -> list[dict[Keys, Sums]]:
        days: list[dict[Keys, Sums]] = [{} for _ in pieces]
        for span, tool, action, user, department, *sums in self._summed(company, pieces, KEYS, {}) if pieces else ():
            days[span][tool, action, user, department] = (sums[0], sums[1], sums[2], sums[3])
        return days

    def _summed(self, company: str, spans: Sequence[Span], by: Sequence[str], asked: Mapping[str, str]) -> list[Row]:
        """By the database. A statement for each span, or, where each would cost a way to it, one for many."""
        few = MANY_HERE if self._dialect.takes_one_index else FEW
        return (self._few_spans if len(spans) <= few else self._many_spans)(company, spans, by, asked)

    def _few_spans(self, company: str, spans: Sequence[Span], by: Sequence[str], asked: Mapping[str, str]) -> list[Row]:
        """A statement for each: taking their list apart for each row would cost more than the rows themselves."""
        group = "GROUP BY " + ", ".join(f't."{name}"' for name in by) if by else ""
        text = SPAN_USAGE.format(keys=keys_of(by), conditions=conditions_of(asked), group=group)
        statement = self._dialect.sql(text)
        found = self._session.run([Statement(statement, (company, *span, *asked.values())) for span in spans])
        return [(number, *row) for number, rows in enumerate(found) for row in rows]

    def _many_spans(
        self, company: str, spans: Sequence[Span], by: Sequence[str], asked: Mapping[str, str]
    ) -> list[Row]:
        """One statement for all of them."""
        columns = USAGE.columns.format(keys=keys_of(by))
        text = self._dialect.looked_up(
            USAGE._replace(columns=columns, condition=USAGE.condition + conditions_of(asked))
        )
        text += " GROUP BY " + ", ".join(["1", *(f't."{name}"' for name in by)])
        wanted = document([(index, *span) for index, span in enumerate(spans)])
        statement = Statement(self._dialect.sql(text), (wanted, company, *asked.values()))
        return self._session.run([statement])[0]


def _around(spans: Sequence[Span]) -> Span:
    return Span(min(span.start for span in spans), max(span.end for span in spans))


def _added_up(days: Sequence[Sequence[Day]], by: Sequence[str], asked: Mapping[str, str]) -> Iterator[UsageRow]:
    """The days of each span, summed by some of their keys."""
    places = [KEYS.index(name) for name in by]
    wanted = [(KEYS.index(name), value) for name, value in asked.items()]
    for number, of_span in enumerate(days):
        sums: dict[tuple[str, ...], list[int]] = {}
        for day in of_span:
            for keys, more in day.items():
                if wanted and any(keys[place] != value for place, value in wanted):
                    continue
                named = tuple([keys[place] for place in places])
                if (one := sums.get(named)) is None:
                    sums[named] = list(more)
                else:
                    one[0] += more[0]
                    one[1] += more[1]
                    one[2] += more[2]
                    one[3] += more[3]
        yield from (_row(number, dict(zip(by, named, strict=True)), one) for named, one in sums.items())


def _row(span: int, keys: Mapping[str, str | None], sums: Sequence[int]) -> UsageRow:
    calls, requests, refunded, off = sums
    return UsageRow(span=span, **keys, calls=calls, requests=requests, refunded=refunded, written_off=off)
