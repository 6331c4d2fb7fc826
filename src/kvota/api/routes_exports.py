"""The ledger as a file: CSV page by page, XLSX through a temporary file."""

import re
from collections.abc import AsyncGenerator
from threading import Event

import structlog

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.api.routes_reports import entry_filter
from kvota.asgi.services import Services
from kvota.asgi.streaming import Stream
from kvota.asks.reports import XLSX
from kvota.errors import StoreUnavailable
from kvota.sheets import Export, csv_head, csv_rows, write_workbook

CSV = "text/csv; charset=utf-8; header=present"
CHUNK = 256 * 1024


async def entries_csv(call: Call) -> Answer:
    """The ledger as CSV."""
    return _file(call, "csv", CSV, _comma_separated(call.services, await _export(call)))


async def entries_xlsx(call: Call) -> Answer:
    """The ledger as a workbook."""
    return _file(call, "xlsx", XLSX, _workbook(call.services, await _export(call)))


async def _export(call: Call) -> Export:
    which = await entry_filter(call, call.query)
    return await call.services.read(Export, call.services.reads, call.company, which)


def _file(call: Call, kind: str, media_type: str, pieces: AsyncGenerator[bytes]) -> Answer:
    name = re.sub(r"[^A-Za-z0-9._@-]", "_", f"{call.company}-entries.{kind}")
    headers = (
        (b"content-type", media_type.encode()),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
    )
    return Answer(200, Stream(pieces), headers)


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
        structlog.get_logger("kvota.api").error("workbook_cannot_be_written", detail=str(problem))
        raise StoreUnavailable(f"The workbook cannot be written to the temporary folder: {problem}") from problem
    finally:
        stop.set()  # where nobody waits any more, the thread ends at its next page
    with file:
        while piece := await services.read(file.read, CHUNK):
            yield piece
