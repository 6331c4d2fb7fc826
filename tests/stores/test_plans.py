"""Every statement of a decision finds its rows by an index: EXPLAIN shows no walk through a table."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import apsw
import psycopg
import pytest

from kvota.acts import act
from kvota.core.account import DeclineKey, SpendingKey
from kvota.core.notices import event
from kvota.core.periods import Span
from kvota.store import Batch, EntryFilter, Store, UsageFilter, Want
from kvota.stores import open_store
from kvota.stores.batches import Statement, Statements
from kvota.stores.dialect import Dialect, Postgres, Sqlite
from tests.stores.making import NOW, account, boost, cap, charged, counted, hold, ledger, order, remembered, save, stage

COMPANIES, EACH = 40, 100
NAMES = [f"company-{n:02}" for n in range(COMPANIES)]


class Recorder:
    """A session that notes what it is asked to run."""

    def __init__(self) -> None:
        self.statements: list[Statement] = []

    def run(self, statements):
        self.statements += statements
        return [[] for _ in statements]


def hot_statements(dialect: Dialect) -> list[Statement]:
    """What batches load and save, all kinds at once."""
    statements, recorder = Statements(dialect), Recorder()
    pairs = [(name, "x") for name in NAMES[:20]]
    want = Want(
        keys=pairs,
        holds=pairs,
        charges=[(name, 3) for name in NAMES],
        subjects=pairs,
        orders=pairs,
        boosts=pairs,
        caps=NAMES[:20],
        due=[(name, NOW) for name in NAMES],
        funds=[(name, NOW) for name in NAMES],
        all_boosts=NAMES[:3],
        all_holds=NAMES[:3],
        slots=[(name, 2, 5) for name in NAMES],
        spending=[(name, "user", "ann", NOW) for name in NAMES],
        departments=pairs,
        levels=NAMES[:20],
    )
    assert all(getattr(want, name) for name in want.__struct_fields__)
    statements.load(recorder, want)
    batch = Batch(
        id="x",
        at=NOW,
        created=[account("new")],
        accounts=[account(name) for name in NAMES],
        moved=[account(name) for name in NAMES],
        entries=ledger([charged(10**6)], first=10**6),
        holds=[hold("hld_9", name) for name in NAMES],
        boosts=[boost("bst_9", name) for name in NAMES],
        stages=[stage("a"), stage("b", standing=0)],
        orders=[order()],
        caps=[cap()],
        caps_gone=pairs,
        spending_gone=NAMES[:2],
        statistics=[counted()],
        spending=[("acme", SpendingKey("user", "ann", NOW), 1)],
        declines=[("acme", DeclineKey("2026-11-22", "x", "chat", ""), 1)],
        remembered=[remembered()],
        events=[event("acme", "package.threshold", "80", NOW, {"used": 8})],
        acts=[act(NOW, "key_1", "suspend", "acme")],
    )
    assert all(getattr(batch, name) for name in batch.__struct_fields__)
    return [
        *recorder.statements,
        *statements.save(batch),
        *statements.rebuild_spending(NAMES[0], [Span(NOW, NOW + 1)]),
    ]


def fill(store: Store) -> None:
    for number, name in enumerate(NAMES):
        save(
            store,
            name,
            created=[account(name)],
            entries=ledger([charged(n + 1) for n in range(EACH)], company=name),
            holds=[hold(f"hld_{n}", name) for n in range(EACH)],
            boosts=[boost(f"bst_{n}", name, used=10 if n else 0) for n in range(EACH)],
            stages=[stage("a", name, subject=f"call:{n}") for n in range(EACH)],
            orders=[order(f"ord_{n}", name) for n in range(EACH)],
            caps=[cap(f"cap_{n}", name) for n in range(EACH)],
            statistics=[counted(company=name, user=f"user-{n}") for n in range(EACH)],
            spending=[(name, SpendingKey("user", f"user-{n}", NOW), 1) for n in range(EACH)],
            declines=[(name, DeclineKey("2026-11-22", "x", "chat", f"user-{n}"), 1) for n in range(EACH)],
            remembered=[remembered(f"key-{n}", name) for n in range(EACH)],
        )
        for n in range(5):
            store.put_person(name, f"user-{n}", {"department": "lab"})
        assert number < COMPANIES


def reads(store: Store) -> None:
    """Every list and sum that a snapshot answers."""
    filters = [
        EntryFilter(),
        EntryFilter(kind="charged"),
        EntryFilter(user="ann"),
        EntryFilter(action="x"),
        EntryFilter(kind="charged", user="ann", action="x"),
        EntryFilter(start=NOW, end=NOW + 1),
    ]
    with store.snapshot() as view:
        view.account(NAMES[0])
        view.accounts(NAMES[5], 10)
        for which in filters:
            view.entries(NAMES[0], which, 0, 10)
            view.entries_before(NAMES[0], which, 10**6, 10)
        for status in (None, "open", "captured", "void", "expired"):
            view.holds(NAMES[0], status, "", 10)
        view.orders(NAMES[0], "", 10)
        view.usage(NAMES[0], [Span(NOW, NOW + 1)], ["user"], UsageFilter(user="ann"))
        view.quarters(NAMES[0], Span(NOW, NOW + 1), UsageFilter(user="ann", tool="crm"))
        view.declines(NAMES[0], "2026-11-01", "2026-12-01", "ann")
        view.declined_days(NAMES[0], "2026-11-01", "2026-12-01")
        view.keys(NAMES[0], "", 10)
        view.people(NAMES[0], "", 10)
        view.person(NAMES[0], "user-1")
        view.ledgers("", 10)
        view.ledger(NAMES[0], 0, 10)
        view.count_holds(NAMES[0])
        view.all_rows(NAMES[0])
        view.all_statistics(NAMES[0])


@pytest.fixture
def sqlite_plans(sqlite_url: str):
    store = open_store(sqlite_url)
    store.migrate()
    fill(store)
    store.close()
    connection = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))

    def plan(statement: Statement) -> str:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", tuple(statement.parameters))
        return "\n".join(row[3] for row in rows)

    yield plan
    connection.close()


def test_sqlite_walks_through_no_table(sqlite_plans):
    for statement in hot_statements(Sqlite()):
        plan = sqlite_plans(statement)
        walks = [line for line in plan.splitlines() if line.startswith("SCAN") and "VIRTUAL TABLE" not in line]
        # what a statement has gathered itself may be walked through
        walks = [line for line in walks if not re.match(r"SCAN (parts|sums|CONSTANT|\(subquery)", line)]
        assert not walks, f"{statement.sql}\n{plan}"


def test_sqlite_uses_the_partial_indexes(sqlite_plans):
    statements = Statements(Sqlite())
    for name, index in EXPECTED.items():
        recorder = Recorder()
        statements.load(recorder, Want(**{name: WANTED[name]}))
        assert index in sqlite_plans(recorder.statements[0])


EXPECTED = {"due": "holds_open", "funds": "boosts_left", "slots": "entries_slot", "charges": "entries_refunds"}
WANTED = {
    "due": [(NAMES[0], NOW)],
    "funds": [(NAMES[0], NOW)],
    "slots": [(NAMES[0], 2, 5)],
    "charges": [(NAMES[0], 3)],
}


@pytest.fixture
def filled_postgres(postgres_url: str):
    store = open_store(postgres_url)
    store.migrate()
    fill(store)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        yield store, connection
    store.close()


def _postgres_walks(plan: str) -> list[str]:
    return re.findall(r"Seq Scan on \w+", plan)


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
def test_postgres_walks_through_no_table(filled_postgres, plans: str):
    """As the store runs them, also when the plan was made without looking at the parameters."""
    from kvota.stores.postgres_link import PLANS  # noqa: PLC0415 - what is tested

    _, connection = filled_postgres
    connection.execute(PLANS)
    connection.execute("SELECT set_config('plan_cache_mode', %s, false)", [plans])
    for number, statement in enumerate(hot_statements(Postgres())):
        names = iter(range(1, 9))
        text = re.sub(r"%s", lambda _, names=names: f"${next(names)}", statement.sql)
        connection.execute(f"PREPARE hot_{number} AS {text}")
        given = psycopg.sql.SQL(", ").join(map(psycopg.sql.Literal, statement.parameters))
        explain = psycopg.sql.SQL("EXPLAIN EXECUTE {} ({})").format(psycopg.sql.Identifier(f"hot_{number}"), given)
        plan = "\n".join(row[0] for row in connection.execute(explain))
        assert not _postgres_walks(plan), f"{statement.sql}\n{plan}"
        assert not re.search(r"Index (Only )?Scan using \w+ on \w+ (?!.*\n\s+Index Cond)", plan), plan


def test_postgres_uses_the_partial_indexes(filled_postgres):
    from kvota.stores.postgres_link import PLANS  # noqa: PLC0415 - what is tested

    _, connection = filled_postgres
    connection.execute(PLANS)
    statements = Statements(Postgres())
    for name, index in EXPECTED.items():
        recorder = Recorder()
        statements.load(recorder, Want(**{name: WANTED[name]}))
        statement = recorder.statements[0]
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {statement.sql}", statement.parameters))
        assert index in plan, plan


def test_postgres_compiles_nothing_and_starts_no_processes(filled_postgres):
    """However dear it takes a statement for: here everything is."""
    from kvota.stores.postgres_link import PLANS  # noqa: PLC0415 - what is tested

    _, connection = filled_postgres
    explain = "EXPLAIN (ANALYZE) SELECT count(*) FROM entries t WHERE t.company >= %s"
    plans: list[str] = []
    for settings in (
        (
            "SET jit_above_cost = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; "
            "SET enable_seqscan = off; SET min_parallel_index_scan_size = 0; SET min_parallel_table_scan_size = 0"
        ),
        PLANS,
    ):
        connection.execute(settings)
        plans.append("\n".join(row[0] for row in connection.execute(explain, [NAMES[0]])))
    assert "Gather" in plans[0]
    assert "Gather" not in plans[1]
    assert "JIT" not in plans[1]


def test_reads_walk_through_no_table_on_postgres(filled_postgres):
    """Sequential scans are counted by the server itself."""
    store, connection = filled_postgres
    count = "SELECT relname, coalesce(seq_scan, 0) FROM pg_stat_user_tables"
    before = dict(connection.execute(count).fetchall())
    reads(store)
    store.close()  # a session reports its counts when it ends
    connection.execute("SELECT pg_stat_clear_snapshot()")
    after = dict(connection.execute(count).fetchall())
    few = {"api_keys", "catalogues", "meta"}
    assert {name for name in after if after[name] != before[name]} <= few


@contextmanager
def asked_of_sqlite(monkeypatch) -> Iterator[list[Statement]]:
    """The statements that are run meanwhile."""
    from kvota.stores import sqlite  # noqa: PLC0415 - what is tested

    asked: list[Statement] = []
    run = sqlite.Connection.run

    def noting(self, statements):
        asked.extend(statements)
        return run(self, statements)

    with monkeypatch.context() as patched:
        patched.setattr(sqlite.Connection, "run", noting)
        yield asked


def test_filters_together_open_no_entry_that_one_of_them_leaves_out(sqlite_url: str, monkeypatch):
    """Each other filter is answered by its index alone."""
    store = open_store(sqlite_url)
    store.migrate()
    fill(store)
    with asked_of_sqlite(monkeypatch) as asked, store.snapshot() as view:
        view.entries(NAMES[0], EntryFilter(kind="charged", user="ann", action="x"), 0, 10)
    store.close()
    connection = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
    (one,) = [statement for statement in asked if "INDEXED BY" in statement.sql]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {one.sql}", tuple(one.parameters))]
    connection.close()
    assert "SEARCH t USING INDEX entries_user (company=? AND user=? AND seq>? AND seq<?)" in plan
    assert [line for line in plan if "COVERING INDEX entries_action" in line]
    assert [line for line in plan if "COVERING INDEX entries_kind" in line]


def test_reads_walk_through_no_table_on_sqlite(sqlite_url: str, monkeypatch):
    store = open_store(sqlite_url)
    store.migrate()
    fill(store)
    with asked_of_sqlite(monkeypatch) as asked:
        reads(store)
    store.close()
    connection = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
    for statement in asked:
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", tuple(statement.parameters))
        for *_, line in rows:
            gathered = r"SCAN (w|search|names|of_[a-z]+|CONSTANT|\(subquery|catalogues)"
            assert not line.startswith("SCAN") or re.match(gathered, line), f"{statement.sql}\n{line}"
    connection.close()
