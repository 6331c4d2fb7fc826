"""Recording a fact: its effect on the state, and its entry in the chain. And what an entry tells of a charge."""

from kvota.core.account import Account, Charge, Refund
from kvota.core.catalogue import Book, Catalogue
from kvota.core.effects import Header, apply
from kvota.core.entries import (
    AnyFact,
    BalanceAfter,
    Captured,
    Charged,
    Ended,
    Entry,
    Held,
    Refunded,
    canonical,
    chain,
    identifier,
)
from kvota.core.funds import available, total
from kvota.core.shares import rise_of
from kvota.core.state import State, Written, replace

_CHARGING, _CLOSING = (Charged, Captured), (Captured, Ended)


def record(
    state: State, book: Book, fact: AnyFact, at: int, *, by: str = "", key: str | None = None, catalogue: str = ""
) -> Entry:
    """Carry a fact into the state and write its entry; ``catalogue`` is the version that priced it, if not today's."""
    before = state.account
    seq = 1 if before is None else before.seq + 1
    in_force = book.at(at)
    apply(fact, state, Header(at, seq, catalogue or in_force.version))
    account = state.known
    entry = Entry(
        company=state.company,
        seq=seq,
        at=at,
        fact=fact,
        balance=balance_after(account, in_force),
        catalogue=catalogue or in_force.version,
        by=by,
        key=key,
    )
    body = canonical(entry)
    digest = chain(account.hash, body)
    after = state.account = replace(account, seq=seq, at=at, hash=digest)
    if (rise := rise_of(before, after, book)) is not None:
        state.changes.rises.append(rise)
    state.changes.is_account_changed = True
    state.changes.entries.append(Written(entry, body, digest))
    state.changes.writes += 1
    _remember(state, entry)
    return entry


def foresee(state: State, book: Book, fact: AnyFact, at: int) -> None:
    """Carry a fact that has not happened into a state: its effect, and no entry."""
    account = state.known
    apply(fact, state, Header(at, account.seq + 1, book.at(at).version))
    state.account = replace(state.known, seq=account.seq + 1, at=at)


def retell(state: State, entry: Entry, digest: str, in_force: Catalogue) -> BalanceAfter:
    """Carry an entry that was written before into the state; the balance that it must tell."""
    apply(entry.fact, state, Header(entry.at, entry.seq, entry.catalogue))
    account = state.account = replace(state.known, seq=entry.seq, at=entry.at, hash=digest)
    _remember_hold(state, entry)
    return balance_after(account, in_force)


def balance_after(account: Account, catalogue: Catalogue) -> BalanceAfter:
    """The balance that an entry carries."""
    return BalanceAfter(
        available=available(account, catalogue),
        used=account.used,
        held=account.held,
        boosts=account.boosts_left,
        boosts_held=account.boosts_held,
    )


def _remember(state: State, entry: Entry) -> None:
    """Rows that tell of their own entry: what was available after it."""
    fact = entry.fact
    if isinstance(fact, _CHARGING):
        charge = charge_of(entry)
        state.charges[charge.id] = charge
    _remember_hold(state, entry)


def _remember_hold(state: State, entry: Entry) -> None:
    fact = entry.fact
    if isinstance(fact, Held):
        hold = state.holds[identifier("hld", entry.seq)]
    elif isinstance(fact, _CLOSING):
        hold = state.holds[fact.hold]
    else:
        return
    state.put_hold(replace(hold, available=entry.balance.available))


def charge_of(entry: Entry) -> Charge:
    """The charge that a ``charged`` or ``captured`` entry made."""
    fact = entry.fact
    if not isinstance(fact, _CHARGING):
        raise TypeError(f"entry {entry.seq} is {entry.kind}, no charge")
    return Charge(
        company=entry.company,
        id=identifier("chg", entry.seq),
        action=fact.action,
        tool=fact.tool,
        user=fact.user,
        department=fact.department,
        subject=fact.subject,
        quantities=fact.quantities,
        cost=fact.cost,
        draws=fact.draws,
        shared=fact.shared,
        at=fact.since,
        period_start=fact.period_start,
        entry=entry.seq,
        catalogue=entry.catalogue,
        available=entry.balance.available,
    )


def refund_of(entry: Entry) -> Refund:
    """The refund that a ``refunded`` entry made."""
    fact = entry.fact
    if not isinstance(fact, Refunded):
        raise TypeError(f"entry {entry.seq} is {entry.kind}, no refund")
    return Refund(
        id=identifier("rfd", entry.seq),
        charge=fact.charge,
        amount=fact.amount,
        draws=fact.back,
        lost=total(fact.lost),
        at=entry.at,
    )
