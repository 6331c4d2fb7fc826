"""What only an operator sees: orders to confirm, the health of the system, and what operators did."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from importlib.metadata import version

from kvota.acts import Act
from kvota.core.commands import ConfirmOrder, DropOrder
from kvota.errors import Invalid, KvotaError, NotFound
from kvota.web.answers import Answer, Reply
from kvota.web.page import OPERATORS, Page, page
from kvota.web.visit import Visit
from kvota.wire.fields import is_id
from kvota.wire.requests import ConfirmRequest

SHOWN = 50
ORDERS = "/operator/orders"
INSTANTS = ("expires_at", "until")


async def orders(visit: Visit) -> Reply:
    """The orders that wait for their payment."""
    after = visit.came.query.get("after", "")
    company, _, order = after.partition("/")
    found = await visit.read(visit.reads.pending_orders, (company, order), SHOWN + 1)
    last = found[SHOWN - 1][0] if len(found) > SHOWN else None
    return visit.show(
        "orders_to_confirm.html",
        waiting=found[:SHOWN],
        following=None if last is None else f"{last.company}/{last.id}",
        catalogue=await visit.read(visit.reads.catalogue),
    )


async def confirm(visit: Visit) -> Answer:
    """It is paid: credit its boost, once."""
    await visit.read(visit.reads.company, visit.company)
    reference = visit.form.read(ConfirmRequest, "reference").reference
    await visit.submit(
        ConfirmOrder(company=visit.company, by=visit.session.owner, order=visit.named("order"), reference=reference)
    )
    return visit.go(ORDERS, "flash.order_confirmed")


async def drop(visit: Visit) -> Answer:
    """It will not be paid."""
    await visit.submit(DropOrder(company=visit.company, by=visit.session.owner, order=visit.named("order")))
    return visit.go(ORDERS, "flash.order_dropped")


async def health(visit: Visit) -> Reply:
    """Whether everything that the meter rests on answers."""
    began = time.perf_counter()
    try:
        await visit.read(visit.reads.ping)
        problem = ""
    except KvotaError as error:
        problem = str(error)
    milliseconds = round((time.perf_counter() - began) * 1000)
    catalogue, skew = await asyncio.gather(visit.read(visit.reads.catalogue), visit.read(visit.reads.clock_skew))
    return visit.show(
        "health.html",
        problem=problem,
        milliseconds=milliseconds,
        skew=skew,
        depth=visit.services.depth,
        workers=visit.services.workers,
        upstreams=visit.services.upstream_health(),
        version=version("kvota"),
        catalogue=catalogue,
        is_sandbox=visit.reads.is_sandbox,
    )


async def audit(visit: Visit) -> Reply:
    """What operators did, newest first."""
    query = visit.came.query
    company = query.get("company", "").strip()
    if company and not is_id(company):
        raise Invalid.field("company", "must be a company’s id", company)
    acts = await visit.read(visit.reads.audit.page, company or None, query.get("after", ""), SHOWN + 1)
    shown = acts[:SHOWN]
    return visit.show(
        "audit.html",
        acts=shown,
        who=await visit.read(_names, visit, shown),
        company=company,
        instants=INSTANTS,
        following=shown[-1].id if len(acts) > SHOWN else None,
    )


def _names(visit: Visit, acts: Iterable[Act]) -> dict[str, str]:
    """What to call those who did it: the address of a sign-in; a key by its id."""
    names: dict[str, str] = {}
    for by in {one.by for one in acts}:
        names[by] = by
        if by.startswith("sgn_"):
            with contextlib.suppress(NotFound):
                names[by] = visit.access.sign_in(None, by).email
    return names


def pages() -> list[Page]:
    """The pages of this module."""
    one = f"{ORDERS}/{{company}}/{{order}}"
    return [
        page("orders_to_confirm", OPERATORS, f"GET {ORDERS}", orders, nav=12),
        page("confirm_order", OPERATORS, f"POST {one}/confirm", confirm, again=orders),
        page("refuse_order", OPERATORS, f"POST {one}/drop", drop),
        page("health", OPERATORS, "GET /operator/health", health, nav=16),
        page("audit", OPERATORS, "GET /operator/audit", audit, nav=18),
    ]
