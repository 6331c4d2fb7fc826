"""How much a statement does: the rows that PostgreSQL reads for it, the steps that SQLite takes for it.

Every statement that a batch of commands can send, for one company, is run in a transaction that is rolled back. On
PostgreSQL the rows are those of ``EXPLAIN (ANALYZE)``: returned and filtered out, of every table and index that is
looked into. SQLite counts the steps of its machine, which go up with each row of a table or index that it looks at.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import apsw
import psycopg
from psycopg.sql import SQL

from kvota.core.account import Account, DeclineKey, SpendingKey
from kvota.core.entries import Charged
from kvota.core.periods import QUARTER
from kvota.store import Batch, EntryFilter, Store, Want
from kvota.stores import postgres, sqlite
from kvota.stores.batches import Statement, Statements
from kvota.stores.dialect import CLOCK, Dialect, Postgres, Sqlite
from kvota.stores.postgres_link import PLANS
from kvota.stores.rows import ACCOUNTS, document
from tests.stores import making

INTO = 400


class Work(NamedTuple):
    """What a statement did: rows (SQLite: steps), and the blocks that PostgreSQL looked at for it."""

    rows: int
    blocks: int = 0


class Known(NamedTuple):
    """A company with some of what its ledger has in the middle."""

    account: Account
    key: str
    hold: str
    subject: str


def known(store: Store, company: str) -> Known:
    """The company, with names from the thousand entries of its history."""
    with store.snapshot() as view:
        account = view.account(company)
        if account is None:
            raise LookupError(company)
        calls = view.entries(company, EntryFilter(action="crm_call_processing"), INTO, 50)
        key, subject = next(
            (one.entry.key, one.entry.fact.subject)
            for one in calls
            if isinstance(one.entry.fact, Charged) and one.entry.key and one.entry.fact.subject
        )
        hold = view.holds(company, None, f"hld_{INTO:010d}", 1)[0]
        return Known(account, key, hold.id, subject)


class _Recorder:
    """A session that notes what it is asked to run."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def run(self, statements: Any) -> list[list[Any]]:
        self.statements += statements
        return [[] for _ in statements]


def hot_statements(dialect: Dialect, lock: str, known: Known) -> Iterator[tuple[str, Statement]]:
    """Everything that charges, holds, captures, refunds, quotes, boosts and caps of a company send, by name."""
    account = known.account
    statements, name = Statements(dialect), account.company
    yield "lock", Statement(dialect.sql(lock), [document([[name]])])
    yield "clock", Statement(dialect.sql(CLOCK))
    want = Want(
        keys=[(name, known.key)],
        holds=[(name, known.hold)],
        charges=[(name, account.seq // 2)],
        subjects=[(name, known.subject)],
        orders=[(name, "ord_0000000001")],
        boosts=[(name, "bst_0000000002")],
        caps=[name],
        due=[(name, account.at)],
        funds=[(name, account.at)],
        all_boosts=[name],
        all_holds=[name],
        slots=[(name, account.slots // 2, account.slots // 2 + 1)],
        spending=[(name, "user", "user-01", account.period_start)],
    )
    for kind in want.__struct_fields__:
        recorder = _Recorder()
        statements.load(recorder, Want(**{kind: getattr(want, kind)}))
        yield from ((f"load {kind}", one) for one in recorder.statements)
    for statement in statements.save(_batch(known)):
        found = re.match(r"\s*(INSERT|DELETE) \w+ (\w+)(?s:.*?(ON CONFLICT))?", statement.sql)
        if found is None:
            raise ValueError(statement.sql)
        yield f"{found[1].lower()} {found[2]}{' or change it' if found[3] else ''}", statement


def _batch(known: Known) -> Batch:
    """A write of every kind, of rows that are there and of new ones."""
    account = known.account
    name, seq = account.company, account.seq
    return Batch(
        id="work",
        at=account.at,
        created=[making.account("company-new")],
        accounts=[account],
        entries=making.ledger([making.charged(account.slots + 1)], company=name, first=seq + 1),
        holds=[making.hold(f"hld_{seq + 1:010d}", name)],
        boosts=[making.boost(f"bst_{seq + 1:010d}", name)],
        stages=[
            making.stage("transcription", name, subject=known.subject),
            making.stage("transcription", name, subject="call:new"),
            making.stage("summary", name, subject=known.subject, standing=0),
        ],
        orders=[making.order("ord_0000000001", name)],
        caps=[making.cap("cap_1", name)],
        caps_gone=[(name, "cap_2")],
        spending_gone=[name],
        statistics=[making.counted(company=name, at=account.at // QUARTER * QUARTER)],
        spending=[(name, SpendingKey("user", "user-01", account.period_start), 1)],
        declines=[(name, DeclineKey("2026-11-22", "insufficient_requests", "chat", "user-01"), 1)],
        remembered=[making.remembered("new", name)],
    )


def work(url: str, known: Known) -> dict[str, Work]:
    """What each hot statement does for that company; ``AssertionError`` where PostgreSQL walks through a table."""
    return _sqlite(url.removeprefix("sqlite:///"), known) if url.startswith("sqlite:") else _postgres(url, known)


def _sqlite(path: str, known: Known) -> dict[str, Work]:
    done: dict[str, Work] = {}
    steps: list[int] = []

    def note(event: dict[str, Any]) -> None:
        steps.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])

    with contextlib.closing(apsw.Connection(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)
        for name, statement in hot_statements(Sqlite(), sqlite.LOCK.format(accounts=Sqlite.document(ACCOUNTS)), known):
            connection.execute(statement.sql, tuple(statement.parameters)).fetchall()  # type: ignore[arg-type]
            done[name] = Work(steps[-1])
        connection.trace_v2(0, None)
        connection.execute("ROLLBACK")
    return done


def _postgres(url: str, known: Known) -> dict[str, Work]:
    done: dict[str, Work] = {}
    with psycopg.connect(url) as connection:
        connection.execute(SQL(PLANS))
        for name, statement in hot_statements(Postgres(), postgres.LOCK, known):
            explain = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {statement.sql}"
            row = connection.execute(SQL(explain), statement.parameters or None).fetchone()  # type: ignore[arg-type]
            plan = row[0][0]["Plan"] if row else {}
            nodes = list(_nodes(plan))
            if walks := [node for node in nodes if node["Node Type"] == "Seq Scan"]:
                raise AssertionError(f"{name} walks through a table: {walks}")
            rows = sum(_rows(node) for node in nodes if "Relation Name" in node)
            done[name] = Work(rows, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        connection.rollback()
    return done


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _rows(node: dict[str, Any]) -> int:
    rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return round(rows * node["Actual Loops"])
