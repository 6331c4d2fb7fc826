"""XLSX, row by row in constant memory, through temporary files that end with their use."""

import tempfile
from threading import Event
from typing import Any, BinaryIO

import xlsxwriter  # pyright: ignore[reportMissingTypeStubs] - it has none

from kvota.core.periods import DAY, Instant, milliseconds
from kvota.sheets.columns import COLUMNS, Cell, Row
from kvota.sheets.export import Export

MAX_ROWS = 1_048_576
"""Of a sheet, its line of names included: what XLSX can hold. The rest goes on in the next sheet."""
MAX_TEXT = 32_767
EPOCH_DAY = 25_569
"""1970-01-01, as spreadsheets count days."""


class Stopped(Exception):
    """Nobody waits for the workbook any more."""


def write_workbook(export: Export, stop: Event, *, max_rows: int = MAX_ROWS) -> BinaryIO:
    """The workbook as a file that has no name and is gone when it is closed. Raises ``Stopped`` once ``stop`` is set.

    Takes minutes for a million entries.
    """
    file = tempfile.TemporaryFile(prefix="kvota-")  # noqa: SIM115 - the caller closes it
    try:
        with tempfile.TemporaryDirectory(prefix="kvota-") as folder:
            book = _Book(file, folder, max_rows)
            try:
                while rows := export.page():
                    _check(stop)
                    book.add(rows)
                book.workbook.close()
            except BaseException:
                book.give_up()
                raise
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _check(stop: Event) -> None:
    if stop.is_set():
        raise Stopped


class _Book:
    def __init__(self, file: BinaryIO, folder: str, max_rows: int) -> None:
        options = {
            "constant_memory": True,
            "tmpdir": folder,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self.workbook: Any = xlsxwriter.Workbook(file, options)
        self.workbook.use_zip64()
        self._bold = self.workbook.add_format({"bold": True})
        self._instant = self.workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._max_rows, self._sheets = max_rows, 0
        self._begin_sheet()

    def _begin_sheet(self) -> None:
        self._sheets += 1
        name = "Entries" if self._sheets == 1 else f"Entries {self._sheets}"
        self._sheet: Any = self.workbook.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(2, 2, 24)
        for column, title in enumerate(COLUMNS):
            self._sheet.write_string(0, column, title, self._bold)
        self._row = 1

    def give_up(self) -> None:
        """Close the temporary files; and the workbook is not to be finished when it is collected."""
        self.workbook.fileclosed = True
        for sheet in self.workbook.worksheets():
            sheet.row_data_fh.close()

    def add(self, rows: list[Row]) -> None:
        """Add rows; what a sheet cannot hold goes on in the next."""
        for row in rows:
            if self._row == self._max_rows:
                self._begin_sheet()
            for column, cell in enumerate(row):
                if cell is not None:
                    self._write(column, cell)
            self._row += 1

    def _write(self, column: int, cell: Cell) -> None:
        if isinstance(cell, str):  # never as a formula or a link, whatever it begins with
            text = cell if len(cell) <= MAX_TEXT else cell[: MAX_TEXT - 1] + "…"
            self._sheet.write_string(self._row, column, text)
        elif isinstance(cell, Instant):
            self._sheet.write_number(self._row, column, milliseconds(cell) / DAY + EPOCH_DAY, self._instant)
        elif cell is not None:
            self._sheet.write_number(self._row, column, cell)
