"""A ledger as a table, for accountants and spreadsheets: CSV and XLSX, page by page in flat memory."""

from kvota.sheets.comma import csv_head, csv_rows
from kvota.sheets.export import Export
from kvota.sheets.workbook import Stopped, write_workbook

__all__ = ["Export", "Stopped", "csv_head", "csv_rows", "write_workbook"]
