"""One changed byte in any column that carries balances, entries, statistics, holds, boosts or caps is found."""

import random
from collections.abc import Iterator

import pytest

from kvota.heads import Head, joined
from kvota.loading import Library
from kvota.rebuild import rebuild
from kvota.store import EntryFilter, Store
from kvota.stores import open_store
from kvota.verify import all_companies, prove, verify
from tests.faults.harness import kind_of
from tests.verdict import Verdict
from tests.verify.tampering import NO_ENTRIES, NO_LEDGER, Tampered


@pytest.fixture(scope="module")
def store(ledger_url: str, database: Tampered) -> Iterator[Store]:
    opened = open_store(ledger_url)
    yield opened
    opened.close()


def test_an_untouched_store_agrees_and_has_every_kind_of_row(store: Store, database: Tampered):
    assert verify(store) == []
    with store.snapshot() as view:
        kinds = {written.entry.kind for written in view.entries("acme", EntryFilter(), 0, 1000)}
    assert len(kinds) >= 16
    for table in {column.table for column in database.proven()}:
        assert database.rows(table), table


def test_everything_that_is_not_proven_is_there_and_named_with_its_reason(database: Tampered):
    assert set(NO_LEDGER) <= set(database.tables())
    assert all(name in database.columns(table) for table, name in NO_ENTRIES)
    proven = {column.table for column in database.proven()}
    assert proven == {
        "accounts", "entries", "holds", "boosts", "stages", "caps", "statistics", "spending", "orders",
    }  # fmt: skip


def missed(store: Store, database: Tampered, seed: int) -> str:
    """Change a byte, verify, put it back; what was not found. Columns in turn, rows and bytes by chance."""
    chance = random.Random(seed)  # noqa: S311 - a seed, no secret
    columns = database.proven()
    change = database.change_a_byte(columns[seed % len(columns)], chance)
    try:
        findings = verify(store)
    finally:
        database.put_back(change)
    return "" if findings else f"seed {seed}: {change} was not found"


def test_a_changed_byte_is_found_in_every_column(store: Store, database: Tampered):
    for seed in range(len(database.proven())):
        assert missed(store, database, seed) == ""
    assert verify(store) == []


@pytest.mark.soak
def test_a_changed_byte_is_found_in_every_column_whatever_the_seed(
    store: Store, database: Tampered, ledger_url, report
):
    problems = tuple(problem for seed in range(1000, 1500) if (problem := missed(store, database, seed)))
    report(Verdict(fault="one changed byte, found by verify", store=kind_of(ledger_url), runs=500, problems=problems))
    assert verify(store) == []


def test_a_row_that_is_gone_is_found(store: Store, database: Tampered):
    for table in sorted({column.table for column in database.proven()}):
        row = random.Random(table).choice(database.rows(table))  # noqa: S311 - a seed, no secret
        database.delete(table, row)
        findings = verify(store)
        database.insert(table, row)
        assert findings, f"{row} of {table} is gone, and nothing was found"
    assert verify(store) == []


KEYS = {"seq": 77, "quarter": 900_000, "since": 2**50}
"""What makes a copy of a row another one, where its key is a number."""


@pytest.mark.parametrize("company", ["acme", "nobody"])
def test_a_row_that_was_added_is_found_also_of_a_company_that_is_not_there(store: Store, database: Tampered, company):
    for table in sorted({column.table for column in database.proven()}):
        row = dict(database.rows(table)[0])
        key = database.key(table)[-1]
        row["company"] = company
        if table != "accounts":
            row[key] = KEYS.get(key, "zzz")
        elif company == "acme":
            continue
        for unique in {"refunds", "order_id"} & row.keys():
            row[unique] = None
        database.insert(table, row)
        findings = verify(store)
        database.delete(table, row)
        assert findings, f"{row} was added to {table}, and nothing was found"
    assert verify(store) == []


def test_two_entries_that_changed_places_are_found_at_the_first(store: Store, database: Tampered):
    rows = {row["seq"]: row for row in database.rows("entries") if row["company"] == "acme"}

    def put(seq: int, taken: int) -> None:
        given = {"hash": rows[taken]["hash"], "body": rows[taken]["body"]}
        database.run("UPDATE entries SET hash = ?, body = ? WHERE company = 'acme' AND seq = ?", [*given.values(), seq])

    put(12, 13)
    put(13, 12)
    findings = verify(store)
    put(12, 12)
    put(13, 13)
    assert (findings[0].company, findings[0].seq) == ("acme", 12)
    assert verify(store) == []


def test_a_tail_that_was_cut_off_is_found_by_the_account(store: Store, database: Tampered):
    rows = [row for row in database.rows("entries") if row["company"] == "beta"][-3:]
    for row in rows:
        database.delete("entries", row)
    findings = verify(store)
    for row in rows:
        database.insert("entries", row)
    assert "accounts.seq" in {one.field for one in findings if one.company == "beta"}
    assert verify(store) == []


def heads_of(store: Store) -> list[Head]:
    return [proof.head for proof in prove(store, ((name, None) for name in all_companies(store)))]


def cut_and_missed(store: Store, database: Tampered, heads: list[Head], seed: int) -> str:
    """Cut a tail off so that the rest agrees with itself, compare with the heads, put it back; what was not found."""
    chance = random.Random(seed)  # noqa: S311 - a seed, no secret
    company = chance.choice(("acme", "beta"))
    rows = [row for row in database.rows("entries") if row["company"] == company]
    before_orders = max(row["seq"] for row in rows if row["kind"].startswith("boost_"))  # orders would tell
    kept = chance.randrange(before_orders, len(rows))
    for row in rows[kept:]:
        database.delete("entries", row)
    alone = [*rebuild(store, Library(store), company).findings, *verify(store)]
    proofs = prove(store, joined(all_companies(store), heads))
    found = [(one.company, one.seq) for proof in proofs for one in proof.findings]
    for row in rows[kept:]:
        database.insert("entries", row)
    alone += rebuild(store, Library(store), company).findings
    if (alone, found) == ([], [(company, kept + 1)]):
        return ""
    return f"seed {seed}: {company} cut off after {kept}: {alone} alone, {found} against the head"


def test_a_tail_that_was_cut_off_from_a_store_that_agrees_is_found_against_a_head(store: Store, database: Tampered):
    heads = heads_of(store)
    for seed in range(3):
        assert cut_and_missed(store, database, heads, seed) == ""
    assert verify(store) == []


@pytest.mark.soak
def test_a_tail_is_found_wherever_it_was_cut_off(store: Store, database: Tampered, ledger_url, report):
    heads = heads_of(store)
    problems = tuple(problem for seed in range(100) if (problem := cut_and_missed(store, database, heads, seed)))
    fault = "a cut-off tail, found against an exported head"
    report(Verdict(fault=fault, store=kind_of(ledger_url), runs=100, problems=problems))
    assert verify(store) == []
