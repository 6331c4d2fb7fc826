"""The catalogues that a store holds, and offering it another: what would change, and whether it may be loaded."""

import threading
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from kvota.acts import Act, act
from kvota.catalogue_file import Change, changes, parse
from kvota.core.catalogue import Catalogue
from kvota.errors import Busy, CatalogueInvalid, FieldError
from kvota.loading import Library
from kvota.rehearsing import RehearsedPage, rehearse
from kvota.store import Overtaken, PlansInUse, Store, StoredCatalogue

TRIES = 5


class Offered(NamedTuple):
    """A catalogue as it is stored, or as it would be (``number`` 0); what it changes of the version before.

    ``in_force`` is the version that is in force, where that was asked.
    """

    edition: StoredCatalogue
    is_new: bool
    before: str | None
    changes: list[Change]
    in_force: str | None = None


class Editions:
    """The catalogues of a store. ``clock`` replaces the store's."""

    def __init__(self, store: Store, *, clock: Callable[[], int] | None = None) -> None:
        self._store, self._clock = store, clock
        self._is_ending = threading.Event()

    def page(self, after: int, limit: int) -> tuple[list[StoredCatalogue], str]:
        """The editions with a number after ``after``, oldest first; and the version that is in force."""
        stored = self._store.catalogues()
        return [one for one in stored if one.number > after][:limit], self._in_force(stored[-1].number)

    def _in_force(self, number: int) -> str:
        return Library(self._store).book(number).at(self._now()).version

    def _now(self) -> int:
        if self._clock is not None:
            return self._clock()
        with self._store.snapshot() as view:
            return view.clock()

    def load(self, text: str, operator: str | None = None) -> Offered:
        """Load it; where it is there already, nothing happens. Raises ``CatalogueInvalid``."""
        catalogue = parse(text)
        noted = None if operator is None else act(self._now(), operator, "load_catalogue", version=catalogue.version)
        offered = offer_catalogue(self._store, catalogue, text, noted)
        return offered._replace(in_force=self._in_force(offered.edition.number))

    def preview(self, text: str) -> Offered:
        """What ``load`` would do, and raise."""
        catalogue = parse(text)
        offered = _compared(self._store.catalogues(), catalogue, text)
        if not offered.is_new:
            return offered._replace(in_force=self._in_force(offered.edition.number))
        dropped = [plan for plan in self._store.plans_in_use() if plan not in catalogue.plans]
        if dropped:
            raise _drops(catalogue, dropped)
        edition = offered.edition
        effective_at = max(edition.effective_at, self._now()) if offered.before else edition.effective_at
        return offered._replace(edition=_stored(catalogue, text, effective_at))

    def rehearse(self, text: str, after: str, limit: int) -> RehearsedPage:
        """A page of companies with their last month under it; it may take a while, and keeps a core busy."""
        return rehearse(self._store, parse(text), after, limit, self._is_ending.is_set)

    def close(self) -> None:
        """Let no rehearsal keep the process."""
        self._is_ending.set()


def offer_catalogue(store: Store, catalogue: Catalogue, text: str, act: Act | None = None) -> Offered:
    """Load a catalogue that is newer than the store's.

    Refuses one that is older, one of the same version that differs, and one that drops a plan which a company has.
    Comparing it, looking at the companies and adding it are one, whatever other processes do meanwhile.
    """
    for _ in range(TRIES):
        stored = store.catalogues()
        offered = _compared(stored, catalogue, text)
        if not offered.is_new:
            return offered
        try:
            newest = stored[-1].number if stored else 0
            added = store.add_catalogue(offered.edition, newest=newest, plans=catalogue.plans.keys(), act=act)
        except Overtaken:
            continue
        except PlansInUse as problem:
            raise _drops(catalogue, problem.plans) from problem
        if added.number == newest + 1:
            return offered._replace(edition=added)
    raise Busy("Other catalogues are being loaded. Try again in a moment.")


def _stored(catalogue: Catalogue, text: str, effective_at: int) -> StoredCatalogue:
    return StoredCatalogue(
        number=0,
        id=catalogue.id,
        version=catalogue.version,
        effective_at=effective_at,
        loaded_at=0,
        text=text,
    )


def _compared(stored: Sequence[StoredCatalogue], catalogue: Catalogue, text: str) -> Offered:
    """Compare it with the newest one; refuses what is no newer."""
    if not stored:
        return Offered(_stored(catalogue, text, catalogue.effective_from), is_new=True, before=None, changes=[])
    newest = stored[-1]
    found = changes(parse(newest.text), catalogue)
    told = "\n".join(change.text for change in found)
    if catalogue.version == newest.version:
        if found:
            raise CatalogueInvalid(
                f"The catalogue {catalogue.id} {catalogue.version} differs from the one of the same version in the "
                f"store. Give it a new version to change prices or plans:\n{told}",
                errors=[FieldError("catalogue.version", "must be new where anything has changed", newest.version)],
            )
        return Offered(newest, is_new=False, before=newest.version, changes=[])
    if catalogue.version < newest.version:
        raise CatalogueInvalid(
            f"The catalogue {catalogue.id} {catalogue.version} is older than {newest.version}, which the store "
            f"holds. Load the newer file, or give this one a newer version:\n{told}",
            errors=[FieldError("catalogue.version", f"must be later than {newest.version}", catalogue.version)],
        )
    edition = _stored(catalogue, text, catalogue.effective_from)
    return Offered(edition, is_new=True, before=newest.version, changes=found)


def _drops(catalogue: Catalogue, plans: Collection[str]) -> CatalogueInvalid:
    return CatalogueInvalid(
        f"The catalogue {catalogue.version} drops plans that companies have: {', '.join(sorted(plans))}. "
        "Move them to another plan first, or keep the plan in the file.",
        errors=[FieldError(f"plans.{name}", "is missing, and companies have it") for name in sorted(plans)],
    )
