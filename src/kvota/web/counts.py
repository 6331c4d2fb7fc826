"""What waits for who came, told in the navigation beside the names of the pages."""

from kvota.web.page import ADMINS
from kvota.web.visit import Visit

MOST = 100
"""More are not counted."""


async def counts(visit: Visit) -> dict[str, int]:
    """How many things wait, by the name of the page where they do."""
    session = visit.maybe_session
    if session is None or session.role not in ADMINS:
        return {}
    found: dict[str, int] = {}
    if company := visit.parameters.get("company") or session.company:
        found["appeals"] = len(await visit.read(visit.reads.appeals.waiting, company, MOST))
    if session.role == "operator":
        found["orders_to_confirm"] = len(await visit.read(visit.reads.pending_orders, ("", ""), MOST))
    return found
