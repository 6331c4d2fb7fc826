"""Boosts, and the orders for them."""

import datetime as dt

from kvota.asks.ask import Ask, Pages, company_path, given, moment, once, paged
from kvota.wire import replies, requests


def add_boost(
    company: str,
    boost: str | None = None,
    *,
    amount: int | None = None,
    expires_at: dt.datetime | None = None,
    reason: str | None = None,
    key: str | None = None,
) -> Ask[replies.Boost]:
    """Credit a boost of the catalogue, or an amount until ``expires_at``."""
    return Ask(
        operation="add_boost",
        method="POST",
        **company_path(company, "/boosts"),
        kind=requests.BoostRequest,
        body=given(boost=boost, amount=amount, expires_at=moment("expires_at", expires_at), reason=reason),
        reply=replies.Boost,
        **once(key),
    )


def _items(page: replies.Page[replies.Boost]) -> list[replies.Boost]:
    return page.items


def boosts(company: str) -> Ask[list[replies.Boost]]:
    """The live boosts, in the order in which they pay."""
    return Ask(
        operation="list_boosts",
        method="GET",
        **company_path(company, "/boosts"),
        reply=replies.Page[replies.Boost],
        take=_items,
    )


def revoke_boost(company: str, boost: str) -> Ask[None]:
    """Take back what is left of a boost."""
    where = company_path(company, "/boosts/{boost}", boost=boost)
    return Ask(operation="revoke_boost", method="DELETE", **where, missing="live boost")


def place_order(company: str, boost: str, *, key: str | None = None) -> Ask[replies.Order]:
    """Order a boost of the catalogue; nothing is credited before its payment is confirmed."""
    return Ask(
        operation="place_order",
        method="POST",
        **company_path(company, "/orders"),
        kind=requests.OrderRequest,
        body={"boost": boost},
        reply=replies.Order,
        **once(key),
    )


def orders(company: str) -> Pages[replies.Order]:
    """All orders, by id."""
    return Pages(
        Ask(
            operation="list_orders",
            method="GET",
            **company_path(company, "/orders"),
            query=paged(),
            reply=replies.Page[replies.Order],
        )
    )


def confirm_order(company: str, order: str, *, reference: str, key: str | None = None) -> Ask[replies.Order]:
    """The order is paid (``reference``: by what): its boost is credited, once, however often this is said."""
    return Ask(
        operation="confirm_order",
        method="POST",
        **company_path(company, "/orders/{order}/confirm", order=order),
        kind=requests.ConfirmRequest,
        body={"reference": reference},
        reply=replies.Order,
        **once(key),
    )


def drop_order(company: str, order: str, *, key: str | None = None) -> Ask[replies.Order]:
    """Give a pending order up; again: the same reply."""
    where = company_path(company, "/orders/{order}/drop", order=order)
    return Ask(operation="drop_order", method="POST", **where, kind=requests.Nothing, reply=replies.Order, **once(key))
