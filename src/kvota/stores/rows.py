"""Rows between the core's values and SQL, the same for both databases.

Rows go in as one JSON document for each statement, which the database takes apart: for 200 accounts that costs
Python 0.4 ms instead of 6, and the interpreter's lock is not taken and given back for each row. They come out as
tuples in the order of ``Table.columns``.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from kvota.acts import Act
from kvota.core.account import MOVING, Account, Boost, Cap, Charge, Hold, Order, PaidStage
from kvota.core.appeals import Appeal
from kvota.core.entries import AnyFact, Captured, Charged, Held, Refunded, Work, entry_number, read
from kvota.core.fold import charge_of, refund_of
from kvota.core.notices import Delivery, Event, Notifications, Webhook
from kvota.core.people import Person
from kvota.core.state import Written
from kvota.portals import Engine, Job, Portal, Transcript
from kvota.sign_ins import Link, Session, SignIn
from kvota.store import ApiKey, LedgerRow, Remembered, StoredCatalogue, Unreadable

Row = tuple[Any, ...]
R = TypeVar("R", bound=msgspec.Struct)
_encode = msgspec.json.Encoder().encode


class EntryRow(msgspec.Struct, kw_only=True, array_like=True):
    """An entry as a row: what is looked for stands beside the text that was hashed."""

    company: str
    seq: int
    at: int
    kind: str
    action: str | None
    user: str | None
    slot: int | None
    refunds: int | None
    hash: str
    body: str


class ReplyRow(msgspec.Struct, kw_only=True):
    """A remembered reply as a row; its bytes are text."""

    company: str
    key: str
    request: str
    at: int
    reply: str


class Table(Generic[R]):
    """A table whose columns are the fields of a value, in their order.

    ``as_json`` names the columns that hold JSON text, ``flags`` those that hold a bool.
    """

    def __init__(
        self, name: str, row: type[R], key: Sequence[str], as_json: Sequence[str] = (), flags: Sequence[str] = ()
    ) -> None:
        self.name, self.row, self.key, self.as_json = name, row, tuple(key), tuple(as_json)
        fields = msgspec.structs.fields(row)
        self.columns = tuple(field.name for field in fields)
        self._decoders: list[tuple[str, Callable[[Any], object]]] = [
            (field.name, msgspec.json.Decoder(field.type).decode) for field in fields if field.name in as_json
        ]
        self._decoders += [(name, _flag) for name in flags]
        # not strict: SQLite keeps flags as 0 and 1
        self._decode_all = msgspec.json.Decoder(list[row], strict=False).decode

    def read(self, row: Row) -> R:
        """The value of a row with all columns."""
        values = dict(zip(self.columns, row, strict=True))
        for name, decode in self._decoders:
            value = values[name]
            if value is not None:
                try:
                    values[name] = decode(value)
                except (msgspec.MsgspecError, ValueError) as problem:
                    key = "/".join(str(values[part]) for part in self.key)
                    raise Unreadable(f"{self.name}[{key}].{name}", f"{value!r} cannot be read: {problem}") from problem
        return self.row(**values)

    def read_all(self, text: str) -> list[R]:
        """The values of a document of rows."""
        try:
            return self._decode_all(text)
        except msgspec.MsgspecError as problem:
            raise Unreadable(self.name, str(problem)) from problem


def _flag(value: object) -> bool:
    """SQLite keeps 0 and 1."""
    if value not in (0, 1):
        raise ValueError("it is neither 0 nor 1")
    return bool(value)


ACCOUNTS = Table(
    "accounts", Account, ["company"], as_json=["tools_off", "spending_zones"], flags=["require_user", "suspended"]
)
HOLDS = Table(
    "holds", Hold, ["company", "id"], as_json=["quantities", "stages", "draws", "measures", "captured", "paid"]
)
BOOSTS = Table("boosts", Boost, ["company", "id"])
STAGES = Table("stages", PaidStage, ["company", "subject", "stage"], as_json=["draws"])
ORDERS = Table("orders", Order, ["company", "id"], as_json=["price"], flags=["suspends"])
CAPS = Table("caps", Cap, ["company", "id"])
ENTRIES = Table("entries", EntryRow, ["company", "seq"])
REPLIES = Table("replies", ReplyRow, ["company", "key"])
API_KEYS = Table("api_keys", ApiKey, ["id"], as_json=["actions"])
ACTS = Table("acts", Act, ["id"], as_json=["told"])
APPEALS = Table("appeals", Appeal, ["company", "id"])
PEOPLE = Table("people", Person, ["company", "user"])
NOTIFICATIONS = Table("notifications", Notifications, ["company"], as_json=["levels", "kinds", "mail"])
WEBHOOKS = Table("webhooks", Webhook, ["company", "id"])
DELIVERIES = Table("deliveries", Delivery, ["company", "id"])
EVENTS = Table("outbox", Event, ["company", "period", "kind", "topic"], as_json=["data"], flags=["is_spread"])
CATALOGUES = Table("catalogues", StoredCatalogue, ["number"])
SIGN_INS = Table("sign_ins", SignIn, ["id"])
LINKS = Table("links", Link, ["hash"])
SESSIONS = Table("sessions", Session, ["hash"])
PORTALS = Table("portals", Portal, ["portal"], as_json=["hosts"])
ENGINES = Table("engines", Engine, ["hash"])
JOBS = Table("jobs", Job, ["company", "hash"], flags=["is_refused"])
TRANSCRIPTS = Table("transcripts", Transcript, ["company", "hash"])
TABLES: tuple[Table[Any], ...] = (
    ACCOUNTS, HOLDS, BOOSTS, STAGES, ORDERS, CAPS, ENTRIES, REPLIES, API_KEYS, PEOPLE, CATALOGUES,
    SIGN_INS, LINKS, SESSIONS, PORTALS, ENGINES, JOBS, TRANSCRIPTS,
    EVENTS, NOTIFICATIONS, WEBHOOKS, DELIVERIES, APPEALS, ACTS,
)  # fmt: skip


_moving = attrgetter("company", *MOVING)


def moving_rows(accounts: Iterable[Account]) -> list[object]:
    """Of each account its name and the columns that move."""
    return [_moving(account) for account in accounts]


def document(rows: Iterable[object]) -> str:
    """The JSON document that a statement takes apart."""
    return _encode(rows).decode()


def _slot(fact: AnyFact) -> int | None:
    return fact.slot if isinstance(fact, (Charged, Held)) else None


def _refunds(fact: AnyFact) -> int | None:
    return entry_number(fact.charge, "chg") if isinstance(fact, Refunded) else None


def entry_row(written: Written) -> EntryRow:
    """The row of an entry."""
    entry = written.entry
    fact = entry.fact
    is_work = isinstance(fact, Work)
    return EntryRow(
        company=entry.company,
        seq=entry.seq,
        at=entry.at,
        kind=entry.kind,
        action=fact.action if is_work else None,
        user=fact.user if is_work else None,
        slot=_slot(fact),
        refunds=_refunds(fact),
        hash=written.hash,
        body=written.body.decode(),
    )


def read_entry(row: Row) -> Written:
    """The entry of a row (body, hash)."""
    body, digest = row
    return Written(read(body), body.encode(), digest)


def ledger_row(row: Row) -> LedgerRow:
    """A whole row of an entry, as it is."""
    stored = dict(zip(ENTRIES.columns, row, strict=True))
    try:
        body = stored["body"].encode()
        written = Written(read(body), body, stored["hash"])
    except (msgspec.MsgspecError, ValueError) as problem:
        return LedgerRow(seq=stored["seq"], problem=str(problem))
    told = msgspec.structs.astuple(entry_row(written))
    if told == row:
        return LedgerRow(seq=stored["seq"], written=written)
    columns = zip(ENTRIES.columns, row, told, strict=True)
    differing = tuple((name, value, other) for name, value, other in columns if value != other)
    return LedgerRow(seq=stored["seq"], written=written, differing=differing)


def read_charge(row: Row) -> Charge | None:
    """The charge of a row (body, body of the refunding entry); None where the entry is no charge."""
    body, refunding = row
    entry = read(body)
    if not isinstance(entry.fact, Charged | Captured):
        return None
    charge = charge_of(entry)
    return charge if refunding is None else msgspec.structs.replace(charge, refund=refund_of(read(refunding)))


def reply_row(one: Remembered) -> ReplyRow:
    """The row of a remembered reply."""
    return ReplyRow(company=one.company, key=one.key, request=one.request, at=one.at, reply=one.reply.decode())


def read_reply(row: Row) -> Remembered:
    """The remembered reply of a row."""
    company, key, request, at, reply = row
    return Remembered(company=company, key=key, request=request, at=at, reply=reply.encode())


_levels = msgspec.json.Decoder(tuple[int, ...]).decode


def read_levels(row: Row) -> tuple[str, tuple[int, ...]]:
    """A company and the levels that it has set."""
    company, levels = row
    return company, _levels(levels)
