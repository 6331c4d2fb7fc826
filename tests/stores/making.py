"""Rows for the tests of the stores, in as few words as a test needs."""

from collections.abc import Sequence
from typing import Any

from kvota.core.account import Account, Boost, Cap, Counts, Draw, Hold, Order, PaidStage, StatisticsKey
from kvota.core.entries import AnyFact, BalanceAfter, Charged, Entry, Measured, Refunded, canonical, chain
from kvota.core.periods import QUARTER
from kvota.core.state import Written
from kvota.store import Batch, Remembered, Rows, Store, Want

NOW = 1_796_000_400_000
"""An instant at which a quarter of an hour begins."""
assert NOW % QUARTER == 0


def account(company: str = "acme", /, **fields: Any) -> Account:
    given = {
        "name": f"Name of {company}",
        "plan": "pro",
        "time_zone": "Europe/Moscow",
        "created_at": NOW,
        "period_start": NOW,
        "period_end": NOW + 1,
    }
    return Account(company=company, **(given | fields))


def hold(name: str = "hld_0000000001", company: str = "acme", /, **fields: Any) -> Hold:
    given = {
        "action": "chat_question",
        "tool": "chat",
        "user": "ann",
        "department": None,
        "subject": None,
        "quantities": {},
        "stages": None,
        "held": 5,
        "draws": (Draw("2026-11", 5),),
        "at": NOW,
        "expires_at": NOW + 1000,
        "period_start": NOW,
        "entry": 1,
        "catalogue": "2026-11",
        "available": 7,
    }
    return Hold(company=company, id=name, **(given | fields))


def closed(name: str, status: str, company: str = "acme", /, **fields: Any) -> Hold:
    charge = "chg_0000000002" if status == "captured" else None
    return hold(name, company, status=status, cost=0, closed_at=NOW, charge=charge, **fields)


def boost(name: str = "bst_0000000001", company: str = "acme", /, **fields: Any) -> Boost:
    return Boost(
        company=company,
        id=name,
        **({"boost": "small", "amount": 10, "added_at": NOW, "expires_at": NOW + 1000} | fields),
    )


def stage(name: str = "transcription", company: str = "acme", /, **fields: Any) -> PaidStage:
    given = {
        "subject": "call:1",
        "standing": 1,
        "charge": "chg_0000000001",
        "draws": (Draw("2026-11", 1),),
        "at": NOW,
        "tool": "crm",
        "action": "call",
        "user": None,
        "department": None,
    }
    return PaidStage(company=company, stage=name, **(given | fields))


def order(name: str = "ord_0000000001", company: str = "acme", /, **fields: Any) -> Order:
    given = {"boost": "small", "amount": 10, "valid_days": 30, "price": None, "suspends": False, "ordered_at": NOW}
    return Order(company=company, id=name, **(given | fields))


def cap(name: str = "cap_0000000001", company: str = "acme", /, **fields: Any) -> Cap:
    return Cap(company=company, id=name, **({"scope": "user", "name": "ann", "requests": 3, "per": "day"} | fields))


def charged(slot: int = 1, **fields: Any) -> Charged:
    given = {"action": "chat_question", "tool": "chat", "user": "ann", "since": NOW, "period_start": NOW, "cost": 1}
    return Charged(slot=slot, **(given | fields))


def refunded(charge: str, **fields: Any) -> Refunded:
    given = {"action": "chat_question", "tool": "chat", "since": NOW, "period_start": NOW, "amount": 1, "own": 1}
    return Refunded(charge=charge, **(given | fields))


def measured(charge: str) -> Measured:
    return Measured(action="chat_question", tool="chat", since=NOW, period_start=NOW, charge=charge)


def ledger(facts: Sequence[AnyFact], company: str = "acme", first: int = 1, at: Sequence[int] = ()) -> list[Written]:
    """Entries with these facts, numbered from ``first``, each at its instant or else at ``NOW``."""
    balance = BalanceAfter(available=0, used=0, held=0, boosts=0, boosts_held=0)
    previous, written = "", list[Written]()
    for index, fact in enumerate(facts):
        entry = Entry(
            company=company,
            seq=first + index,
            at=at[index] if at else NOW,
            fact=fact,
            balance=balance,
            catalogue="2026-11",
        )
        body = canonical(entry)
        previous = chain(previous, body)
        written.append(Written(entry, body, previous))
    return written


def counted(*, company: str = "acme", at: int = NOW, counts: Counts | None = None, **key: str) -> Any:
    given = {"tool": "chat", "action": "chat_question", "user": "ann", "department": ""} | key
    return company, StatisticsKey(quarter=at, **given), counts or Counts(calls=1, requests=2)


def remembered(key: str = "key-1", company: str = "acme", **fields: Any) -> Remembered:
    return Remembered(company=company, key=key, **({"request": "ab", "at": NOW, "reply": b'{"cost":1}'} | fields))


def save(store: Store, name: str = "batch", **lists: Any) -> None:
    """One transaction that writes one batch."""
    with store.begin() as transaction:
        transaction.lock([])
        transaction.save(Batch(id=name, at=NOW, **lists))
        transaction.commit()


def load(store: Store, **lists: list) -> Rows:
    """What a transaction loads, and a snapshot too; rows come in no particular order."""
    with store.snapshot() as view, store.begin() as transaction:
        found, seen = (_sorted(source.load(Want(**lists))) for source in (transaction, view))
        assert seen == found
    return found


def _sorted(rows: Rows) -> Rows:
    return Rows(**{name: sorted(getattr(rows, name), key=repr) for name in rows.__struct_fields__})
