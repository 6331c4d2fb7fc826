"""What the reference remembers: tokens, where each of them is, boosts, caps, holds and charges, all frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Reply = dict[str, Any]
Usage = Mapping[str, Any]  # action, quantities, stages, subject, user, department
Who = dict[str, str | None]  # tool, user, department
Month = tuple[int, int]


class Refused(Exception):
    """The caller erred; becomes {"error": code, ...}."""

    def __init__(self, code: str, **detail: object) -> None:
        super().__init__(code)
        self.reply: Reply = {"error": code, **detail}


class Token(NamedTuple):
    """One AI request. `fund` is a boost's id, or the month of an allowance."""

    fund: str | Month
    number: int


class Place(NamedTuple):
    state: str  # free, held, used, lost, expired, withdrawn
    by: str = ""  # the hold or charge


class Boost(NamedTuple):
    id: str
    amount: int
    added_at: int
    expires_at: int


class Cap(NamedTuple):
    id: str
    scope: dict[str, str]  # {user} | {users: each} | {department} | {tool}
    requests: int
    per: str
    until: int | None


class Price(NamedTuple):
    own: int
    shared: dict[str, int]  # the shared stages that it needs, with their prices
    cost: int  # the difference that it makes on its subject now


class Hold(NamedTuple):
    id: str
    at: int
    expires_at: int
    usage: Usage
    who: Who
    drawn: tuple[Token, ...]  # in the order of drawing
    state: str = "open"
    closed_at: int | None = None
    quantities: dict[str, int] | None = None  # those it was captured with
    reply: Reply | None = None


class Charge(NamedTuple):
    id: str
    at: int
    who: Who
    subject: str | None
    price: Price  # its `shared` are those that stand
    own: tuple[Token, ...]  # what it paid, without the shared stages
    refund: Reply | None = None


def paid_by(tokens: Iterable[Token]) -> Reply:
    """Tokens in the order drawn, as {"allowance": n, "boosts": {id: n}}."""
    reply: Reply = {"allowance": 0, "boosts": {}}
    for token in tokens:
        if isinstance(token.fund, str):
            reply["boosts"][token.fund] = reply["boosts"].get(token.fund, 0) + 1
        else:
            reply["allowance"] += 1
    return reply
