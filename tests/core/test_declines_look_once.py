"""A decline foresees what time will bring: each open hold is looked at a few times, however many there are."""

from typing import Any

from kvota.core.account import Hold, Usage
from kvota.core.commands import ChargeUsage, HoldUsage, SetCap
from kvota.core.declines import Declined
from kvota.core.timeline import Foresight, advance
from tests.core.ledger import CASES, COMPANY, HOUR, MINUTE, Ledger, book

HOLDS = 150
NOW = 1_796_000_400_000


class Watched(Hold, frozen=True, kw_only=True):
    """A hold that counts how often its status is looked at."""

    looked = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "status":
            Watched.looked += 1
        return super().__getattribute__(name)


def many_holds() -> Ledger:
    """A company whose holds all expire at instants of their own, and a cap that lets Bob do nothing this month."""
    ledger = Ledger(book(CASES.replace("hourly_limit = 600", "hourly_limit = 100000")), at=NOW, plan="large")
    for number in range(HOLDS):
        usage = Usage(action="chat_question", user="ann")
        ledger.do(HoldUsage(company=COMPANY, usage=usage, ttl=3600 + 7 * number % HOLDS), NOW + number)
    ledger.do(SetCap(company=COMPANY, cap="bob", scope="user", name="bob", requests=0, per="month"), NOW + HOLDS)
    return ledger


def test_a_decline_looks_at_each_open_hold_a_few_times_and_not_at_all_of_them_for_each():
    ledger = many_holds()
    for name, hold in list(ledger.state.holds.items()):
        ledger.state.holds[name] = Watched(**{field: getattr(hold, field) for field in hold.__struct_fields__})
    Watched.looked = 0
    declined = ledger.do(ChargeUsage(company=COMPANY, usage=Usage(action="chat_question", user="bob")), NOW + HOUR // 2)
    assert isinstance(declined, Declined)
    assert declined.reason == "cap_reached"
    assert HOLDS <= Watched.looked <= 20 * HOLDS


def test_what_is_foreseen_step_by_step_is_what_will_be():
    ledger = many_holds()
    ahead, then = Foresight(ledger.state, ledger.book), ledger.state.fork()
    for minutes in (59, 60, 61, 63, 65, 24 * 60, 40 * 24 * 60):
        at = NOW + minutes * MINUTE
        ahead.advance(at)
        advance(then, ledger.book, at)
        for field in ("seq", "at", "used", "held", "open_holds", "boosts_left", "period", "period_end", "slots"):
            assert getattr(ahead.state.known, field) == getattr(then.known, field), (minutes, field)
        assert {n: h.status for n, h in ahead.state.holds.items()} == {n: h.status for n, h in then.holds.items()}
        assert ahead.state.spending == then.spending
        assert ahead.state.changes.entries == ledger.state.changes.entries
