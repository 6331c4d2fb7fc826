"""What a snapshot answers, the same for both databases: one query each, over a session that keeps its view."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Literal, Self

from kvota.acts import Act
from kvota.core.account import Account, Counts, Hold, Order, StatisticsKey
from kvota.core.appeals import Appeal
from kvota.core.people import Person
from kvota.core.periods import Span
from kvota.core.state import Written
from kvota.store import ApiKey, EntryFilter, LedgerRow, Rows, UsageFilter, UsageRow, Want
from kvota.stores.batches import Session, Statement, Statements, read_spending
from kvota.stores.dialect import INDEXED_AFTER, Dialect, Present
from kvota.stores.kept_days import KeptDays
from kvota.stores.rows import (
    ACCOUNTS,
    ACTS,
    API_KEYS,
    APPEALS,
    BOOSTS,
    CAPS,
    HOLDS,
    ORDERS,
    PEOPLE,
    STAGES,
    Row,
    ledger_row,
    read_entry,
)
from kvota.stores.summing import Summing

ACCOUNT = "SELECT $accounts FROM accounts t WHERE t.company = ?"
ACCOUNT_PAGE = "SELECT $accounts FROM accounts t WHERE t.company > ? ORDER BY t.company LIMIT ?"
ORDER_PAGE = "SELECT $orders FROM orders t WHERE t.company = ? AND t.id > ? ORDER BY t.id LIMIT ?"
PENDING_ORDERS = """
SELECT $orders FROM orders t WHERE t.status = 'pending' AND (t.company, t.id) > (?, ?) ORDER BY t.company, t.id LIMIT ?
"""
HOLD_PAGE = "SELECT $holds FROM holds t WHERE t.company = ? AND t.id > ? ORDER BY t.id LIMIT ?"
HOLD_PAGES = {
    # few among many: the expression keeps the database from walking through all holds by their ids
    "open": """
        SELECT $holds FROM holds t WHERE t.company = ? AND t.status = 'open' AND t.id || '' > ? AND t.status = ?
        ORDER BY t.id || '' LIMIT ?
        """,
    "captured": """
        SELECT $holds FROM holds t WHERE t.company = ? AND t.id > ? AND t.status = ? ORDER BY t.id LIMIT ?
        """,
    "void": """
        SELECT $holds FROM holds t WHERE t.company = ? AND t.status IN ('void', 'expired') AND t.id > ? AND t.status = ?
        ORDER BY t.id LIMIT ?
        """,
}
HOLD_PAGES["expired"] = HOLD_PAGES["void"]
ENTRY_PAGE = """
SELECT t.body, t.hash FROM entries t {source}
WHERE t.company = ? AND t.seq > ? AND t.seq < ? {conditions} ORDER BY t.seq {order} LIMIT ?
"""
FILTERED = ("user", "action", "kind")
"""What entries are filtered by, what is likely the rarer first."""
ALSO = f"""
AND EXISTS (
    SELECT 1 FROM entries k INDEXED BY entries_{{name}}
    WHERE k.company = t.company AND k."{{name}}" = ? AND k.seq = t.seq AND k.seq > {INDEXED_AFTER}
)
"""  # noqa: S608 - a number of ours
# Time never runs backwards in a ledger and its numbers have no gaps, so an instant is found by halving them: some
# twenty look-ups by the primary key, and no index on "at" that every entry would have to pay for.
FIRST_SINCE = """
WITH RECURSIVE search (low, high) AS (
    SELECT CAST(1 AS bigint), coalesce((SELECT max(seq) FROM entries WHERE company = ?), 0) + 1
    UNION ALL
    SELECT CASE WHEN t.at < CAST(? AS bigint) THEN t.seq + 1 ELSE search.low END,
           CASE WHEN t.at < CAST(? AS bigint) THEN search.high ELSE t.seq END
    FROM search CROSS JOIN entries t
    WHERE search.low < search.high AND t.company = ? AND t.seq = (search.low + search.high) / 2
)
SELECT low FROM search WHERE low >= high
"""
DECLINES = """
SELECT t.reason, t.tool, CAST(sum(t.count) AS bigint) FROM declines t
WHERE t.company = ? AND t.day >= ? AND t.day < ? {conditions} GROUP BY t.reason, t.tool ORDER BY t.reason, t.tool
"""
DECLINED_DAYS = """
SELECT t.day, t.reason, CAST(sum(t.count) AS bigint) FROM declines t
WHERE t.company = ? AND t.day >= ? AND t.day < ? GROUP BY t.day, t.reason ORDER BY t.day, t.reason
"""
KEY_PAGE = """
SELECT $api_keys FROM api_keys t WHERE {conditions} AND t.revoked_at IS NULL AND t.id > ? ORDER BY t.id LIMIT ?
"""
PERSON = """SELECT $people FROM people t WHERE t.company = ? AND t."user" = ?"""
PEOPLE_PAGE = """
SELECT $people FROM people t WHERE t.company = ? AND t."user" > ? ORDER BY t."user" LIMIT ?
"""
ACT_PAGE = "SELECT $acts FROM acts t WHERE t.id < ? {conditions} ORDER BY t.id DESC LIMIT ?"
APPEAL = "SELECT $appeals FROM appeals t WHERE t.company = ? AND t.id = ?"
APPEAL_PAGE = "SELECT $appeals FROM appeals t WHERE t.company = ? {conditions} AND t.id > ? ORDER BY t.id LIMIT ?"
ANSWERED_APPEALS = """
SELECT $appeals FROM appeals t WHERE t.company = ? AND t.status <> 'open' {conditions} ORDER BY t.id DESC LIMIT ?
"""
# One step for each company, not for each row.
LEDGERS_OF = """
SELECT company FROM (
    WITH RECURSIVE names (company) AS (
        SELECT min(company) FROM {table} WHERE company > ?
        UNION ALL
        SELECT (SELECT min(t.company) FROM {table} t WHERE t.company > names.company) FROM names
        WHERE names.company IS NOT NULL
    )
    SELECT company FROM names WHERE company IS NOT NULL LIMIT ?
) AS of_{table}
"""
OF_LEDGERS = ("accounts", "entries", "holds", "boosts", "stages", "caps", "statistics", "spending", "orders")
LEDGERS = " UNION ".join(LEDGERS_OF.format(table=table) for table in OF_LEDGERS) + " ORDER BY 1 LIMIT ?"
ENTRY_ROWS = "SELECT $entries FROM entries t WHERE t.company = ? AND t.seq > ? ORDER BY t.seq LIMIT ?"
COUNT_HOLDS = "SELECT count(*) FROM holds WHERE company = ?"
ALL_BOOSTS = "SELECT $boosts FROM boosts t WHERE t.company = ? ORDER BY t.id"
ALL_STAGES = "SELECT $stages FROM stages t WHERE t.company = ? ORDER BY t.subject, t.stage"
ALL_ORDERS = "SELECT $orders FROM orders t WHERE t.company = ? ORDER BY t.id"
ALL_CAPS = "SELECT $caps FROM caps t WHERE t.company = ? ORDER BY t.id"
ALL_SPENDING = """
SELECT t.company, t.kind, t.name, t.since, t.amount FROM spending t
WHERE t.company = ? ORDER BY t.kind, t.name, t.since
"""
ALL_STATISTICS = """
SELECT t.quarter, t.tool, t.action, t."user", t.department, t.calls, t.requests, t.refunded, t.written_off
FROM statistics t WHERE t.company = ? AND t.quarter >= ? AND t.quarter < ?
ORDER BY t.quarter, t.tool, t.action, t."user", t.department
"""
LAST = 2**63 - 1


class Reading:
    """A snapshot: entering it takes the view, with its clock and its newest catalogue."""

    def __init__(
        self,
        view: AbstractContextManager[tuple[Session, Present]],
        dialect: Dialect,
        statements: Statements,
        kept: KeptDays | None,
    ) -> None:
        self._view, self._dialect, self._statements, self._kept = view, dialect, statements, kept

    def __enter__(self) -> Self:
        self._session, self._present = self._view.__enter__()
        self._sums = Summing(self._session, self._dialect, self._kept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._view.__exit__(kind, problem, trace)

    def _rows(self, text: str, *parameters: object) -> list[Row]:
        return self._session.run([Statement(self._dialect.sql(text), parameters)])[0]

    def clock(self) -> int:
        return self._present.now

    def catalogue_number(self) -> int:
        return self._present.catalogue

    def has_departments(self) -> bool:
        return bool(self._present.has_departments)

    def levels_version(self) -> int:
        return self._present.levels_version

    def load(self, want: Want) -> Rows:
        return self._statements.load(self._session, want)

    def account(self, company: str) -> Account | None:
        rows = self._rows(ACCOUNT, company)
        return ACCOUNTS.read(rows[0]) if rows else None

    def accounts(self, after: str, limit: int) -> list[Account]:
        return [ACCOUNTS.read(row) for row in self._rows(ACCOUNT_PAGE, after, limit)]

    def entries(self, company: str, which: EntryFilter, after: int, limit: int) -> list[Written]:
        first, last = self._between(company, which)
        return self._entries(company, which, (max(after, first), last), limit, "ASC")

    def entries_before(self, company: str, which: EntryFilter, before: int, limit: int) -> list[Written]:
        first, last = self._between(company, which)
        return self._entries(company, which, (first, min(before, last)), limit, "DESC")

    def _between(self, company: str, which: EntryFilter) -> tuple[int, int]:
        """The numbers between which the entries of that time lie."""
        after = 0 if which.start is None else self._first_since(company, which.start) - 1
        return after, LAST if which.end is None else self._first_since(company, which.end)

    def _entries(
        self, company: str, which: EntryFilter, between: tuple[int, int], limit: int, order: Literal["ASC", "DESC"]
    ) -> list[Written]:
        after, before = between
        asked = {name: value for name in FILTERED if (value := getattr(which, name)) is not None}
        conditions = "".join(f' AND t."{name}" = ?' for name in asked)
        parts = [("", conditions, after, before)]
        if asked:
            source, indexed = self._indexed(list(asked))
            parts = [
                ("", conditions, after, min(before, INDEXED_AFTER + 1)),
                (source, f"{indexed} AND t.seq > {INDEXED_AFTER}", max(after, INDEXED_AFTER), before),
            ]
        found: list[Written] = []
        for source, text, low, high in parts if order == "ASC" else reversed(parts):
            if low + 1 < high and len(found) < limit:
                page = ENTRY_PAGE.format(source=source, conditions=text, order=order)
                rows = self._rows(page, company, low, high, *asked.values(), limit - len(found))
                found += [read_entry(row) for row in rows]
        return found

    def _indexed(self, names: Sequence[str]) -> tuple[str, str]:
        """Which index leads through the entries, and the conditions on them.

        SQLite takes one index for a table, and would open every entry that it leads to: the others are asked through
        theirs, which say yes or no without the entry. PostgreSQL puts the indexes together by itself.
        """
        first, *others = names
        if not others or not self._dialect.takes_one_index:
            return "", "".join(f' AND t."{name}" = ?' for name in names)
        conditions = "".join(ALSO.format(name=name) for name in others)
        return f"INDEXED BY entries_{first}", f' AND t."{first}" = ?{conditions}'

    def _first_since(self, company: str, at: int) -> int:
        """The number of the first entry at or after an instant, or of the one to come."""
        return self._rows(FIRST_SINCE, company, at, at, company)[0][0]

    def holds(self, company: str, status: str | None, after: str, limit: int) -> list[Hold]:
        if status is None:
            rows = self._rows(HOLD_PAGE, company, after, limit)
        else:
            text = HOLD_PAGES.get(status)
            rows = [] if text is None else self._rows(text, company, after, status, limit)
        return [HOLDS.read(row) for row in rows]

    def orders(self, company: str, after: str, limit: int) -> list[Order]:
        return [ORDERS.read(row) for row in self._rows(ORDER_PAGE, company, after, limit)]

    def pending_orders(self, after: tuple[str, str], limit: int) -> list[Order]:
        return [ORDERS.read(row) for row in self._rows(PENDING_ORDERS, *after, limit)]

    def usage(self, company: str, spans: Sequence[Span], by: Sequence[str], which: UsageFilter) -> list[UsageRow]:
        return self._sums.usage(company, spans, by, which)

    def quarters(self, company: str, span: Span, which: UsageFilter) -> list[tuple[int, Counts]]:
        return self._sums.quarters(company, span, which)

    def declines(self, company: str, first: str, last: str, user: str | None) -> list[tuple[str, str, int]]:
        text = DECLINES.format(conditions="" if user is None else 'AND t."user" = ?')
        rows = self._rows(text, company, first, last, *([] if user is None else [user]))
        return [(reason, tool, count) for reason, tool, count in rows]

    def declined_days(self, company: str, first: str, last: str) -> list[tuple[str, str, int]]:
        return [(day, reason, count) for day, reason, count in self._rows(DECLINED_DAYS, company, first, last)]

    def keys(self, company: str | None, after: str, limit: int) -> list[ApiKey]:
        text = KEY_PAGE.format(conditions="t.company IS NULL" if company is None else "t.company = ?")
        rows = self._rows(text, *([] if company is None else [company]), after, limit)
        return [API_KEYS.read(row) for row in rows]

    def people(self, company: str, after: str, limit: int) -> list[Person]:
        return [PEOPLE.read(row) for row in self._rows(PEOPLE_PAGE, company, after, limit)]

    def person(self, company: str, user: str) -> Person | None:
        rows = self._rows(PERSON, company, user)
        return PEOPLE.read(rows[0]) if rows else None

    def appeals(self, company: str, status: str | None, user: str | None, after: str, limit: int) -> list[Appeal]:
        asked = {"status": status, '"user"': user}
        conditions = "".join(f" AND t.{name} = ?" for name, value in asked.items() if value is not None)
        given = [value for value in asked.values() if value is not None]
        rows = self._rows(APPEAL_PAGE.format(conditions=conditions), company, *given, after, limit)
        return [APPEALS.read(row) for row in rows]

    def answered_appeals(self, company: str, user: str | None, limit: int) -> list[Appeal]:
        text = ANSWERED_APPEALS.format(conditions="" if user is None else 'AND t."user" = ?')
        rows = self._rows(text, company, *([] if user is None else [user]), limit)
        return [APPEALS.read(row) for row in rows]

    def appeal(self, company: str, name: str) -> Appeal | None:
        rows = self._rows(APPEAL, company, name)
        return APPEALS.read(rows[0]) if rows else None

    def acts(self, company: str | None, before: str, limit: int) -> list[Act]:
        text = ACT_PAGE.format(conditions="" if company is None else "AND t.company = ?")
        rows = self._rows(text, before or "~", *([] if company is None else [company]), limit)
        return [ACTS.read(row) for row in rows]

    def ledgers(self, after: str, limit: int) -> list[str]:
        return [company for (company,) in self._rows(LEDGERS, *[after, limit] * len(OF_LEDGERS), limit)]

    def ledger(self, company: str, after: int, limit: int) -> list[LedgerRow]:
        return [ledger_row(row) for row in self._rows(ENTRY_ROWS, company, after, limit)]

    def count_holds(self, company: str) -> int:
        return self._rows(COUNT_HOLDS, company)[0][0]

    def all_rows(self, company: str) -> Rows:
        return Rows(
            boosts=[BOOSTS.read(row) for row in self._rows(ALL_BOOSTS, company)],
            stages=[STAGES.read(row) for row in self._rows(ALL_STAGES, company)],
            orders=[ORDERS.read(row) for row in self._rows(ALL_ORDERS, company)],
            caps=[CAPS.read(row) for row in self._rows(ALL_CAPS, company)],
            spending=[read_spending(row) for row in self._rows(ALL_SPENDING, company)],
        )

    def all_statistics(self, company: str, start: int = -LAST, end: int = LAST) -> list[tuple[StatisticsKey, Counts]]:
        rows = self._rows(ALL_STATISTICS, company, start, end)
        return [(StatisticsKey(*row[:5]), Counts(*row[5:])) for row in rows]
