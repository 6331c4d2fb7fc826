"""The entries of one company, page by page, up to the last one that there was at the start."""

from kvota.reads import Reads
from kvota.sheets.columns import Row, cells
from kvota.store import EntryFilter
from kvota.wire.reports import entry

PAGE = 1000


class Export:
    """Entries are only ever added: so pages, each a short snapshot of its own, are one consistent whole.

    Nothing is held between two pages, however slowly they are fetched. Raises ``NotFound`` for the company.
    """

    def __init__(self, reads: Reads, company: str, which: EntryFilter) -> None:
        self._reads, self._company, self._which = reads, company, which
        self._head = reads.head(company)
        self._after = 0

    def page(self) -> list[Row]:
        """The next rows; none at the end. For one thread at a time."""
        if self._after >= self._head:
            return []
        found = self._reads.stored_entries(self._company, self._which, self._after, PAGE)
        rows = [cells(entry(written)) for written in found if written.entry.seq <= self._head]
        self._after = found[-1].entry.seq if len(found) == PAGE else self._head
        return rows
