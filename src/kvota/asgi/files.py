"""The ledger as a file: CSV page by page, XLSX through a temporary file."""

import re
from collections.abc import AsyncGenerator
from threading import Event
from typing import Literal, NamedTuple

import structlog

from kvota.asgi.services import Services
from kvota.asgi.streaming import Stream
from kvota.asks.reports import XLSX
from kvota.errors import StoreUnavailable
from kvota.sheets import Export, csv_head, csv_rows, write_workbook
from kvota.store import EntryFilter

CSV = "text/csv; charset=utf-8; header=present"
CHUNK = 256 * 1024


class File(NamedTuple):
    """A body that is saved under a name."""

    body: Stream
    media_type: bytes
    disposition: bytes


async def entries_file(services: Services, company: str, which: EntryFilter, kind: Literal["csv", "xlsx"]) -> File:
    """The chosen entries, up to the last one at this moment. Raises ``NotFound`` for the company."""
    export = await services.read(Export, services.reads, company, which)
    name = re.sub(r"[^A-Za-z0-9._@-]", "_", f"{company}-entries.{kind}")
    pieces = _comma_separated(services, export) if kind == "csv" else _workbook(services, export)
    media_type = CSV if kind == "csv" else XLSX
    return File(Stream(pieces), media_type.encode(), f'attachment; filename="{name}"'.encode())


async def _comma_separated(services: Services, export: Export) -> AsyncGenerator[bytes]:
    def lines() -> bytes:
        return csv_rows(export.page())

    yield csv_head() + await services.read(lines)
    while piece := await services.read(lines):
        yield piece


async def _workbook(services: Services, export: Export) -> AsyncGenerator[bytes]:
    stop = Event()
    try:
        file = await services.make_file(write_workbook, export, stop)
    except OSError as problem:
        structlog.get_logger("kvota.files").error("workbook_cannot_be_written", detail=str(problem))
        raise StoreUnavailable(f"The workbook cannot be written to the temporary folder: {problem}") from problem
    finally:
        stop.set()  # where nobody waits any more, the thread ends at its next page
    with file:
        while piece := await services.read(file.read, CHUNK):
            yield piece
