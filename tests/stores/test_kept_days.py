"""Sums of days that a process keeps are those that the database would make, whatever was written since."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from kvota.core import commands as c
from kvota.core.account import Counts
from kvota.core.periods import DAY, HOUR, QUARTER, Span
from kvota.errors import CallerError
from kvota.store import Batch, Store, UsageFilter
from kvota.stores import kept_days, summing
from kvota.stores.kept_days import KeptDays, pieces_of
from kvota.stores.summing import Summing
from tests.core.chance import Dice
from tests.core.ledger import COMPANY, SMALL
from tests.engine.meter import Meter
from tests.stores.making import NOW, counted, save

FIRST = NOW - NOW % DAY
DAYS = 6
KEYS = ("tool", "action", "user", "department")
FIELDS = ("calls", "requests", "refunded", "written_off")
MONTH = Span(FIRST, FIRST + DAYS * DAY)


@pytest.fixture(autouse=True)
def however_few(monkeypatch):
    """Days are kept however few calls they have."""
    monkeypatch.setattr(summing, "FEW_CALLS", 0)


def some_rows(chance: Random) -> dict:
    """What a batch adds to the statistics, by key."""
    return {
        key: counts
        for _ in range(chance.randrange(1, 12))
        for _, key, counts in [
            counted(
                at=FIRST + chance.randrange(DAYS * 96) * QUARTER,
                tool=chance.choice(["chat", "crm"]),
                user=chance.choice(["", "ann", "bob"]),
                department=chance.choice(["", "sales"]),
                counts=Counts(**{name: chance.randrange(3) for name in FIELDS}),
            )
        ]
    }


def by_hand(written: dict, spans: list[Span], by: list[str], which: UsageFilter) -> dict:
    sums: dict = defaultdict(lambda: [0, 0, 0, 0])
    for key, counts in written.items():
        if all(getattr(which, name) in (None, getattr(key, name)) for name in KEYS):
            for number, span in enumerate(spans):
                if span.start <= key.quarter < span.end:
                    place = sums[number, *(getattr(key, name) for name in by)]
                    for n, more in enumerate(counts):
                        place[n] += more
    return dict(sums)


def asked(view, spans: list[Span], by: list[str], which: UsageFilter) -> dict:
    rows = view.usage("acme", spans, by, which)
    found = {(row.span, *(getattr(row, name) for name in by)): [getattr(row, name) for name in FIELDS] for row in rows}
    assert list(found) == sorted(found), "ordered by span and keys"
    return found


def test_whatever_is_asked_after_whatever_was_written(store: Store):
    chance = Random(8)  # noqa: S311 - the same questions every time
    written: dict = defaultdict(lambda: [0, 0, 0, 0])
    for n in range(25):
        rows = some_rows(chance)
        save(store, f"batch-{n}", statistics=[("acme", key, counts) for key, counts in rows.items()])
        for key, counts in rows.items():
            written[key] = [was + getattr(counts, name) for was, name in zip(written[key], FIELDS, strict=True)]
        with store.snapshot() as view:
            for _ in range(4):
                start = FIRST + chance.choice([0, 3 * HOUR]) + chance.randrange(2) * DAY
                spans = [Span(start, start + chance.randrange(2, DAYS) * DAY + chance.choice([0, HOUR]))]
                spans += [Span(start - DAY + n * DAY, start + n * DAY) for n in range(chance.randrange(5))]
                by = chance.sample(KEYS, chance.randrange(1, 4))
                which = UsageFilter(user=chance.choice([None, None, "", "ann"]), tool=chance.choice([None, "crm"]))
                assert asked(view, spans, by, which) == by_hand(written, spans, by, which)
                found = view.quarters("acme", spans[-1], UsageFilter())
                assert sum(counts.calls for _, counts in found) == sum(
                    row[0] for row in by_hand(written, spans[-1:], [], UsageFilter()).values()
                )


def test_a_day_is_read_again_only_when_its_totals_have_changed(store: Store, monkeypatch):
    read: list[Span] = []
    of_store = KeptDays.keep

    def noted(self, company, span, totals, rows):
        read.append(span)
        of_store(self, company, span, totals, rows)

    monkeypatch.setattr(KeptDays, "keep", noted)
    save(store, "one", statistics=[counted(at=FIRST + n * DAY) for n in range(DAYS)])
    for expected in (DAYS, 0):
        with store.snapshot() as view:
            view.usage("acme", [MONTH], ["user"], UsageFilter())
        assert len(read) == expected
        read.clear()
    save(store, "two", statistics=[counted(at=FIRST + 2 * DAY, counts=Counts(refunded=1))])
    with store.snapshot() as view:
        (row,) = view.usage("acme", [MONTH], ["user"], UsageFilter())
    assert (row.calls, row.refunded, read) == (DAYS, 1, [Span(FIRST + 2 * DAY, FIRST + 3 * DAY)])


def test_what_is_not_committed_is_not_kept(store: Store):
    """The same totals may be there later, of somebody else."""
    with store.begin() as transaction:
        transaction.lock([])
        transaction.save(Batch(id="lost", at=NOW, statistics=[counted(at=FIRST, user="ann")]))
        with transaction.view() as view:
            assert [row.user for row in view.usage("acme", [MONTH], ["user"], UsageFilter())] == ["ann"]
        transaction.save(Batch(id="too", at=NOW, statistics=[counted(at=FIRST, user="cid")]))
        with transaction.view() as view:
            assert len(view.usage("acme", [MONTH], ["user"], UsageFilter())) == 2
    save(store, "kept", statistics=[counted(at=FIRST, user="bob")])
    with store.snapshot() as view:
        assert [row.user for row in view.usage("acme", [MONTH], ["user"], UsageFilter())] == ["bob"]


def commands(dice: Dice) -> Iterator[c.Command]:
    """Calls, holds that are captured at once, a day later or never, and refunds of calls of any age."""
    random = dice.random
    yield c.ChargeUsage(company=COMPANY, usage=dice.usage())
    yield c.HoldUsage(company=COMPANY, usage=dice.usage(), ttl=random.choice([1, DAY // 1000]))
    yield c.CaptureHold(company=COMPANY, hold=f"hld_{random.randrange(1, 400):010d}")
    if random.random() < 0.1:
        yield c.RefundCharge(company=COMPANY, charge=f"chg_{random.randrange(1, 400):010d}")


def test_totals_that_are_kept_are_those_of_the_ledger(store: Store, monkeypatch):
    """Whatever calls, late captures and refunds come between two questions."""
    monkeypatch.setattr(summing, "INDEXED_AFTER", 0)
    walked: list[int] = []
    of_database = Summing.read_quarters

    def noted(self, company, span, asked):
        found = of_database(self, company, span, asked)
        walked.append(len(found))
        return found

    monkeypatch.setattr(Summing, "read_quarters", noted)
    dice, meter = Dice(Random(5)), Meter(store, SMALL.replace("hourly_limit = 5", "hourly_limit = 1000"))  # noqa: S311
    meter.clock.now = FIRST
    company = {"name": "Acme", "plan": "maxi", "time_zone": "UTC", "allowance_override": 100_000}
    meter.engine.execute(c.PutCompany(company=COMPANY, **company))
    there = 0
    for _ in range(150):
        meter.clock.now += dice.random.choice([0, HOUR, 7 * HOUR])
        for command in commands(dice):
            with suppress(CallerError):
                meter.engine.execute(command)
        with store.snapshot() as view:
            rows = view.all_statistics(COMPANY)
            for _ in range(2):
                start = FIRST + dice.random.choice([0, 0, 1, 9]) * DAY
                span = Span(start, start + dice.random.choice([1, 30, 30, 60]) * DAY)
                wanted: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
                user = dice.random.choice([None, None, "ann"])
                for key, counts in rows:
                    if span.start <= key.quarter < span.end and user in (None, key.user):
                        wanted[key.quarter] = [
                            n + getattr(counts, name) for n, name in zip(wanted[key.quarter], FIELDS, strict=True)
                        ]
                found = view.quarters(COMPANY, span, UsageFilter(user=user))
                assert [(at, [getattr(one, name) for name in FIELDS]) for at, one in found] == sorted(wanted.items())
                there += len(found)
    meter.engine.close()
    assert sum(walked) < there / 2, "most of them were kept"


def test_only_so_much_is_kept(store: Store, monkeypatch):
    monkeypatch.setattr(summing, "MOST_ASKED", 3)
    save(store, statistics=[counted(at=FIRST + n * DAY) for n in range(DAYS)])
    for _ in range(2):  # the first time it is found to be too much, the second time it is known
        with store.snapshot() as view:
            assert [row.calls for row in view.usage("acme", [MONTH], ["user"], UsageFilter())] == [DAYS]


def test_what_was_not_asked_for_the_longest_time_goes_first(monkeypatch):
    monkeypatch.setattr(kept_days, "MOST_ROWS", 3)
    kept, totals = KeptDays(), (1, 1, 0, 0)
    day = {("chat", "chat_question", "ann", ""): totals}
    first, second, third, fourth = pieces_of(Span(FIRST, FIRST + 3 * DAY + HOUR))
    for span in (first, second, third):
        kept.keep("acme", span, totals, day)
    assert kept.get("acme", first, totals) == day
    kept.keep("acme", fourth, totals, day)
    kept.keep("acme", fourth, totals, day)
    assert [kept.get("acme", span, totals) is not None for span in (first, second, third, fourth)] == [
        True, False, True, True,
    ]  # fmt: skip
    assert kept.get("acme", first, (2, 1, 0, 0)) is None
    assert kept.get("beta", first, totals) is None


def test_nothing_is_kept_for_long(monkeypatch):
    kept, span, totals = KeptDays(), Span(FIRST, FIRST + DAY), (1, 1, 0, 0)
    kept.keep("acme", span, totals, {})
    assert kept.get("acme", span, totals) == {}
    later = kept_days.time.monotonic() + kept_days.LONGEST + 1
    monkeypatch.setattr(kept_days.time, "monotonic", lambda: later)
    assert kept.get("acme", span, totals) is None
