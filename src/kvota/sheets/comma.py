"""CSV as RFC 4180 has it, in UTF-8 with a byte order mark: Excel takes it for some code page of its own without."""

import csv
import io
from collections.abc import Iterable

from kvota.sheets.columns import COLUMNS, Cell, Row

MARK = b"\xef\xbb\xbf"
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""How a cell begins that a spreadsheet would take for a formula, also in full width."""


def harmless(cell: Cell) -> Cell:
    """The cell; with ' before it where it is text that a spreadsheet would calculate."""
    if isinstance(cell, str) and cell and (cell[0] in FORMULA or cell.lstrip()[:1] in FORMULA):
        return "'" + cell
    return cell


def csv_head() -> bytes:
    """The mark and the line of names."""
    return MARK + csv_rows([COLUMNS])


def csv_rows(rows: Iterable[Row]) -> bytes:
    """Lines, each with its end; instants as RFC 3339."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()
