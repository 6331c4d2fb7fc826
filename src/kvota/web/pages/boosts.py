"""Boosts: those that are there, and those to order, with a warning where buying now would suspend the package."""

from kvota.core import commands
from kvota.core.funds import suspended_by_boost
from kvota.reads import Reads
from kvota.web.answers import Answer, Reply
from kvota.web.page import ADMINS, COMPANY, SEERS, Page, page
from kvota.web.visit import Visit
from kvota.wire.requests import OrderRequest

SHOWN = 100


async def show(visit: Visit) -> Reply:
    """The live boosts in the order in which they pay, the orders, and the offers."""
    reads, company = visit.reads, visit.company
    account = await visit.read(reads.company, company)
    after = visit.came.query.get("after", "")
    orders = await visit.read(reads.orders, company, after, SHOWN + 1)
    return visit.show(
        "boosts.html",
        account=account,
        boosts=await visit.read(reads.boosts, company),
        orders=orders[:SHOWN],
        following=orders[SHOWN - 1].order.id if len(orders) > SHOWN else None,
        catalogue=await visit.read(reads.catalogue),
        suspends=await visit.read(_suspended, reads, company),
        may_order=visit.session.role in ADMINS,
    )


def _suspended(reads: Reads, company: str) -> int:
    with reads.look(company) as look:
        return suspended_by_boost(look.state.known, look.book.at(look.now))


async def order(visit: Visit) -> Answer:
    """Order one; it is credited when its payment is confirmed."""
    body, asker = visit.form.read(OrderRequest, "boost"), visit.asker
    await visit.submit(
        commands.PlaceOrder(company=visit.company, by=asker.by, key=asker.key, request=asker.request, boost=body.boost)
    )
    return visit.go(f"/companies/{visit.company}/boosts", "flash.boost_ordered")


async def drop(visit: Visit) -> Answer:
    """Give an order up."""
    await visit.submit(commands.DropOrder(company=visit.company, by=visit.asker.by, order=visit.named("order")))
    return visit.go(f"/companies/{visit.company}/boosts", "flash.order_dropped")


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("boosts", SEERS, f"GET {COMPANY}/boosts", show, nav=60),
        page("place_order", ADMINS, f"POST {COMPANY}/boosts/orders", order, again=show),
        page("drop_order", ADMINS, f"POST {COMPANY}/boosts/orders/{{order}}/drop", drop, again=show),
    ]
