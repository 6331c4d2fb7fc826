"""The contract of ``kvota.store.Snapshot``, sentence by sentence, on both stores."""

import itertools
import random

from kvota.core.account import Counts, DeclineKey, SpendingKey, StatisticsKey
from kvota.core.entries import Adjusted, CapRemoved, Resumed, Suspended
from kvota.core.periods import QUARTER, Span
from kvota.store import Batch, EntryFilter, Store, UsageFilter, UsageRow, Want
from kvota.stores.reading import INDEXED_AFTER
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
    measured,
    order,
    refunded,
    save,
    stage,
)


def test_a_snapshot_stays_as_it_was_while_a_writer_commits(store: Store, other: Store):
    save(store, "one", created=[account()], caps=[cap()])
    with store.snapshot() as view:
        save(other, "two", accounts=[account(used=9)], caps_gone=[("acme", cap().id)], created=[account("beta")])
        assert view.account("acme") == account()
        assert view.load(Want(caps=["acme"])).caps == [cap()]
        assert view.accounts("", 10) == [account()]
    with store.snapshot() as view:
        assert view.account("acme") == account(used=9)
        assert len(view.accounts("", 10)) == 2


def test_snapshots_take_no_locks(store: Store, other: Store):
    save(store, "one", created=[account()])
    with store.begin() as transaction:
        transaction.lock(["acme"])
        transaction.save(Batch(id="two", at=NOW, accounts=[account(used=9)]))
        with store.snapshot() as first, other.snapshot() as second:
            assert first.account("acme") == second.account("acme") == account()
        transaction.commit()


def test_many_snapshots_can_be_open_at_once_and_closed_in_any_order(store: Store):
    views = [store.snapshot() for _ in range(6)]
    for number, view in enumerate(views):
        view.__enter__()
        save(store, f"batch-{number}", created=[account(f"company-{number}")])
    for number, view in enumerate(views):
        assert len(view.accounts("", 10)) == number
        view.__exit__(None, None, None)


def test_accounts_come_in_pages_by_company_in_the_order_of_code_points(store: Store):
    names = ["Zeta", "a-b", "a_b", "aa", "ab", "é", "я", "🌼"]
    save(store, created=[account(name) for name in reversed(names)])
    with store.snapshot() as view:
        assert [row.company for row in view.accounts("", 5)] == names[:5]
        assert [row.company for row in view.accounts(names[4], 5)] == names[5:]


def _mixed_ledger(count: int) -> list:
    """Entries of several kinds, users and actions, at instants that grow, some of them equal."""
    chance = random.Random(7)  # noqa: S311 - a reproducible mixture
    facts, slot, charges = [], 0, []
    for seq in range(1, count + 1):
        kind = chance.choice(["charged", "charged", "charged", "measured", "adjusted", "refunded"])
        if kind == "charged" or not charges:
            slot += 1
            user, action = chance.choice([None, "ann", "bob"]), chance.choice(["chat_question", "mail_text"])
            facts.append(charged(slot, user=user, action=action))
            charges.append(f"chg_{seq:010d}")
        elif kind == "measured":
            facts.append(measured(charges[-1]))
        elif kind == "refunded":
            facts.append(refunded(charges.pop(), user=chance.choice([None, "ann"])))
        else:
            facts.append(Adjusted(amount=1))
    instants = list(itertools.accumulate(chance.choice([0, 0, 1, 5]) for _ in facts))
    return ledger(facts, at=[NOW + more for more in instants])


FILTERS = [
    EntryFilter(),
    EntryFilter(kind="charged"),
    EntryFilter(kind="suspended"),
    EntryFilter(user="ann"),
    EntryFilter(action="mail_text"),
    EntryFilter(kind="refunded", user="ann", action="chat_question"),
    EntryFilter(start=NOW + 10),
    EntryFilter(end=NOW + 10),
    EntryFilter(start=NOW + 5, end=NOW + 60, kind="charged"),
    EntryFilter(start=NOW + 5, end=NOW + 5),
    EntryFilter(start=0),
    EntryFilter(end=0),
    EntryFilter(start=NOW + 10**9),
    EntryFilter(end=NOW + 10**9, user="bob"),
]


def _matches(entry, which: EntryFilter) -> bool:
    fact = entry.fact
    return (
        which.kind in (None, entry.kind)
        and which.user in (None, getattr(fact, "user", None))
        and which.action in (None, getattr(fact, "action", None))
        and (which.start is None or entry.at >= which.start)
        and (which.end is None or entry.at < which.end)
    )


def _pages(view, which: EntryFilter, limit: int) -> list:
    found, after = [], 0
    while page := view.entries("acme", which, after, limit):
        assert len(page) <= limit
        found += page
        after = page[-1].entry.seq
    return found


def test_entries_come_in_pages_by_seq_as_they_are_filtered(store: Store):
    written = _mixed_ledger(150)
    save(store, "acme", entries=written)
    save(store, "beta", entries=ledger([charged(1), Suspended(), Resumed()], company="beta"))
    with store.snapshot() as view:
        for which in FILTERS:
            expected = [one for one in written if _matches(one.entry, which)]
            assert _pages(view, which, 7) == expected, which
            assert view.entries("acme", which, 0, 1000) == expected, which
            assert view.entries_before("acme", which, 10**6, 1000) == expected[::-1], which
            newer = [one for one in expected if one.entry.seq < 70][::-1]
            assert view.entries_before("acme", which, 70, 5) == newer[:5], which
        assert view.entries("absent", EntryFilter(start=0, end=NOW), 0, 10) == []


def test_pages_go_on_where_the_indexes_for_filtered_lists_begin(store: Store):
    written = _mixed_ledger(INDEXED_AFTER + 60)
    save(store, entries=written)
    middle = written[INDEXED_AFTER].entry.at
    with store.snapshot() as view:
        for which in [*FILTERS, EntryFilter(kind="charged", start=middle - 20, end=middle + 20)]:
            expected = [one for one in written if _matches(one.entry, which)]
            later = [one for one in expected if one.entry.seq > INDEXED_AFTER - 30]
            for limit in (1, 9, 10_000):
                assert view.entries("acme", which, INDEXED_AFTER - 30, limit) == later[:limit], (which, limit)
                assert (
                    view.entries("acme", which, INDEXED_AFTER, limit)
                    == [one for one in expected if one.entry.seq > INDEXED_AFTER][:limit]
                ), (which, limit)
                newest = view.entries_before("acme", which, INDEXED_AFTER + 30, limit)
                assert newest == [one for one in expected[::-1] if one.entry.seq < INDEXED_AFTER + 30][:limit]
            assert _pages(view, which, 500) == expected, which


def test_holds_come_in_pages_by_id_whatever_their_status(store: Store):
    rows = [hold(f"hld_{n}", expires_at=NOW + 100 - n) for n in range(5)]
    rows += [closed(f"hld_{n + 5}", status) for n, status in enumerate(["void", "expired", "captured", "void"])]
    save(store, holds=[*rows, hold("hld_0", "beta"), closed("hld_9", "void", "beta")])
    with store.snapshot() as view:
        assert view.holds("acme", None, "", 100) == rows
        assert view.holds("acme", None, "hld_2", 3) == rows[3:6]
        for status in ("open", "captured", "void", "expired"):
            expected = [row for row in rows if row.status == status]
            assert view.holds("acme", status, "", 100) == expected
            assert view.holds("acme", status, expected[0].id, 1) == expected[1:2]
        assert view.holds("acme", "unheard of", "", 100) == []


def test_orders_come_in_pages_by_id(store: Store):
    rows = [order(f"ord_{n}") for n in range(5)]
    save(store, orders=[*reversed(rows), order("ord_1", "beta")])
    with store.snapshot() as view:
        assert view.orders("acme", "", 3) == rows[:3]
        assert view.orders("acme", "ord_2", 3) == rows[3:]


def test_usage_is_summed_by_span_and_by_the_asked_columns(store: Store):
    save(
        store,
        statistics=[
            counted(at=NOW - QUARTER, counts=Counts(calls=100)),
            counted(at=NOW, counts=Counts(calls=1, requests=2, refunded=3, written_off=4)),
            counted(at=NOW, tool="crm", user="", counts=Counts(calls=5, requests=6)),
            counted(at=NOW, department="sales", counts=Counts(calls=7)),
            counted(at=NOW + QUARTER, counts=Counts(calls=10)),
            counted(at=NOW + 2 * QUARTER, counts=Counts(calls=100)),
            counted(company="beta", counts=Counts(calls=1000)),
        ],
    )
    spans = [Span(NOW, NOW + QUARTER), Span(NOW + 1, NOW + 2 * QUARTER), Span(NOW + 2, NOW + 3)]

    def row(span: int, calls: int, requests: int = 0, refunded: int = 0, off: int = 0, **keys: str) -> UsageRow:
        return UsageRow(span=span, calls=calls, requests=requests, refunded=refunded, written_off=off, **keys)

    with store.snapshot() as view:
        assert view.usage("acme", spans, [], UsageFilter()) == [row(0, 13, 8, 3, 4), row(1, 10)]
        assert view.usage("acme", spans, ["user", "tool"], UsageFilter()) == [
            row(0, 5, 6, user="", tool="crm"),
            row(0, 8, 2, 3, 4, user="ann", tool="chat"),
            row(1, 10, user="ann", tool="chat"),
        ]
        assert view.usage("acme", spans[:1], ["tool", "action", "user", "department"], UsageFilter(user="ann")) == [
            row(0, 1, 2, 3, 4, tool="chat", action="chat_question", user="ann", department=""),
            row(0, 7, tool="chat", action="chat_question", user="ann", department="sales"),
        ]
        assert view.usage("acme", [], ["user"], UsageFilter()) == []
        many = [*spans, Span(NOW, NOW), *spans]
        assert view.usage("acme", many, [], UsageFilter()) == [
            row(0, 13, 8, 3, 4), row(1, 10), row(4, 13, 8, 3, 4), row(5, 10),
        ]  # fmt: skip
        assert view.usage("acme", many, [], UsageFilter(tool="crm")) == [row(0, 5, 6), row(4, 5, 6)]
        assert [one.span for one in view.usage("acme", many, ["tool"], UsageFilter(tool="crm"))] == [0, 4]
        assert view.usage("acme", spans, [], UsageFilter(tool="crm", user="")) == [row(0, 5, 6)]
        whole = Span(NOW, NOW + 2 * QUARTER)
        assert view.quarters("acme", whole, UsageFilter()) == [
            (NOW, Counts(calls=13, requests=8, refunded=3, written_off=4)),
            (NOW + QUARTER, Counts(calls=10)),
        ]
        assert view.quarters("acme", whole, UsageFilter(department="sales")) == [(NOW, Counts(calls=7))]


def test_a_quarter_counts_in_each_span_that_contains_its_start(store: Store):
    save(store, statistics=[counted(counts=Counts(calls=1))])
    with store.snapshot() as view:
        spans = [Span(NOW - 5, NOW), Span(NOW - 5, NOW + 1), Span(NOW, NOW + 1)]
        assert [row.span for row in view.usage("acme", spans, [], UsageFilter())] == [1, 2]


def test_declines_are_summed_over_the_days(store: Store):
    def declined(day: str, reason: str, user: str, count: int, company: str = "acme"):
        return company, DeclineKey(day, reason, "chat", user), count

    save(
        store,
        declines=[
            declined("2026-11-01", "hourly_limit", "ann", 1),
            declined("2026-11-02", "hourly_limit", "ann", 2),
            declined("2026-11-02", "cap_reached", "bob", 4),
            declined("2026-11-03", "hourly_limit", "ann", 8),
            declined("2026-11-02", "hourly_limit", "ann", 16, "beta"),
        ],
    )
    with store.snapshot() as view:
        assert view.declines("acme", "2026-11-01", "2026-11-03", None) == [
            ("cap_reached", "chat", 4),
            ("hourly_limit", "chat", 3),
        ]
        assert view.declines("acme", "2026-11-02", "2026-11-03", "ann") == [("hourly_limit", "chat", 2)]
        assert view.declined_days("acme", "2026-11-01", "2026-11-03") == [
            ("2026-11-01", "hourly_limit", 1),
            ("2026-11-02", "cap_reached", 4),
            ("2026-11-02", "hourly_limit", 2),
        ]


def test_all_rows_are_there_for_verifying_whatever_their_status(store: Store):
    written = {
        "boosts": [boost("bst_1"), boost("bst_2", status="expired")],
        "stages": [stage("a"), stage("b")],
        "orders": [order("ord_1"), order("ord_2", status="dropped", closed_at=NOW)],
        "caps": [cap("cap_1"), cap("cap_2")],
        "spending": [("acme", SpendingKey("tool", "chat", NOW), 3)],
    }
    statistics = [counted(), counted(at=NOW + QUARTER)]
    save(store, "acme", **written, statistics=statistics)
    save(store, "beta", holds=[hold("hld_1", "beta")], boosts=[boost("bst_1", "beta")], caps=[cap("cap_1", "beta")])
    with store.snapshot() as view:
        rows = view.all_rows("acme")
        assert {name: getattr(rows, name) for name in written} == written
        assert (view.count_holds("acme"), view.count_holds("beta"), view.count_holds("none")) == (0, 1, 0)
        assert view.all_statistics("acme") == [(key, counts) for _, key, counts in statistics]
        assert isinstance(view.all_statistics("acme")[0][0], StatisticsKey)


def test_ledgers_are_the_companies_that_any_table_names(store: Store):
    save(
        store,
        created=[account("b"), account("d")],
        entries=[one for name in "acd" for one in ledger([charged(1), charged(2)], company=name)],
        holds=[hold("hld_1", "e")],
        statistics=[counted(company="f")],
    )
    with store.snapshot() as view:
        assert view.ledgers("", 10) == ["a", "b", "c", "d", "e", "f"]
        assert view.ledgers("", 2) == ["a", "b"]
        assert view.ledgers("b", 2) == ["c", "d"]
        assert view.ledgers("f", 2) == []


def test_columns_agree_with_the_bodies_that_they_were_taken_from(store: Store):
    save(store, entries=[*_mixed_ledger(40), *ledger([CapRemoved(id="x")], company="beta")])
    with store.snapshot() as view:
        for company, count in (("acme", 40), ("beta", 1)):
            rows = view.ledger(company, 0, 1000)
            assert [(row.seq, row.problem, row.differing) for row in rows] == [(n + 1, "", ()) for n in range(count)]
            assert [row.written for row in rows] == view.entries(company, EntryFilter(), 0, 1000)
