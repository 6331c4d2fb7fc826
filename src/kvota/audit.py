"""The audit: what operators did, as it was noted."""

from collections.abc import Callable

from kvota.acts import Act, act
from kvota.store import Store


class Audit:
    """``clock`` is the store's, or what replaces it. ``operator``: the key or the sign-in of one."""

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store, self._clock = store, clock

    def page(self, company: str | None, before: str, limit: int) -> list[Act]:
        """What operators did, to one company or at all, newest first."""
        with self._store.snapshot() as view:
            return view.acts(company, before, limit)

    def note(self, operator: str, name: str, company: str | None = None, **told: str | int | None) -> None:
        """Note what an operator did that writes nothing else."""
        self._store.note(act(self._clock(), operator, name, company, **told))

    def act(self, operator: str | None, name: str, company: str | None, **told: str | int | None) -> Act | None:
        """What is to be noted with something that is written; None where no operator asks."""
        return None if operator is None else act(self._clock(), operator, name, company, **told)
