"""The columns of an exported entry: the fields of the API's Entry, flattened, in an order that stays.

A name is the path of the field in the JSON. ``paid_by.boosts`` are the boosts in the order drawn, as text, and
``paid_by.boosts.amount`` their sum, to reckon with.
"""

import msgspec

from kvota.core.periods import Instant
from kvota.wire.replies import Entry

Cell = str | int | Instant | None
Row = tuple[Cell, ...]
COLUMNS = (
    "company", "seq", "at", "kind", "action", "tool", "user", "department", "subject", "quantities", "measures",
    "cost", "paid_by.allowance", "paid_by.boosts.amount", "paid_by.boosts", "balance.available",
    "balance.allowance.used", "balance.allowance.held", "balance.boosts.remaining", "balance.boosts.held",
    "catalogue", "key", "by", "hash", "details",
)  # fmt: skip


def _json(value: object) -> str | None:
    return msgspec.json.encode(value).decode() if value else None


def cells(one: Entry) -> Row:
    """The cells of an entry; None where it has nothing."""
    paid, after = one.paid_by, one.balance
    boosts = () if paid is None else paid.boosts
    return (
        one.company, one.seq, one.at, one.kind, one.action, one.tool, one.user, one.department, one.subject,
        _json(one.quantities), _json(one.measures), one.cost,
        None if paid is None else paid.allowance,
        None if paid is None else sum(part.amount for part in boosts),
        " ".join(f"{part.id}={part.amount}" for part in boosts) or None,
        after.available, after.allowance.used, after.allowance.held, after.boosts.remaining, after.boosts.held,
        one.catalogue, one.key, one.by, one.hash, _json(one.details),
    )  # fmt: skip
