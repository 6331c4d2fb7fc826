"""The levels of their packages that companies are told of: which of them the entries of a batch have crossed."""

from collections.abc import Iterable, Sequence

from kvota.core.notices import LEVELS, Event, crossed
from kvota.core.shares import Rise
from kvota.core.state import State
from kvota.store import Transaction, Want

MOST = 50_000


class Levels:
    """The levels of each company, remembered as long as nobody's are changed; one engine's own.

    So a batch reads none of them but of companies whose share has risen for the first time since, and not even those
    where nobody has ever set any.
    """

    def __init__(self) -> None:
        self._version = 0
        self._known: dict[str, tuple[int, ...]] = {}

    def crossed(self, transaction: Transaction, states: Iterable[State]) -> list[Event]:
        """The events of a batch, to be written with its entries; each once."""
        rises = [rise for state in states for rise in state.changes.rises]
        if not rises:
            return []
        self._learn(transaction, rises)
        found = [one for rise in rises for one in crossed(rise, self._known.get(rise.account.company, LEVELS))]
        return list({(one.company, one.period, one.topic): one for one in reversed(found)}.values())[::-1]

    def _learn(self, transaction: Transaction, rises: Sequence[Rise]) -> None:
        version = transaction.levels_version()
        if version != self._version or len(self._known) > MOST:
            self._known.clear()
            self._version = version
        if not version:
            return
        missing = dict.fromkeys(rise.account.company for rise in rises if rise.account.company not in self._known)
        if missing:
            self._known.update(dict.fromkeys(missing, LEVELS))
            self._known.update(transaction.load(Want(levels=list(missing))).levels)
