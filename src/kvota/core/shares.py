"""The share of its package that a company has used, in whole percent, and what raises it."""

from typing import NamedTuple

from kvota.core.account import Account
from kvota.core.catalogue import Book
from kvota.core.funds import granted


class Rise(NamedTuple):
    """An entry has raised the share from ``was`` to ``now``; ``account`` is as of that entry."""

    was: int
    now: int
    granted: int
    account: Account


def rise_of(before: Account | None, after: Account, book: Book) -> Rise | None:
    """What an entry has raised; None where the share is not a whole percent more than it was, or there is no package.

    A share rises by use, and also by a smaller package: another plan, another allowance, another edition.
    """
    if before is None or (before.used == after.used and _package(before) == _package(after)):
        return None
    size = granted(after, book.at(after.at))
    was = percent(before.used, granted(before, book.at(before.at)))
    return Rise(was, now, size, after) if size and (now := percent(after.used, size)) > was else None


def percent(used: int, size: int) -> int:
    """The whole percent of a package that are used; of none, all or nothing."""
    return used * 100 // size if size else 100 * bool(used)


def _package(account: Account) -> tuple[str, int | None]:
    return account.plan, account.allowance_override
