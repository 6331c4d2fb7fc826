"""What may happen to a company, as a state machine: random commands at random instants, compared after every step."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from kvota.core import commands as c
from kvota.core.periods import EPOCH, milliseconds
from tests.core import histories as h
from tests.core.chance import PLANS, Dice
from tests.core.ledger import SMALL, boosts_first
from tests.model.pair import Pair

STARTS = ("2026-03-01T00:00:00Z", "2026-01-31T21:30:00Z", "2026-10-30T12:00:00Z", "2027-02-28T23:59:59.999Z")


def instant(text: str) -> int:
    return milliseconds(type(EPOCH).fromisoformat(text.replace("Z", "+00:00")))


class Machine(RuleBasedStateMachine):
    """One company; subclasses may carry each command out elsewhere, too, by ``carry_out``."""

    catalogues: ClassVar[tuple[str, ...]] = (SMALL, boosts_first(SMALL))
    pair: Pair
    now: int

    @initialize(
        which=st.integers(0, 1),
        plan=st.sampled_from(["mini", "midi", "maxi", "textual"]),
        zone=st.sampled_from(h.ZONES),
        start=st.sampled_from(STARTS),
    )
    def begin(self, which: int, plan: str, zone: str, start: str) -> None:
        self.now = instant(start)
        self.pair = self.found(self.catalogues[which % len(self.catalogues)], plan, zone)

    def found(self, catalogue: str, plan: str, zone: str) -> Pair:
        return Pair(catalogue, plan, zone, self.now)

    def carry_out(self, command: c.Command) -> None:
        self.pair.do(h.resolved(self.pair.ledger, command, self.now), self.now)
        self.pair.check(self.now)

    def live(self, random: Random, steps: int) -> None:
        """A history by dice instead of rules."""
        dice, zone, start = Dice(random), random.choice(h.ZONES), random.choice(STARTS)
        self.begin(random.randrange(2), random.choice(PLANS), zone, start)
        for _ in range(steps):
            now = dice.pause(self.pair.ledger, self.now)
            if now != self.now:
                self.move_clock(now)
            self.carry_out(dice.command())

    def move_clock(self, now: int) -> None:
        self.now = now
        self.pair.check(self.now)

    @rule(commands=st.lists(h.work, min_size=2, max_size=8))
    def work(self, commands: list[c.Command | int]) -> None:
        """Calls and what becomes of them, close together; numbers are milliseconds that pass in between."""
        for command in commands:
            if isinstance(command, int):
                self.move_clock(self.now + command)
            else:
                self.carry_out(command)

    @rule(commands=st.lists(h.work, min_size=2, max_size=8))
    def work_on(self, commands: list[c.Command | int]) -> None:
        self.work(commands)

    @rule(command=h.wrong_calls | h.suspensions)
    def err_or_suspend(self, command: c.Command) -> None:
        self.carry_out(command)

    @rule(command=h.added_boosts)
    def add_boost(self, command: c.Command) -> None:
        self.carry_out(command)

    @rule(command=h.revoked_boosts | h.orders)
    def revoke_boost_or_order(self, command: c.Command) -> None:
        self.carry_out(command)

    @rule(commands=st.lists(h.caps, min_size=1, max_size=3))
    def cap(self, commands: list[c.Command]) -> None:
        for command in commands:
            self.carry_out(command)

    @rule(command=h.plan_changes | h.adjustments)
    def change_plan_or_adjust(self, command: c.Command) -> None:
        self.carry_out(command)

    @rule(command=h.settings_changes | h.zone_changes)
    def change_settings(self, command: c.Command) -> None:
        self.carry_out(command)

    @rule(span=st.sampled_from(h.SPANS))
    def wait(self, span: int) -> None:
        self.move_clock(self.now + span)

    @rule(before=st.sampled_from([0, 0, 1, h.MINUTE]))
    def wait_for_the_1st(self, before: int) -> None:
        self.move_clock(max(self.now, self.pair.ledger.balance(self.now).period_end - before))

    @rule(nth=st.integers(0, 3), before=st.sampled_from([0, 1]))
    def wait_for_an_end(self, nth: int, before: int) -> None:
        """To the very instant at which a hold or boost ends, or one millisecond before it."""
        state = self.pair.ledger.state
        ends = sorted({row.expires_at for row in (*state.open_holds(), *state.live_boosts())})
        if ends:
            self.move_clock(max(self.now, ends[nth % len(ends)] - before))

    @rule(span=st.sampled_from([1, h.MINUTE, h.HOUR, 2 * h.DAY]))
    def step_back(self, span: int) -> None:
        self.move_clock(self.now - span)
