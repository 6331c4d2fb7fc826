"""Defect class 5: the connection to PostgreSQL is cut at every message of a batch, and inside COMMIT.

Each command must end in exactly one effect, its caller in the reply that the ledger tells, and the next call works.
"""

import random
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.errors import WorldError
from kvota.settings import Settings
from kvota.store import EntryFilter
from kvota.verify import verify
from kvota.wiring import Meter, open_meter
from tests.faults.wire import WAYS, Cut, Wire, wired
from tests.verdict import Verdict

CATALOGUE = Path(__file__).parent / "cuts.toml"
TRIES = 20
QUESTION, REPORT = Usage(action="chat_question", user="ann"), Usage(action="report", user="ann")


class Line(NamedTuple):
    """A meter behind a wire; its company is ``acme``."""

    meter: Meter
    wire: Wire
    numbers: Iterator[int]

    def ask(self, command: c.Command) -> Any:
        """As a caller does: the same call again until it is answered."""
        for _ in range(TRIES):
            try:
                return self.meter.engine.execute(command).reply
            except WorldError as problem:
                unanswered = problem
        raise AssertionError(f"not answered in {TRIES} tries: {unanswered}")

    def entries(self, company: str) -> list[Any]:
        found: list[Any] = []
        while page := self.meter.reads.entries(company, EntryFilter(), len(found), 1000):
            found += [written.entry for written in page]
        return found


Prepare = Callable[[Line, str], c.Command]
"""Makes what the command needs, and the command, under a key."""


def hold_of(line: Line) -> str:
    return line.ask(c.HoldUsage(company="acme", usage=REPORT, key=f"hold-{next(line.numbers)}")).id


def refund(line: Line, key: str) -> c.Command:
    charge = line.ask(c.ChargeUsage(company="acme", usage=QUESTION, key=f"charge-{next(line.numbers)}"))
    return c.RefundCharge(company="acme", charge=charge.id, key=key)


def confirm(line: Line, key: str) -> c.Command:
    order = line.ask(c.PlaceOrder(company="acme", boost="boost_20", key=f"order-{next(line.numbers)}")).order
    return c.ConfirmOrder(company="acme", order=order.id, reference="paid", key=key)


def change_plan(line: Line, key: str) -> c.Command:
    plan = "other" if line.meter.reads.company("acme").plan == "large" else "large"
    return c.ChangePlan(company="acme", plan=plan, key=key)


def create(line: Line, key: str) -> c.Command:
    return c.PutCompany(company=key, name="New", plan="large", time_zone="UTC")


COMMANDS: dict[str, Prepare] = {
    "charged": lambda _, key: c.ChargeUsage(company="acme", usage=QUESTION, key=key),
    "held": lambda _, key: c.HoldUsage(company="acme", usage=REPORT, key=key),
    "captured": lambda line, key: c.CaptureHold(company="acme", hold=hold_of(line), quantities={"pages": 3}, key=key),
    "voided": lambda line, key: c.VoidHold(company="acme", hold=hold_of(line), key=key),
    "refunded": refund,
    "boost_added": lambda _, key: c.AddBoost(company="acme", boost="boost_20", key=key),
    "boost_added by an order": confirm,
    "plan_changed": change_plan,
    "company_created": create,
}


@pytest.fixture
def line(postgres_url) -> Iterator[Line]:
    with wired(postgres_url) as (wire, url):
        meter = open_meter(Settings(store=url, catalogue=str(CATALOGUE)))
        try:
            line = Line(meter, wire, count(1))
            line.ask(c.PutCompany(company="acme", name="Acme", plan="large", time_zone="UTC"))
            yield line
        finally:
            wire.disarm()
            meter.close()


def reconnect(line: Line) -> None:
    """A connection that has carried one command out: so each command passes the same messages each time."""
    line.wire.arm(Cut(1, "before"))
    line.ask(c.ChargeUsage(company="acme", usage=QUESTION, key=f"reconnect-{next(line.numbers)}"))
    assert not line.wire.disarm()


def messages(line: Line, prepare: Prepare) -> int:
    """How many messages a command passes when nothing breaks."""
    reconnect(line)
    command = prepare(line, f"whole-{next(line.numbers)}")
    line.wire.arm(Cut(10**9, "before"))
    line.ask(command)
    passed = line.wire.passed
    line.wire.disarm()
    return passed


class Effect(NamedTuple):
    """What a command that was cut has done: its entries, and whether its caller was told them each time it asked."""

    kinds: list[str]
    is_told: bool


def effect_of(line: Line, name: str, *cuts: Cut) -> Effect:
    """Have one command carried out that is cut there."""
    reconnect(line)
    command = COMMANDS[name](line, f"cut-{next(line.numbers)}")
    before = [] if name == "company_created" else line.entries("acme")
    line.wire.arm(*cuts)
    reply = line.ask(command)
    line.wire.disarm()
    written = line.entries(command.company)[len(before) :]
    is_told = all(entry.key == command.key for entry in written)
    if command.key is not None:
        again = line.meter.engine.execute(command)
        is_told = is_told and again.is_replayed and again.reply == reply
    return Effect([entry.fact.__struct_config__.tag for entry in written], is_told)


def wanted(name: str) -> Effect:
    """One entry, and a caller who knows."""
    return Effect([name.partition(" ")[0]], is_told=True)


def settled(line: Line) -> list[str]:
    """What is wrong with the ledgers."""
    return [str(finding) for finding in verify(line.meter.store)]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_cut_has_exactly_one_effect(line, name):
    chance, last = random.Random(name), messages(line, COMMANDS[name])  # noqa: S311 - seeded, for a test
    cuts = [Cut(chance.randint(1, last - 2), how) for how in WAYS]
    cuts += [Cut(last - 1, "after"), Cut(last, "before"), Cut(last, "after"), Cut(last, "answer")]  # in COMMIT
    for cut in cuts:
        assert effect_of(line, name, cut) == wanted(name), cut
    looking = [Cut(last, "answer"), Cut(1, "answer"), Cut(3, "before")]  # and while it looks what happened
    assert effect_of(line, name, *looking) == wanted(name)
    assert settled(line) == []


def test_a_call_without_a_key_has_one_effect_where_it_is_answered_and_at_most_one_where_it_is_not(line):
    command = c.ChargeUsage(company="acme", usage=QUESTION)
    last = messages(line, lambda *_: command)
    for cut in [*(Cut(last // part, "after") for part in (5, 3, 2)), *(Cut(last, how) for how in WAYS)]:
        reconnect(line)
        before = len(line.entries("acme"))
        line.wire.arm(cut)
        try:
            line.meter.engine.execute(command)
        except WorldError:
            expected = 0
        else:
            expected = 1
        assert not line.wire.disarm()
        assert len(line.entries("acme")) == before + expected, cut
        assert expected or cut.at < last, cut  # what was lost in COMMIT is looked for, and found or written
    assert settled(line) == []


@pytest.mark.soak
@pytest.mark.parametrize("name", COMMANDS)
def test_connections_cut_at_every_message(line, name, report):
    cuts = [Cut(number, how) for number in range(1, messages(line, COMMANDS[name]) + 1) for how in WAYS]
    effects = {cut: effect_of(line, name, cut) for cut in cuts}
    wrong = [f"{name}, {cut}: {effect}" for cut, effect in effects.items() if effect != wanted(name)]
    written = [len(effect.kinds) for effect in effects.values()]
    report(
        Verdict(
            fault="connection cut at every message",
            store="postgresql",
            runs=len(cuts),
            acknowledged=len(effects),
            lost=written.count(0),
            double=sum(max(0, entries - 1) for entries in written),
            problems=(*wrong[:10], *settled(line)),
        )
    )
