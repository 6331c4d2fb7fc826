"""Boosts, and the orders for them."""

from typing import Any

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.core import commands
from kvota.core.decisions.calls import OrderPaid
from kvota.errors import NotFound
from kvota.wire import asking, views
from kvota.wire.fields import is_id
from kvota.wire.replies import Page


async def add_boost(call: Call) -> Answer:
    """Credit a boost."""
    return await call.write(asking.add_boost(call.company, call.body, call.asker), views.boost, 201)


async def list_boosts(call: Call) -> Answer:
    """All live boosts, in the order in which they pay."""
    rows = await call.services.read(call.services.reads.boosts, call.company)
    return Answer(200, Page[Any](items=[views.boost(row) for row in rows]))


async def revoke_boost(call: Call) -> Answer:
    """Take back what is left of a boost."""
    name = call.parameters["boost"]
    if not is_id(name):
        raise NotFound("live boost", name)
    command = commands.RevokeBoost(company=call.company, by=call.asker.by, boost=name)
    return await call.write(command, lambda _: None, 204)


async def place_order(call: Call) -> Answer:
    """Order a boost of the catalogue; nothing is credited yet."""
    asker = call.asker
    command = commands.PlaceOrder(
        company=call.company, by=asker.by, key=asker.key, request=asker.request, boost=call.body.boost
    )
    return await call.write(command, _view(call), 201)


async def list_orders(call: Call) -> Answer:
    """A page of orders, by id."""
    query = call.query
    rows = await call.services.read(call.services.reads.orders, call.company, query.after, query.limit + 1)
    return page(rows, query.limit, _view(call), lambda row: row.order.id)


async def confirm_order(call: Call) -> Answer:
    """The order is paid: credit its boost, once."""
    asker = call.asker
    command = commands.ConfirmOrder(
        company=call.company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        order=call.named("order"),
        reference=call.body.reference,
    )
    return await call.write(command, _view(call), 200)


async def drop_order(call: Call) -> Answer:
    """Give an order up."""
    asker = call.asker
    command = commands.DropOrder(
        company=call.company, by=asker.by, key=asker.key, request=asker.request, order=call.named("order")
    )
    return await call.write(command, _view(call), 200)


def _view(call: Call) -> Any:  # noqa: ANN401 - a view
    def view(row: OrderPaid) -> object:
        return views.order(row, call.warning)

    return view
