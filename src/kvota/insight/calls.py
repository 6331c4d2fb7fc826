"""A stretch of a ledger, as what advice looks at: calls that stand, holds that expired, boosts that were added."""

from collections.abc import Iterable

import msgspec

from kvota.core.entries import BoostAdded, Captured, Charged, Entry, HoldExpired, Refunded, Work, entry_number


class Stretch(msgspec.Struct):
    """``calls`` are charges and captures that were not refunded, by the number of their entry."""

    calls: dict[int, Entry] = {}
    expired: list[Entry] = []
    asleep: dict[int, int] = {}
    """Boosts that were added while the package had something left: the entry, and what was left of the package."""


def stretch(entries: Iterable[Entry]) -> Stretch:
    """Take entries apart, in their order; between them may be others that say nothing here."""
    found = Stretch()
    before: Entry | None = None
    for entry in entries:
        match entry.fact:
            case Charged() | Captured():
                found.calls[entry.seq] = entry
            case Refunded(charge=charge):
                found.calls.pop(entry_number(charge, "chg") or 0, None)
            case HoldExpired():
                found.expired.append(entry)
            case BoostAdded() if before is not None and before.seq == entry.seq - 1:
                if left := _put_to_sleep(before, entry):
                    found.asleep[entry.seq] = left
            case _:
                pass
        before = entry
    return found


def _put_to_sleep(before: Entry, entry: Entry) -> int:
    """What a boost took away until the next period: the package could pay before it, and only boosts can after it."""
    was, now = before.balance, entry.balance
    paid_by_package = was.boosts == was.boosts_held == 0
    return was.available if paid_by_package and now.available == now.boosts else 0


def work(entry: Entry) -> Work:
    """What a call was about."""
    if not isinstance(entry.fact, Work):
        raise TypeError(entry.kind)
    return entry.fact


def cost(entry: Entry) -> int:
    """What a call has cost."""
    return entry.fact.cost if isinstance(entry.fact, Charged | Captured) else 0
