"""``load`` and ``rebuild_spending``: what a want brings, through a transaction and through a snapshot."""

import pytest

from kvota.core.account import Counts, SpendingKey
from kvota.core.periods import DAY, HOUR, Span
from kvota.errors import StoreUnavailable
from kvota.store import Rows, Store
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
    measured,
    order,
    refunded,
    remembered,
    save,
    stage,
)


def test_load_brings_what_is_named_and_nothing_else(store: Store):
    save(
        store,
        holds=[hold("hld_1"), hold("hld_2"), hold("hld_1", "beta")],
        boosts=[boost("bst_1"), boost("bst_2"), boost("bst_1", "beta")],
        orders=[order("ord_1"), order("ord_2")],
        stages=[stage("a"), stage("b"), stage("a", subject="call:2")],
        caps=[cap("cap_1"), cap("cap_2"), cap("cap_1", "beta")],
        remembered=[remembered("k"), remembered("l"), remembered("k", "beta")],
    )
    found = load(
        store,
        keys=[("acme", "k"), ("acme", "absent")],
        holds=[("acme", "hld_1"), ("absent", "hld_1")],
        boosts=[("acme", "bst_2")],
        orders=[("acme", "ord_2"), ("acme", "ord_9")],
        subjects=[("acme", "call:2")],
        caps=["beta"],
    )
    assert found == Rows(
        remembered=[remembered("k")],
        holds=[hold("hld_1")],
        boosts=[boost("bst_2")],
        orders=[order("ord_2")],
        stages=[stage("a", subject="call:2")],
        caps=[cap("cap_1", "beta")],
    )


def test_a_name_is_a_value_and_never_a_part_of_the_sql(store: Store):
    name = "'; DROP TABLE holds; -- %s ? $wants \""
    save(store, holds=[hold(name, name)], created=[account(name)])
    assert load(store, holds=[(name, name)]).holds == [hold(name, name)]


def test_due_holds_are_the_open_ones_that_expire_until_now(store: Store):
    save(
        store,
        holds=[
            hold("hld_1", expires_at=NOW - 1),
            hold("hld_2", expires_at=NOW),
            hold("hld_3", expires_at=NOW + 1),
            closed("hld_4", "void", expires_at=NOW),
            hold("hld_5", "beta", expires_at=NOW),
        ],
    )
    assert {row.id for row in load(store, due=[("acme", NOW)]).holds} == {"hld_1", "hld_2"}
    assert {row.id for row in load(store, due=[("acme", NOW), ("beta", NOW - 1)]).holds} == {"hld_1", "hld_2"}
    assert {row.id for row in load(store, all_holds=["acme"]).holds} == {"hld_1", "hld_2", "hld_3"}


def test_funds_are_the_live_boosts_that_have_something_left_or_are_due(store: Store):
    save(
        store,
        boosts=[
            boost("bst_left", used=4, held=5),
            boost("bst_empty", used=5, held=5),
            boost("bst_due", used=10, expires_at=NOW),
            boost("bst_left_and_due", expires_at=NOW),
            boost("bst_revoked", status="revoked"),
            boost("bst_expired", status="expired", expires_at=NOW - 1),
            boost("bst_other", "beta"),
        ],
    )
    found = [row.id for row in load(store, funds=[("acme", NOW)]).boosts]
    assert sorted(found) == ["bst_due", "bst_left", "bst_left_and_due"]
    assert {row.id for row in load(store, all_boosts=["acme"]).boosts} == {*found, "bst_empty"}


def test_a_boost_enters_and_leaves_the_funds_as_it_is_drawn_and_given_back(store: Store):
    save(store, "one", boosts=[boost()])
    for name, used in (("two", 10), ("three", 9), ("four", 10)):
        save(store, name, boosts=[boost(used=used)])
        assert bool(load(store, funds=[("acme", NOW)]).boosts) == (used < 10)


def test_a_charge_is_loaded_by_its_number_with_its_refund(store: Store):
    facts = [charged(1), charged(2), measured("chg_0000000001"), refunded("chg_0000000002", reason="wrong")]
    save(store, entries=ledger(facts))
    plain, given_back = load(store, charges=[("acme", n) for n in (1, 2, 3, 4, 5)]).charges
    assert (plain.id, plain.entry, plain.refund) == ("chg_0000000001", 1, None)
    assert given_back.id == "chg_0000000002"
    assert given_back.refund is not None
    assert (given_back.refund.id, given_back.refund.amount) == ("rfd_0000000004", 1)


def test_slots_are_loaded_from_the_first_to_the_last(store: Store):
    facts = [charged(1), measured("chg_0000000001"), charged(2), charged(3)]
    save(store, entries=ledger(facts, at=[NOW, NOW + 1, NOW + 2, NOW + 3]))
    assert sorted(load(store, slots=[("acme", 2, 3)]).slots) == [("acme", 2, NOW + 2), ("acme", 3, NOW + 3)]


def test_spending_is_loaded_from_its_floor_on(store: Store):
    keys = [SpendingKey("user", "ann", NOW + n * DAY) for n in range(3)]
    others = [SpendingKey("user", "bob", NOW + DAY), SpendingKey("tool", "ann", NOW + DAY)]
    save(store, spending=[("acme", key, n + 1) for n, key in enumerate([*keys, *others])])
    found = load(store, spending=[("acme", "user", "ann", NOW + DAY)]).spending
    assert sorted(found) == [("acme", keys[1], 2), ("acme", keys[2], 3)]


def test_spending_is_rebuilt_from_statistics_and_open_holds(store: Store):
    save(
        store,
        statistics=[
            counted(at=NOW - HOUR, counts=Counts(requests=100)),
            counted(at=NOW, department="sales", counts=Counts(requests=7, refunded=2)),
            counted(at=NOW + DAY, user="", counts=Counts(requests=1)),
            counted(at=NOW + 2 * DAY, counts=Counts(requests=100)),
            counted(company="beta", counts=Counts(requests=50)),
        ],
        holds=[
            hold("hld_1", held=5, at=NOW + DAY - 1, department="sales"),
            hold("hld_2", held=3, at=NOW + DAY, user=None),
            closed("hld_3", "void", held=9),
            hold("hld_4", "beta", held=50),
        ],
        spending=[("acme", SpendingKey("user", "old", NOW - DAY), 1), ("beta", SpendingKey("user", "old", NOW), 1)],
    )
    with store.begin() as transaction:
        transaction.lock(["acme"])
        transaction.rebuild_spending("acme", [Span(NOW, NOW + DAY), Span(NOW + DAY, NOW + 2 * DAY)])
        transaction.commit()
    expected = {
        SpendingKey("user", "ann", NOW): 10,
        SpendingKey("department", "sales", NOW): 10,
        SpendingKey("tool", "chat", NOW): 10,
        SpendingKey("tool", "chat", NOW + DAY): 4,
    }
    with store.snapshot() as view:
        assert {key: amount for _, key, amount in view.all_rows("acme").spending} == expected
        assert len(view.all_rows("beta").spending) == 1


def test_a_store_that_was_not_migrated_says_so(bare_store_url: str):
    from kvota.stores import open_store  # noqa: PLC0415 - only here

    store = open_store(bare_store_url)
    with pytest.raises(StoreUnavailable, match="has not been migrated"), store.begin() as transaction:
        transaction.lock(["acme"])
    store.close()
