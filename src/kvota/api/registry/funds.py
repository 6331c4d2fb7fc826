"""Boosts and the orders for them."""

from kvota.api import routes_funds
from kvota.api.registry.operation import ADMINS, COMPANY, OPERATOR, SEERS, Operation, operation
from kvota.wire import queries, replies, requests


def funds() -> list[Operation]:
    """Boosts and orders."""
    return [
        operation(
            "add_boost", OPERATOR, f"POST {COMPANY}/boosts", "Credit a boost of the catalogue, or an amount",
            routes_funds.add_boost, 201, tag="Boosts and orders", body=requests.BoostRequest, reply=replies.Boost,
            codes=("unknown_boost",), takes_key=True,
        ),
        operation(
            "list_boosts", SEERS, f"GET {COMPANY}/boosts", "All live boosts, in the order in which they pay",
            routes_funds.list_boosts, tag="Boosts and orders", reply=replies.Page[replies.Boost],
        ),
        operation(
            "revoke_boost", OPERATOR, f"DELETE {COMPANY}/boosts/{{boost}}", "Take back what is left of a boost",
            routes_funds.revoke_boost, 204, tag="Boosts and orders", codes=("not_found",),
        ),
        operation(
            "place_order", ADMINS, f"POST {COMPANY}/orders", "Order a boost of the catalogue",
            routes_funds.place_order, 201, tag="Boosts and orders", body=requests.OrderRequest, reply=replies.Order,
            codes=("unknown_boost",), takes_key=True,
        ),
        operation(
            "list_orders", SEERS, f"GET {COMPANY}/orders", "A page of orders, by id",
            routes_funds.list_orders, tag="Boosts and orders", query=queries.PageQuery,
            reply=replies.Page[replies.Order],
        ),
        operation(
            "confirm_order", OPERATOR, f"POST {COMPANY}/orders/{{order}}/confirm",
            "The order is paid: credit its boost, once",
            routes_funds.confirm_order, tag="Boosts and orders", body=requests.ConfirmRequest, reply=replies.Order,
            codes=("not_found", "order_closed"), takes_key=True,
        ),
        operation(
            "drop_order", ADMINS, f"POST {COMPANY}/orders/{{order}}/drop", "Give an order up",
            routes_funds.drop_order, tag="Boosts and orders", body=requests.Nothing, reply=replies.Order,
            codes=("not_found", "order_closed"), takes_key=True,
        ),
    ]  # fmt: skip
