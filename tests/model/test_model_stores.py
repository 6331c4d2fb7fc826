"""The engine on each store, the core and the reference, side by side: the same replies and the same rows, every time.

Commands gather while the engine's clock is held, so that batches of several are decided and written together.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

from kvota.core import commands as c
from kvota.core.decisions.calls import CompanyPut
from kvota.core.state import replace
from kvota.stores import open_store
from kvota.verify import verify
from tests.core import histories as h
from tests.core.ledger import SMALL, boosts_first
from tests.engine.meter import Meter
from tests.model.machine import Machine
from tests.model.pair import Pair
from tests.model.test_model_core import steady

AT_ONCE = 5
# Where no plan brings a cap, sums for caps begin in the middle of a ledger, with the first cap.
WITHOUT_PLAN_CAPS = boosts_first(SMALL).replace("user_daily_cap = 4\n", "")
KEYED = (c.ChargeUsage, c.HoldUsage, c.CaptureHold, c.VoidHold, c.RefundCharge, c.AddBoost, c.ChangePlan, c.Adjust)


class OnStore(Machine):
    """Each step is carried out on the core and the reference at once, and on the store with the next batch."""

    meter: ClassVar[Meter]

    def found(self, catalogue: str, plan: str, zone: str) -> Pair:
        self.company = next(self.meter.companies)
        self.waiting: list[tuple[c.Command, object, bool]] = []
        pair = Pair(catalogue, plan, zone, self.now, self.company)
        put = c.PutCompany(company=self.company, name="Acme", plan=plan, time_zone=zone)
        self.waiting.append((put, CompanyPut(account=pair.ledger.account, made=True), False))
        return pair

    def carry_out(self, command: c.Command) -> None:
        ledger = self.pair.ledger
        command = replace(h.resolved(ledger, command, self.now), company=self.company)
        if isinstance(command, KEYED) and not getattr(command, "dry_run", False):
            command = replace(command, key=f"key {len(ledger.entries)}")
        before = ledger.state.changes.writes
        reply = self.pair.do(command, self.now)
        is_repeated = command.key is not None and ledger.state.changes.writes > before
        self.waiting.append((command, reply, is_repeated))
        if len(self.waiting) >= AT_ONCE:
            self.flush()

    def move_clock(self, now: int) -> None:
        self.flush()
        super().move_clock(now)
        self.compare()

    def teardown(self) -> None:
        if hasattr(self, "waiting"):
            self.flush()
            assert verify(self.meter.store, [self.company]) == []

    def flush(self) -> None:
        """What waits, and at once again what bears a key: the same replies, with one effect."""
        if not self.waiting:
            return
        asked = [one for one in self.waiting for _ in range(2 if one[2] else 1)]
        self.waiting = []
        answers = self.meter.together([command for command, _, _ in asked], self.now)
        for index, ((command, reply, _), answer) in enumerate(zip(asked, answers, strict=True)):
            if isinstance(reply, Exception) or isinstance(answer, Exception):
                assert (type(answer), str(answer)) == (type(reply), str(reply)), command
            else:
                assert plain(answer.reply) == plain(reply), command
                assert answer.is_replayed == (index > 0 and asked[index - 1] is asked[index])
        self.compare()

    def compare(self) -> None:
        """The store's rows and what is read from them, against the core's ledger."""
        ledger, reads = self.pair.ledger, self.meter.reads
        self.meter.clock.now = self.now
        with self.meter.store.snapshot() as view:
            account = view.account(self.company)
            assert account is not None
            rows = view.all_rows(self.company)
            holds = view.holds(self.company, None, "", 100_000)
        assert replace(account, spending_zones=()) == replace(ledger.account, spending_zones=())
        assert {row.id: row for row in holds} == ledger.state.holds
        assert {row.id: row for row in rows.boosts} == ledger.state.boosts
        assert {row.id: row for row in rows.caps} == ledger.state.caps
        assert reads.balance(self.company) == ledger.balance(self.now)
        quote = c.QuoteUsage(company=self.company, usage=h.Usage(action="analytics", subject="s", user="ann"))
        assert reads.quote(quote) == ledger.do(quote, self.now)


def plain(reply: object) -> object:
    """Since when sums for caps are kept is the store's own affair."""
    if isinstance(reply, CompanyPut):
        return replace(reply, account=replace(reply.account, spending_zones=()))
    return reply


@pytest.fixture(params=["allowance_first", "boosts_first"])
def meter(request: pytest.FixtureRequest, store_url: str) -> Iterator[Meter]:
    catalogue = SMALL if request.param == "allowance_first" else WITHOUT_PLAN_CAPS
    meter = Meter(open_store(store_url), catalogue)
    try:
        yield meter
    finally:
        meter.close()


def on(meter: Meter) -> type[OnStore]:
    return type("OnThisStore", (OnStore,), {"meter": meter, "catalogues": (meter.catalogue,)})


def by_dice(meter: Meter, examples: int, steps: int) -> None:
    @steady(examples)
    @given(st.randoms(use_true_random=True))
    def live(random: random.Random) -> None:
        machine = on(meter)()
        machine.live(random, steps)
        machine.teardown()

    live()


def test_the_engine_agrees_with_core_and_reference_after_every_batch(meter: Meter):
    run_state_machine_as_test(on(meter), settings=steady(10, 20))
    by_dice(meter, 10, 60)


@pytest.mark.soak
def test_the_engine_agrees_with_core_and_reference_through_thousands_of_steps(meter: Meter):
    run_state_machine_as_test(on(meter), settings=steady(25, 50))
    by_dice(meter, 30, 150)
