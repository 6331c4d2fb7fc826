"""The runner of the migrations, and what the migrations make."""

import threading
from collections.abc import Callable

import apsw
import psycopg
import pytest

from kvota.errors import Invalid
from kvota.store import Store
from kvota.stores import open_store
from kvota.stores.migrate import migrate, migrations

FOLDERS = ["sqlite", "postgres"]
# Everything that a migration can make: tables with their columns and constraints, and indexes.
POSTGRES_SCHEMA = """
SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, l.collname,
       pg_get_expr(d.adbin, d.adrelid), c.reloptions::text
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', '', '' FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', tablename, indexname, indexdef, '', '', '', '' FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2, 3
"""
SQLITE_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"


@pytest.fixture
def store_url(bare_store_url: str) -> str:
    return bare_store_url


@pytest.fixture
def query(store_url: str) -> Callable[..., list]:
    """Run SQL on the database from outside."""

    def run(sql: str, *parameters: object) -> list:
        if store_url.startswith("sqlite"):
            connection = apsw.Connection(store_url.removeprefix("sqlite:///"))
            try:
                return list(connection.execute(sql, parameters))
            finally:
                connection.close()
        with psycopg.connect(store_url, autocommit=True) as connection:
            cursor = connection.execute(sql.replace("?", "%s"), parameters or None)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def unmigrated(store_url: str) -> Store:
    return open_store(store_url)


@pytest.mark.parametrize("folder", FOLDERS)
def test_migrations_are_numbered_without_gaps(folder: str):
    numbers = [int(migration.name[:4]) for migration in migrations(folder)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_both_databases_have_the_same_migrations():
    assert [one.name for one in migrations("sqlite")] == [one.name for one in migrations("postgres")]


def test_each_is_applied_once_and_recorded(unmigrated: Store, store_url: str, query):
    known = migrations("sqlite" if store_url.startswith("sqlite") else "postgres")
    assert unmigrated.migrate() == [migration.name for migration in known]
    assert unmigrated.migrate() == []
    recorded = query("SELECT name, hash, applied_at FROM schema_migrations ORDER BY name")
    assert [(name, digest) for name, digest, _ in recorded] == [(one.name, one.hash) for one in known]
    assert all(at > 1_700_000_000_000 for *_, at in recorded)
    unmigrated.close()


def test_one_by_one_they_make_the_same_schema_as_all_at_once(store_url: str, query, monkeypatch):
    """A store that was upgraded at every release is the same as one made today."""
    module = "kvota.stores.sqlite" if store_url.startswith("sqlite") else "kvota.stores.postgres"
    known = migrations(module.rpartition(".")[2])
    schema = SQLITE_SCHEMA if store_url.startswith("sqlite") else POSTGRES_SCHEMA
    for count in range(1, len(known) + 1):
        with monkeypatch.context() as patch:
            patch.setattr(f"{module}.migrations", lambda _, count=count: known[:count])
            store = open_store(store_url)
            assert store.migrate() == [known[count - 1].name]
            store.close()
    one_by_one = query(schema)
    assert len(one_by_one) > 30
    if store_url.startswith("sqlite"):
        fresh = open_store(store_url.replace("kvota.db", "fresh.db"))
        fresh.migrate()
        fresh.close()
        connection = apsw.Connection(store_url.removeprefix("sqlite:///").replace("kvota.db", "fresh.db"))
        assert list(connection.execute(schema)) == one_by_one
        connection.close()
    else:
        query("DROP SCHEMA public CASCADE")
        query("CREATE SCHEMA public")
        fresh = open_store(store_url)
        fresh.migrate()
        fresh.close()
        assert query(schema) == one_by_one


def test_many_that_start_at_once_apply_each_migration_once(store_url: str):
    stores = [open_store(store_url) for _ in range(4)]
    barrier, done, problems = threading.Barrier(len(stores)), [], []

    def start(store: Store) -> None:
        barrier.wait()
        try:
            done.append(store.migrate())
        except Exception as problem:  # noqa: BLE001 - told below
            problems.append(problem)

    threads = [threading.Thread(target=start, args=[store]) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sum(map(len, done)) == len(migrations("sqlite"))
    assert len({store.secret() for store in stores}) == 1
    for store in stores:
        store.close()


def test_a_store_of_a_newer_version_is_refused(unmigrated: Store, query):
    unmigrated.migrate()
    query("INSERT INTO schema_migrations (name, hash, applied_at) VALUES (?, ?, ?)", "9999_future", "x", 1)
    with pytest.raises(Invalid, match=r"newer version of Kvota.*9999_future"):
        unmigrated.migrate()
    unmigrated.close()


def test_a_migration_that_has_changed_is_refused(unmigrated: Store, query):
    unmigrated.migrate()
    query("UPDATE schema_migrations SET hash = ? WHERE name = ?", "x" * 64, "0001_tables")
    with pytest.raises(Invalid, match=r"0001_tables were applied .* another content"):
        unmigrated.migrate()
    unmigrated.close()


def test_a_migration_that_fails_leaves_nothing_behind(store_url: str, query, monkeypatch):
    module = "kvota.stores.sqlite" if store_url.startswith("sqlite") else "kvota.stores.postgres"
    known = migrations(module.rpartition(".")[2])
    bad = known[0]._replace(name="0002_bad", text="CREATE TABLE half (x text); SELECT 1 FROM nowhere;")
    monkeypatch.setattr(f"{module}.migrations", lambda _: [*known, bad])
    store = open_store(store_url)
    with pytest.raises(Exception, match="nowhere"):
        store.migrate()
    store.close()
    assert [name for (name,) in query("SELECT name FROM schema_migrations")] == [one.name for one in known]
    with pytest.raises((apsw.SQLError, psycopg.errors.UndefinedTable)):
        query("SELECT x FROM half")


def test_migrate_applies_nothing_when_it_refuses():
    class Target:
        def exclusively(self):
            import contextlib  # noqa: PLC0415 - only here

            return contextlib.nullcontext()

        def applied(self):
            return {"0003_unknown": "x"}

        def apply(self, migration):
            raise AssertionError(migration)

    with pytest.raises(Invalid):
        migrate(Target(), migrations("sqlite"))
