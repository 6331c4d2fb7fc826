"""What a store keeps beside its ledgers is made again from them, and is as it was."""

import json
import threading
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvota.catalogue_file import parse
from kvota.core import commands as c
from kvota.core.account import Charge, Usage
from kvota.core.catalogue import Book, Edition
from kvota.core.state import spending_floor
from kvota.engine import Engine
from kvota.errors import CallerError
from kvota.loading import Library
from kvota.rebuild import Rebuilt, rebuild, rebuild_all
from kvota.store import Store, Transaction, Unreadable
from kvota.stores import open_store
from kvota.verify import verify
from tests.core.chance import PLANS, Dice
from tests.core.histories import ZONES
from tests.core.ledger import CASES, SMALL, Ledger
from tests.core.test_history_properties import START
from tests.engine.meter import Meter
from tests.faults.harness import kind_of
from tests.model.test_model_core import steady
from tests.model.test_model_stores import WITHOUT_PLAN_CAPS
from tests.verdict import Verdict
from tests.verify.tampering import Column, Tampered, changed, tampered

MADE_AGAIN = ("holds", "boosts", "stages", "caps", "statistics", "spending")


@pytest.fixture(params=["allowance_first", "boosts_first"])
def meter(request: pytest.FixtureRequest, store_url: str) -> Iterator[Meter]:
    opened = Meter(open_store(store_url), SMALL if request.param == "allowance_first" else WITHOUT_PLAN_CAPS)
    yield opened
    opened.close()


def live(meter: Meter, random: Random, steps: int) -> str:
    """A company of the meter's with a random history."""
    company, dice, now = next(meter.companies), Dice(random), START
    catalogue = parse(meter.catalogue)
    book = Book([Edition(effective_at=catalogue.effective_from, catalogue=catalogue)])
    settings = {"plan": random.choice(PLANS), "time_zone": random.choice(ZONES)}
    ledger = Ledger(book, company, at=now, **settings)
    meter.clock.now = now
    meter.engine.execute(c.PutCompany(company=company, name="Acme", **settings))
    for command, at in dice.history(ledger, now, steps):
        meter.clock.now = at
        mine = _of(company, command)
        told = [_tried(lambda: ledger.do(mine, at)), _tried(lambda: meter.engine.execute(mine))]  # noqa: B023 - at once
        assert told[0] == told[1]
    return company


def _of(company: str, command: c.Command) -> c.Command:
    return type(command)(**{name: getattr(command, name) for name in command.__struct_fields__} | {"company": company})


def _tried(act) -> str:
    try:
        act()
    except CallerError as error:
        return type(error).__name__
    return "done"


def everything(store: Store, database: Tampered, company: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of a company; of the sums for caps those that a cap may ask for and that are not zero."""
    tables = [name for name in database.tables() if "company" in database.columns(name)]
    rows = {
        name: sorted((_meant(row) for row in database.rows(name) if row["company"] == company), key=repr)
        for name in tables
    }
    with store.snapshot() as view:
        account = view.account(company)
    assert account is not None
    floor = spending_floor(account)
    rows["spending"] = [row for row in rows["spending"] if row["amount"] and row["since"] >= floor]
    return rows


def _meant(row: dict[str, Any]) -> dict[str, Any]:
    """The order of the names in a JSON object means nothing."""
    return {
        name: json.dumps(json.loads(value), sort_keys=True)
        if isinstance(value, str) and value.startswith("{") and name != "body"
        else value
        for name, value in row.items()
    }


def _is_readable(store: Store, company: str) -> bool:
    with store.snapshot() as view:
        try:
            view.account(company)
        except Unreadable:
            return False
    return True


def damage(database: Tampered, company: str, chance: Random) -> list[str]:
    """Take rows away, double them, change bytes of them, and of the account."""
    done = []
    for table in MADE_AGAIN:
        rows = [row for row in database.rows(table) if row["company"] == company]
        how = chance.choice(["nothing", "all gone", "one gone", "one more", "a byte", "a byte"])
        if not rows or how == "nothing":
            continue
        row, key = chance.choice(rows), database.key(table)
        if how == "all gone":
            database.run(f"DELETE FROM {table} WHERE company = ?", [company])
        elif how == "one gone":
            database.delete(table, row)
        elif how == "one more":
            last = row[key[-1]]
            double = row | {key[-1]: last + 1_000_000 if isinstance(last, int) else last + "x"}
            double |= {name: None for name in ("order_id",) if name in row}
            database.insert(table, double)
        else:
            _change(database, Column(table, chance.choice(_columns(database, table))), row, chance)
        done.append(f"{table}: {how}")
    (account,) = (row for row in database.rows("accounts") if row["company"] == company)
    for name in chance.sample(_columns(database, "accounts"), 3):
        _change(database, Column("accounts", name), account, chance)
        done.append(f"accounts.{name}")
    return done


def _columns(database: Tampered, table: str) -> list[str]:
    """Those whose truth the company's entries tell: not since when sums for caps are kept."""
    return [name for name in database.columns(table) if name not in ("company", "spending_zones")]


def _change(database: Tampered, column: Column, row: dict[str, Any], chance: Random) -> None:
    key = database.key(column.table)
    where = " AND ".join(f'"{name}" = ?' for name in key)
    text = f'UPDATE {column.table} SET "{column.name}" = ? WHERE {where}'
    while True:
        try:
            database.run(text, [changed(row[column.name], chance), *(row[name] for name in key)])
        except database.refusals:
            continue
        return


def by_dice(meter: Meter, store_url: str, examples: int, steps: int) -> None:
    library, database = Library(meter.store), tampered(store_url)

    @steady(examples)
    @given(st.randoms(use_true_random=True))
    def is_as_it_was(random: Random) -> None:
        company = live(meter, random, steps)
        before = everything(meter.store, database, company)
        done = damage(database, company, random)
        if not _is_readable(meter.store, company):  # nobody can say any more whether sums for caps were kept
            before["spending"] = []
            before["accounts"][0]["spending_zones"] = "[]"
        count, findings = rebuild(meter.store, library, company)
        assert (count, findings) == (len(before["entries"]), [])
        assert everything(meter.store, database, company) == before, done
        assert verify(meter.store, [company]) == []

    is_as_it_was()
    database.close()


def test_defect_6_what_was_damaged_is_made_again_from_the_entries_and_is_as_it_was(meter: Meter, store_url: str):
    by_dice(meter, store_url, 5, 50)


@pytest.mark.soak
def test_what_was_damaged_is_made_again_whatever_the_history(meter: Meter, store_url: str, report):
    by_dice(meter, store_url, 100, 150)
    report(Verdict(fault="damaged rows made again from random ledgers", store=kind_of(store_url), runs=100))


@pytest.fixture
def database(ledger_url: str) -> Iterator[Tampered]:
    opened = tampered(ledger_url)
    yield opened
    opened.close()


@pytest.fixture
def store(ledger_url: str) -> Iterator[Store]:
    opened = open_store(ledger_url)
    yield opened
    opened.close()


def test_an_account_that_is_gone_is_made_again(store: Store, database: Tampered):
    (row,) = (row for row in database.rows("accounts") if row["company"] == "acme")
    database.delete("accounts", row)
    assert rebuild(store, Library(store), "acme").findings == []
    (again,) = (row for row in database.rows("accounts") if row["company"] == "acme")
    assert again == row | {"spending_zones": "[]"}  # the sums for caps begin again with the next call
    assert verify(store) == []


@pytest.mark.parametrize(
    ("column", "value", "where"),
    [("hash", "0" * 64, "entries.hash"), ("body", "{}", "entries.body"), ("slot", 77, "entries.slot")],
)
def test_a_ledger_that_does_not_hold_together_is_left_as_it_is_and_told_where(
    store: Store, database: Tampered, column: str, value: object, where: str
):
    row = [row for row in database.rows("entries") if row["company"] == "acme" and row["slot"] is not None][2]
    before = {name: database.rows(name) for name in ("accounts", *MADE_AGAIN)}
    text = f"UPDATE entries SET {column} = ? WHERE company = 'acme' AND seq = ?"
    database.run(text, [value, row["seq"]])
    count, findings = rebuild(store, Library(store), "acme")
    database.run(text, [row[column], row["seq"]])
    assert row["seq"] - 1 <= count <= row["seq"]
    assert (findings[0].seq, findings[0].field) == (row["seq"], where)
    assert {name: database.rows(name) for name in before} == before
    assert verify(store) == []


def test_a_gap_in_a_ledger_is_told_where(store: Store, database: Tampered):
    (row,) = (row for row in database.rows("entries") if (row["company"], row["seq"]) == ("beta", 5))
    database.delete("entries", row)
    count, findings = rebuild(store, Library(store), "beta")
    database.insert("entries", row)
    assert (count, [(one.seq, one.field) for one in findings]) == (4, [(5, "entries.seq")])


def test_a_company_without_entries_has_nothing_to_be_made_from(store: Store):
    assert [one.field for one in rebuild(store, Library(store), "nobody").findings] == ["entries.seq"]


def test_the_ledger_is_read_while_others_write_and_what_came_meanwhile_is_taken_in(store: Store, monkeypatch):
    """Whoever writes between the reading and the lock is not held up, and is not forgotten."""
    engine, begin, told = Engine(store), store.begin, []

    def write_first() -> Transaction:
        monkeypatch.setattr(store, "begin", begin)
        engine.execute(c.Resume(company="acme"))
        told.append(engine.execute(c.Suspend(company="acme")))
        return begin()

    monkeypatch.setattr(store, "begin", write_first)
    with store.snapshot() as view:
        before = view.account("acme")
    count, findings = rebuild(store, Library(store), "acme")
    engine.close()
    with store.snapshot() as view:
        after = view.account("acme")
    assert before is not None
    assert after is not None
    assert (len(told), count, findings) == (1, after.seq, [])
    assert after.seq > before.seq
    assert verify(store) == []


def test_others_that_write_meanwhile_wait_and_nothing_of_theirs_is_lost(store_url: str):
    meter = Meter(open_store(store_url), CASES)
    meter.clock.now = START
    engine = Engine(meter.store)  # by the store's own clock, from here on
    for name in ("acme", "beta"):
        engine.execute(c.PutCompany(company=name, name=name, plan="large", time_zone="UTC"))
    other, done = open_store(store_url), list[Rebuilt]()

    def mend() -> None:
        done.extend(rebuilt for _, rebuilt in rebuild_all(other, ["acme"] * 20))

    mending = threading.Thread(target=mend)
    mending.start()
    try:
        charges = [
            engine.submit(c.ChargeUsage(company=name, usage=Usage(action="chat_question")))
            for _ in range(100)
            for name in ("acme", "beta")
        ]
        assert all(isinstance(one.result(60).reply, Charge) for one in charges)
    finally:
        mending.join()
    assert len(done) == 20
    assert all(one == Rebuilt(one.entries, []) for one in done)
    assert verify(meter.store) == []
    with meter.store.snapshot() as view:
        accounts = [view.account(name) for name in ("acme", "beta")]
    assert [account and account.used for account in accounts] == [100, 100]
    engine.close()
    other.close()
    meter.close()
