"""The contract of ``kvota.store.Transaction``, sentence by sentence, on both stores."""

import threading

import msgspec
import pytest

from kvota.core.account import MOVING, Counts, DeclineKey, Draw, SpendingKey, StatisticsKey
from kvota.core.catalogue import Price
from kvota.store import Batch, Conflict, EntryFilter, Rows, Store, Want
from tests.stores.making import (
    NOW,
    account,
    boost,
    cap,
    charged,
    closed,
    counted,
    hold,
    ledger,
    load,
    order,
    refunded,
    remembered,
    save,
    stage,
)

# Locks, rollback, commit


def test_lock_returns_the_accounts_that_exist(store: Store):
    full = account(
        "full",
        name="Ромашка \"'\\ 🌼",
        scheduled_plan="basic",
        next_time_zone="Asia/Tokyo",
        allowance_override=0,
        tools_off=("crm", "mail"),
        require_user=True,
        suspended=True,
        seq=9,
        hash="ab" * 32,
        slots=7,
        hour_slots=5,
        previous_slots=2,
        spending_zones=("Europe/Moscow", "Asia/Tokyo"),
    )
    save(store, created=[full, account("plain")])
    with store.begin() as transaction:
        assert transaction.lock(["plain", "absent", "full"]) == {"plain": account("plain"), "full": full}


def test_a_locked_account_waits_for_the_transaction_to_end_and_is_seen_as_it_then_is(store: Store, other: Store):
    save(store, created=[account()])
    begun, found = threading.Event(), []

    def second() -> None:
        with other.begin() as transaction:
            begun.set()
            found.append(transaction.lock(["acme"])["acme"].used)

    with store.begin() as transaction:
        transaction.lock(["acme"])
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        assert not found
        transaction.save(Batch(id="first", at=NOW, accounts=[account(used=5)]))
        transaction.commit()
    thread.join(20)
    assert found == [5]


def test_leaving_without_commit_rolls_everything_back(store: Store):
    with store.begin() as transaction:
        transaction.lock(["acme"])
        transaction.save(Batch(id="lost", at=NOW, created=[account()], remembered=[remembered()]))
    with store.snapshot() as view:
        assert view.account("acme") is None
    assert not store.was_committed("lost")
    assert load(store, keys=[("acme", "key-1")]) == Rows()


def test_an_exception_rolls_everything_back_and_the_store_goes_on(store: Store):
    def fail() -> None:
        with store.begin() as transaction:
            transaction.save(Batch(id="lost", at=NOW, created=[account()]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    save(store, "kept", created=[account()])
    assert store.was_committed("kept")
    assert not store.was_committed("lost")


def test_nothing_is_seen_by_others_before_commit(store: Store, other: Store):
    with store.begin() as transaction:
        transaction.lock([])
        transaction.save(Batch(id="one", at=NOW, created=[account()]))
        with other.snapshot() as view:
            assert view.account("acme") is None
        assert not other.was_committed("one")
        transaction.commit()
    with other.snapshot() as view:
        assert view.account("acme") == account()
    assert other.was_committed("one")


def test_what_is_saved_is_seen_by_what_is_loaded_afterwards(store: Store):
    with store.begin() as transaction:
        transaction.lock([])
        transaction.save(Batch(id="one", at=NOW, caps=[cap()]))
        assert transaction.load(Want(caps=["acme"])).caps == [cap()]


def test_the_clock_of_a_transaction_is_read_after_its_locks(store: Store, other: Store):
    save(store, created=[account()])
    waiting, clocks = threading.Event(), []

    def second() -> None:
        with other.begin() as transaction:
            waiting.set()
            transaction.lock(["acme"])
            clocks.append(transaction.clock())

    with store.begin() as transaction:
        transaction.lock(["acme"])
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        first = transaction.clock()
        save_at = first + 100  # the second transaction waits at least until then
        while _clock(store) <= save_at:
            pass
    thread.join(20)
    assert clocks[0] > save_at


def _clock(store: Store) -> int:
    with store.snapshot() as view:
        return view.clock()


def test_a_transaction_that_only_asks_for_the_clock_works(store: Store):
    with store.begin() as transaction:
        assert transaction.clock() > 1_700_000_000_000
        assert transaction.catalogue_number() == 0
        transaction.commit()


# Saving


def test_created_twice_is_a_conflict(store: Store, other: Store):
    save(store, "first", created=[account()])
    with pytest.raises(Conflict):
        save(other, "second", created=[account()])
    assert not store.was_committed("second")


def test_a_transaction_can_follow_a_conflict(store: Store):
    save(store, "first", created=[account()])
    with pytest.raises(Conflict):
        save(store, "second", created=[account()])
    save(store, "third", created=[account("beta")])
    assert store.was_committed("third")


def test_rows_replace_those_of_the_same_key(store: Store):
    save(
        store,
        "one",
        created=[account()],
        holds=[hold()],
        boosts=[boost()],
        stages=[stage()],
        orders=[order()],
        caps=[cap()],
    )
    newer = {
        "accounts": [account(used=3, name="New")],
        "holds": [
            closed("hld_0000000001", "captured", stages=("a", "b"), quantities={"images": 2}, paid=(Draw("x", 2),))
        ],
        "boosts": [boost(used=4, held=5, status="revoked", reason="wrong", order_id="ord_0000000001")],
        "stages": [stage(standing=2, user="ann", department="sales")],
        "orders": [
            order(
                status="paid", credited="bst_1", closed_at=NOW, price=Price(amount=990, currency="RUB"), suspends=True
            )
        ],
        "caps": [cap(scope="users", name=None, requests=0, until=NOW)],
    }
    save(store, "two", **newer)
    with store.snapshot() as view:
        rows = view.all_rows("acme")
        newest = msgspec.structs.replace(rows, holds=view.holds("acme", None, "", 10))
        assert view.account("acme") == newer.pop("accounts")[0]
    assert {name: getattr(newest, name) for name in newer} == newer


def test_counts_and_amounts_are_added(store: Store):
    key, declined = SpendingKey("user", "ann", NOW), DeclineKey("2026-11-22", "hourly_limit", "chat", "ann")
    for name, amount in (("one", 5), ("two", -3)):
        save(
            store,
            name,
            statistics=[counted(counts=Counts(calls=1, requests=2, refunded=3, written_off=4))],
            spending=[("acme", key, amount)],
            declines=[("acme", declined, 2)],
        )
    with store.snapshot() as view:
        assert view.all_statistics("acme") == [
            (
                StatisticsKey(NOW, "chat", "chat_question", "ann", ""),
                Counts(calls=2, requests=4, refunded=6, written_off=8),
            )
        ]
        assert view.all_rows("acme").spending == [("acme", key, 2)]
        assert view.declines("acme", "2026-11-22", "2026-11-23", None) == [("hourly_limit", "chat", 4)]


def test_stages_with_nothing_standing_on_them_are_removed(store: Store):
    save(store, "one", stages=[stage("a"), stage("b"), stage("a", subject="call:2")])
    save(store, "two", stages=[stage("a", standing=0)])
    save(store, "three", stages=[stage("never there", standing=0)])
    assert {(row.subject, row.stage) for row in load(store, subjects=[("acme", "call:1")]).stages} == {("call:1", "b")}
    assert len(load(store, subjects=[("acme", "call:2")]).stages) == 1


def test_caps_and_spending_that_are_gone_are_removed(store: Store):
    key = SpendingKey("tool", "chat", NOW)
    save(
        store,
        "one",
        caps=[cap("cap_1"), cap("cap_2"), cap("cap_1", "beta")],
        spending=[("acme", key, 1), ("beta", key, 1)],
    )
    save(store, "two", caps_gone=[("acme", "cap_1")], spending_gone=["acme"], spending=[("acme", key, 9)])
    assert load(store, caps=["acme"]).caps == [cap("cap_2")]
    assert load(store, caps=["beta"]).caps == [cap("cap_1", "beta")]
    assert load(store, spending=[(c, "tool", "chat", 0) for c in ("acme", "beta")]).spending == [
        ("acme", key, 9),
        ("beta", key, 1),
    ]


def test_an_entry_is_stored_byte_for_byte(store: Store):
    awkward = "é 🌼 \" \\ / \u2028 \u007f <&> \\u0041 '%s? $name {x}"
    facts = [charged(1, subject=awkward, measures={"tokens": 10**15}), charged(2, user=awkward, department="д")]
    written = ledger(facts)
    save(store, entries=written)
    with store.snapshot() as view:
        assert view.entries("acme", EntryFilter(), 0, 10) == written
        assert view.entries("acme", EntryFilter(user=awkward), 0, 10) == written[1:]


def test_an_entry_number_is_taken_once(store: Store):
    save(store, "one", entries=ledger([charged(1)]))
    with pytest.raises(Conflict):
        save(store, "two", entries=ledger([charged(2)]))


def test_a_charge_is_refunded_once(store: Store):
    save(store, "one", entries=ledger([charged(1), refunded("chg_0000000001")]))
    with pytest.raises(Conflict):
        save(store, "two", entries=ledger([refunded("chg_0000000001")], first=3))
    save(store, "three", entries=ledger([charged(1), refunded("chg_0000000001")], company="beta"))


def test_of_an_account_that_moved_nothing_but_what_moves_is_written(store: Store):
    save(store, "one", created=[account(), account("other")])
    moving = dict(zip(MOVING, range(50, 50 + len(MOVING)), strict=True)) | {
        "hash": "ab",
        "hour_slots": 98,
        "previous_slots": 97,
        "slots": 99,
    }
    save(store, "two", moved=[account(name="not written", locale="ru", caps=3, **moving)])
    with store.snapshot() as view:
        assert view.account("acme") == account(**moving)
        assert view.account("other") == account("other")


def test_the_first_reply_of_a_key_is_never_replaced(store: Store):
    save(store, "one", remembered=[remembered(reply=b"first")])
    with pytest.raises(Conflict):
        save(store, "two", remembered=[remembered(reply=b"second")])
    assert load(store, keys=[("acme", "key-1")]).remembered == [remembered(reply=b"first")]


@pytest.mark.parametrize(
    "lists",
    [
        {"accounts": [account(used=-1)]},
        {"accounts": [account(held=-1)]},
        {"boosts": [boost(amount=10, used=6, held=5)]},
        {"holds": [hold(status="captured")]},
        {"spending": [("acme", SpendingKey("user", "ann", NOW), -1)]},
        {"statistics": [counted(at=NOW + 1)]},
    ],
)
def test_what_breaks_an_invariant_is_refused(store: Store, lists: dict):
    with pytest.raises(Exception, match=r"(?i)check|violates"):
        save(store, "bad", **lists)
    assert not store.was_committed("bad")
    save(store, "good", created=[account("beta")])
