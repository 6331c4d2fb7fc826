"""The contract of ``kvota.store.Store`` beside the ledgers: clock, keys, catalogues, batches, opening."""

import threading
from pathlib import Path

import pytest

from kvota.errors import Invalid, StoreUnavailable
from kvota.store import ApiKey, Batch, Overtaken, PlansInUse, Store, StoredCatalogue
from kvota.stores import open_store
from tests.stores.making import NOW, account, save


def clocks(store: Store) -> set[int]:
    with store.snapshot() as view, store.begin() as transaction:
        return {view.clock(), transaction.clock()}


def key(name: str = "key_1", **fields) -> ApiKey:
    return ApiKey(
        id=name, **({"hash": f"hash of {name}", "role": "app", "company": "acme", "created_at": NOW} | fields)
    )


def catalogue(version: str, effective_at: int = 0, **fields) -> StoredCatalogue:
    given = {"number": 0, "id": "demo", "loaded_at": 0, "text": f"version = '{version}' # é\n"}
    return StoredCatalogue(version=version, effective_at=effective_at, **(given | fields))


# The clock


def test_the_clock_counts_milliseconds_and_never_steps_back(store: Store):
    seen = [max(clocks(store)) for _ in range(20)]
    assert seen == sorted(seen)
    assert 1_700_000_000_000 < seen[0] < 4_102_444_800_000


def test_a_sandbox_clock_stands_where_it_was_set_for_every_process(store: Store, other: Store):
    assert not store.is_sandbox
    store.enter_sandbox()
    assert other.is_sandbox
    assert min(clocks(other)) > 1_700_000_000_000
    for at in (NOW, NOW + 5, NOW - 5):
        store.set_clock(at)
        assert clocks(store) == clocks(other) == {at}


def test_a_sandbox_is_entered_before_there_are_companies(store: Store):
    save(store, created=[account()])
    with pytest.raises(Invalid):
        store.enter_sandbox()
    assert not store.is_sandbox


def test_a_sandbox_stays_one_when_it_has_companies(store: Store, other: Store):
    store.enter_sandbox()
    store.set_clock(NOW)
    save(store, created=[account()])
    other.enter_sandbox()
    assert clocks(other) == {NOW}


def test_the_clock_of_a_real_store_cannot_be_set(store: Store):
    with pytest.raises(Invalid):
        store.set_clock(NOW)
    assert NOW not in clocks(store)


# Batches


def test_was_committed_knows_the_batches_that_are_there(store: Store, other: Store):
    save(store, "there")
    assert store.was_committed("there")
    assert other.was_committed("there")
    assert not store.was_committed("elsewhere")


def test_batches_older_than_a_day_are_forgotten_now_and_then(store: Store):
    store.enter_sandbox()
    store.set_clock(NOW)
    save(store, "old")
    store.set_clock(NOW + 86_400_001)
    for number in range(300):
        with store.begin() as transaction:
            transaction.lock([])
            transaction.save(Batch(id=f"new-{number}", at=transaction.clock()))
            transaction.commit()
    assert not store.was_committed("old")
    assert all(store.was_committed(f"new-{number}") for number in range(300))


# The secret and the API keys


def test_the_secret_is_made_once_with_the_store(store: Store, other: Store):
    assert len(store.secret()) == 32
    assert other.migrate() == []
    assert other.secret() == store.secret()


def test_a_key_is_found_by_its_hash_until_it_is_revoked(store: Store, other: Store):
    full = key("key_2", company=None, user="ann", label='"é"', actions=("chat_question", "mail_text"), role="operator")
    for one in (key(), full):
        store.add_key(one)
        assert other.find_key(one.hash) == one
    assert store.find_key("unknown") is None
    assert store.revoke_key("acme", "key_1", NOW)
    assert other.find_key(key().hash) is None
    assert other.find_key(full.hash) == full


def test_adding_a_key_whose_hash_is_there_does_nothing(store: Store):
    store.add_key(key())
    store.add_key(key("key_2", hash=key().hash, role="admin"))
    assert store.find_key(key().hash) == key()
    with store.snapshot() as view:
        assert view.keys("acme", "", 10) == [key()]


def test_a_key_is_revoked_only_in_its_company(store: Store):
    store.add_key(key())
    store.add_key(key("key_2", company=None))
    assert not store.revoke_key("beta", "key_1", NOW)
    assert not store.revoke_key(None, "key_1", NOW)
    assert not store.revoke_key("acme", "key_2", NOW)
    assert not store.revoke_key("acme", "key_9", NOW)
    assert store.find_key(key().hash)
    assert store.revoke_key(None, "key_2", NOW)
    assert store.revoke_key("acme", "key_1", NOW)
    assert store.revoke_key("acme", "key_1", NOW + 1)


def test_keys_come_in_pages_by_id_without_the_revoked_ones(store: Store):
    rows = [key(f"key_{n}") for n in range(5)]
    for one in [*reversed(rows), key("key_0b", company="beta"), key("key_0o", company=None)]:
        store.add_key(one)
    store.revoke_key("acme", "key_3", NOW)
    with store.snapshot() as view:
        assert view.keys("acme", "", 3) == rows[:3]
        assert view.keys("acme", "key_2", 3) == rows[4:]
        assert [row.id for row in view.keys(None, "", 3)] == ["key_0o"]


# Catalogues


def test_catalogues_are_numbered_and_the_first_keeps_its_instant(store: Store, other: Store):
    store.enter_sandbox()
    store.set_clock(NOW)
    assert store.catalogues() == []
    first = store.add_catalogue(catalogue("1", 5, number=77, loaded_at=99))
    assert first == catalogue("1", 5, number=1, loaded_at=NOW)
    store.set_clock(NOW + 10)
    past = other.add_catalogue(catalogue("2", 5))
    future = store.add_catalogue(catalogue("3", NOW + 100))
    assert (past.number, past.effective_at, past.loaded_at) == (2, NOW + 10, NOW + 10)
    assert (future.number, future.effective_at, future.loaded_at) == (3, NOW + 100, NOW + 10)
    assert store.catalogues() == other.catalogues() == [first, past, future]
    with store.snapshot() as view, store.begin() as transaction:
        assert view.catalogue_number() == transaction.catalogue_number() == 3


def test_a_catalogue_of_the_same_version_is_returned_as_it_is_stored(store: Store):
    first = store.add_catalogue(catalogue("1", 5))
    assert store.add_catalogue(catalogue("1", 9, text="another")) == first
    assert store.catalogues() == [first]


def test_no_newer_catalogue_appears_while_a_transaction_runs(store: Store, other: Store):
    store.add_catalogue(catalogue("1"))
    with store.begin() as transaction:
        transaction.lock([])
        thread = threading.Thread(target=other.add_catalogue, args=[catalogue("2")])
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert len(store.catalogues()) == transaction.catalogue_number() == 1
        transaction.commit()
    thread.join(20)
    assert len(store.catalogues()) == 2


def test_defect_1_a_plan_that_a_company_comes_to_meanwhile_is_not_dropped(store: Store, other: Store):
    """Another process moves the company after the catalogue was compared, and commits while it is being added."""
    store.add_catalogue(catalogue("1"))
    save(store, created=[account(plan="old")])
    assert store.plans_in_use() == ["old"]
    problems: list[Exception] = []

    def add() -> None:
        try:
            store.add_catalogue(catalogue("2"), newest=1, plans={"old", "new"})
        except PlansInUse as problem:
            problems.append(problem)

    with other.begin() as transaction:
        transaction.lock(["acme"])
        thread = threading.Thread(target=add)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        transaction.save(Batch(id="move", at=NOW, accounts=[account(plan="dropped", scheduled_plan="gone")]))
        transaction.commit()
    thread.join(60)
    assert [problem.args for problem in problems] == [("dropped, gone",)]
    assert [one.version for one in store.catalogues()] == ["1"]


def test_a_catalogue_that_was_compared_with_another_newest_one_is_not_added(store: Store, other: Store):
    store.add_catalogue(catalogue("1"))
    other.add_catalogue(catalogue("3"), newest=1, plans=())
    with pytest.raises(Overtaken):
        store.add_catalogue(catalogue("2"), newest=1, plans=())
    assert [one.version for one in store.catalogues()] == ["1", "3"]


# Opening


def test_a_store_can_be_pinged(store: Store):
    store.ping()


@pytest.mark.parametrize(
    "url", ["", "kvota.db", "sqlite:kvota.db", "sqlite://", "sqlite:///", "mysql://x/y", "postgresql://"]
)
def test_a_url_that_names_no_store_is_refused_with_what_would_do(url: str):
    with pytest.raises(Invalid, match="sqlite:///relative/path"):
        open_store(url)


def test_a_postgres_url_that_cannot_be_read_is_refused():
    with pytest.raises(Invalid, match="cannot be read"):
        open_store("postgresql://host/db?unheard_of=1")


def test_a_server_that_is_not_there_is_unavailable():
    store = open_store("postgresql://postgres@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        store.ping()
    with pytest.raises(StoreUnavailable, match="cannot be reached"), store.begin() as transaction:
        transaction.lock([])
    store.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is not a database. " * 100)
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        open_store(f"sqlite:///{path}")


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path):
    with pytest.raises(StoreUnavailable, match="no folder"):
        open_store(f"sqlite:///{tmp_path}/none/kvota.db")


def test_a_store_in_memory_is_one_database_and_gone_when_it_is_closed():
    first, second = open_store("sqlite:///:memory:"), open_store("sqlite:///:memory:")
    for store in (first, second):
        store.migrate()
        save(store, created=[account()])
        with store.snapshot() as view:
            assert view.account("acme") == account()
        store.close()
