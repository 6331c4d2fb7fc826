"""The ledger as a file."""

from typing import Literal

from kvota.api.calls import Call
from kvota.api.problems import Answer
from kvota.api.routes_reports import chosen_entries
from kvota.asgi.files import entries_file


async def entries_csv(call: Call) -> Answer:
    """The ledger as CSV."""
    return await _file(call, "csv")


async def entries_xlsx(call: Call) -> Answer:
    """The ledger as a workbook."""
    return await _file(call, "xlsx")


async def _file(call: Call, kind: Literal["csv", "xlsx"]) -> Answer:
    which = await chosen_entries(call, call.query)
    file = await entries_file(call.services, call.company, which, kind)
    return Answer(200, file.body, ((b"content-type", file.media_type), (b"content-disposition", file.disposition)))
