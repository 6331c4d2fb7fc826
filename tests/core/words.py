"""Short words for the tests of the core: instants, usages, and commands for one company."""

from kvota.core import commands as c
from kvota.core.account import Charge, Hold, Refund, Usage
from kvota.core.declines import Declined
from kvota.core.periods import EPOCH, milliseconds
from tests.core.ledger import CASES, COMPANY, Ledger, book, boosts_first


def ms(text: str) -> int:
    """``2026-03-10``, ``2026-03-10T09:00`` or finer, in UTC."""
    return milliseconds(type(EPOCH).fromisoformat(text + ("" if "T" in text else "T00:00") + "+00:00"))


def company(at: int | str, plan: str = "tiny", zone: str = "UTC", *, catalogue: str = CASES) -> Ledger:
    """A new company on the cases' catalogue: ``tiny`` gives 10, ``small`` 100, ``large`` 1000."""
    return Ledger(book(catalogue), at=at if isinstance(at, int) else ms(at), plan=plan, time_zone=zone)


def company_boosts_first(at: int | str, plan: str = "tiny", zone: str = "UTC") -> Ledger:
    return company(at, plan, zone, catalogue=boosts_first(CASES))


def usage(action: str, **given: object) -> Usage:
    """``usage("site_creation", images=4, user="ann")``: what is no field of a usage is a quantity."""
    fields = {name: value for name, value in given.items() if name in Usage.__struct_fields__}
    quantities = {name: value for name, value in given.items() if name not in fields}
    return Usage(action=action, quantities=quantities, **fields)  # type: ignore[arg-type]


def charge(ledger: Ledger, at: int, action: str = "chat_question", **given: object) -> Charge:
    """Charge; a decline fails the test."""
    reply = ledger.do(c.ChargeUsage(company=COMPANY, usage=usage(action, **given)), at)
    assert isinstance(reply, Charge), reply
    return reply


def declined(ledger: Ledger, at: int, action: str = "chat_question", **given: object) -> Declined:
    """Charge what must be declined."""
    reply = ledger.do(c.ChargeUsage(company=COMPANY, usage=usage(action, **given)), at)
    assert isinstance(reply, Declined), reply
    return reply


def hold(ledger: Ledger, at: int, action: str = "chat_question", ttl: int = 14_400, **given: object) -> Hold:
    reply = ledger.do(c.HoldUsage(company=COMPANY, usage=usage(action, **given), ttl=ttl), at)
    assert isinstance(reply, Hold), reply
    return reply


def capture(ledger: Ledger, at: int, name: str, *, at_most_held: bool = False, **quantities: int) -> Hold:
    command = c.CaptureHold(company=COMPANY, hold=name, quantities=quantities, at_most_held=at_most_held)
    reply = ledger.do(command, at)
    assert isinstance(reply, Hold), reply
    return reply


def void(ledger: Ledger, at: int, name: str) -> Hold:
    reply = ledger.do(c.VoidHold(company=COMPANY, hold=name), at)
    assert isinstance(reply, Hold)
    return reply


def refund(ledger: Ledger, at: int, name: str) -> Refund:
    reply = ledger.do(c.RefundCharge(company=COMPANY, charge=name), at)
    assert isinstance(reply, Refund)
    return reply


def boost(ledger: Ledger, at: int, amount: int, expires_at: int | str) -> str:
    """Grant a boost; its id."""
    until = expires_at if isinstance(expires_at, int) else ms(expires_at)
    ledger.do(c.AddBoost(company=COMPANY, amount=amount, expires_at=until), at)
    return list(ledger.state.boosts)[-1]


def revoke(ledger: Ledger, at: int, name: str) -> None:
    ledger.do(c.RevokeBoost(company=COMPANY, boost=name), at)


def cap(ledger: Ledger, at: int, name: str, requests: int, **given: object) -> None:
    """``cap(acme, now, "a", 5, user="ann", per="week")``; ``users="each"``; by the day if nothing is said."""
    per, until = given.pop("per", "day"), given.pop("until", None)
    [(scope, named)] = given.items()
    who = None if scope == "users" else named
    command = c.SetCap(company=COMPANY, cap=name, scope=scope, name=who, requests=requests, per=per, until=until)  # type: ignore[arg-type]
    ledger.do(command, at)


def put(ledger: Ledger, at: int, **settings: object) -> None:
    ledger.do(c.PutCompany(company=COMPANY, **settings), at)  # type: ignore[arg-type]


def change_plan(ledger: Ledger, at: int, plan: str, effective: str = "now") -> None:
    ledger.do(c.ChangePlan(company=COMPANY, plan=plan, effective=effective), at)  # type: ignore[arg-type]


def paid(draws: object) -> list[tuple[str, int]]:
    """Who paid, in order."""
    return [tuple(one) for one in draws]  # type: ignore[attr-defined]
