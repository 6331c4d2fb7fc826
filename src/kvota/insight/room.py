"""What one person may still use: the caps that hold for him, each with its room; the hour; and what can pay."""

from collections.abc import Iterator

from kvota.core.account import Cap
from kvota.core.balance import Balance, balance_of
from kvota.core.catalogue import Catalogue, Value
from kvota.core.limits import Call, scopes, window_start
from kvota.core.people import Person
from kvota.core.periods import Span
from kvota.reads import Look, Reads
from kvota.store import UsageFilter, Want


class Room(Value, frozen=True, kw_only=True):
    """A cap, and what was spent or is held in its present day, week or month. ``cap.id`` is ``plan`` for the plan's."""

    cap: Cap
    spent: int

    @property
    def left(self) -> int:
        """What is left of it."""
        return max(0, self.cap.requests - self.spent)


class Rooms(Value, frozen=True, kw_only=True):
    """``caps`` in the order in which they are asked. ``person``: None where the directory has nobody of that id."""

    person: Person | None
    caps: tuple[Room, ...]
    balance: Balance


def rooms(reads: Reads, company: str, user: str) -> Rooms:
    """What that person may still use now."""
    with reads.look(company) as look:
        person = look.view.person(company, user)
        department = None if person is None else person.department
        catalogue = look.book.at(look.now)
        look.state.caps.update({cap.id: cap for cap in look.view.load(Want(caps=[company])).caps})
        caps = _caps(look, catalogue, user, department)
        return Rooms(
            person=person,
            caps=tuple(Room(cap=cap, spent=_spent(look, cap, user)) for cap in caps),
            balance=balance_of(look.state, catalogue, look.now),
        )


def _caps(look: Look, catalogue: Catalogue, user: str, department: str | None) -> Iterator[Cap]:
    for number, tool in enumerate(catalogue.tools):
        *others, of_tool = scopes(look.state, catalogue, Call("", tool, user, department), look.now)
        yield from (cap for scope in others if not number for cap in scope)
        yield from of_tool


def _spent(look: Look, cap: Cap, user: str) -> int:
    """From the statistics and the open holds, as the sums for caps are made of them."""
    start = window_start(look.state.known, cap.per, look.now)
    kind = "user" if cap.scope == "users" else cap.scope
    name = user if kind == "user" else cap.name
    rows = look.view.usage(look.state.company, [Span(start, look.now + 1)], [], UsageFilter(**{kind: name}))
    held = sum(one.held for one in look.state.open_holds() if one.at >= start and getattr(one, kind) == name)
    return held + sum(row.requests - row.refunded for row in rows)
