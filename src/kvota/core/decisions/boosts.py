"""Boosts and the orders for them."""

from kvota.core.account import Boost, Order
from kvota.core.catalogue import MAX_AMOUNT, Book, BoostOffer
from kvota.core.commands import AddBoost, ConfirmOrder, DropOrder, PlaceOrder, RevokeBoost
from kvota.core.decisions.calls import OrderPaid
from kvota.core.declines import MAX_LIVE_BOOSTS
from kvota.core.entries import BoostAdded, BoostRevoked, identifier
from kvota.core.fold import record
from kvota.core.funds import suspended_by_boost
from kvota.core.periods import DAY, MAX_INSTANT, rfc3339
from kvota.core.state import State, replace
from kvota.errors import Invalid, NotFound, OrderClosed, UnknownBoost


def _offer(book: Book, name: str, now: int) -> BoostOffer:
    offer = book.at(now).boosts.get(name)
    if offer is None:
        known = ", ".join(book.at(now).boosts) or "none"
        raise UnknownBoost.field("boost", f"is not a boost of the catalogue; it has: {known}", name)
    return offer


def _check_room(state: State) -> None:
    if state.known.live_boosts >= MAX_LIVE_BOOSTS:
        raise Invalid(f"{state.company} has {MAX_LIVE_BOOSTS} live boosts, and no more can be: revoke one first.")


def _next_boost(state: State) -> str:
    return identifier("bst", state.known.seq + 1)


def add_boost(state: State, book: Book, command: AddBoost, now: int) -> Boost:
    """Credit a boost of the catalogue, or an amount until ``expires_at``."""
    if command.boost is not None:
        if command.amount is not None or command.expires_at is not None:
            raise Invalid.field("boost", "stands alone: its amount and expiry are the catalogue's", command.boost)
        offer = _offer(book, command.boost, now)
        amount, expires_at = offer.amount, now + offer.valid_days * DAY
    else:
        amount, expires_at = _granted(command, now)
    _check_room(state)
    fact = BoostAdded(
        id=_next_boost(state), amount=amount, expires_at=expires_at, boost=command.boost, reason=command.reason
    )
    record(state, book, fact, now, by=command.by, key=command.key)
    return state.boosts[fact.id]


def _granted(command: AddBoost, now: int) -> tuple[int, int]:
    amount, expires_at = command.amount, command.expires_at
    if amount is None or not 1 <= amount <= MAX_AMOUNT:
        raise Invalid.field("amount", f"must be a whole number from 1 to {MAX_AMOUNT}, or name a boost", amount)
    if expires_at is None or not now < expires_at <= MAX_INSTANT:
        value = None if expires_at is None else rfc3339(expires_at)
        raise Invalid.field("expires_at", f"must be an instant after {rfc3339(now)}", value)
    return amount, expires_at


def revoke_boost(state: State, book: Book, command: RevokeBoost, now: int) -> None:
    """Take back what is left of a live boost; again: nothing happens."""
    boost = state.boosts.get(command.boost)
    if boost is None or boost.status == "expired":
        raise NotFound("live boost", command.boost)
    if boost.status == "live":
        record(state, book, BoostRevoked(id=boost.id, left=boost.left), now, by=command.by, key=command.key)


def place_order(state: State, book: Book, command: PlaceOrder, now: int) -> OrderPaid:
    """Note a company's wish to buy a boost; nothing is credited, and it is no entry."""
    offer = _offer(book, command.boost, now)
    account, catalogue = state.known, book.at(now)
    order = Order(
        company=state.company,
        id=identifier("ord", account.orders + 1),
        boost=offer.id,
        amount=offer.amount,
        valid_days=offer.valid_days,
        price=offer.price,
        suspends=suspended_by_boost(account, catalogue) > 0,
        ordered_at=now,
    )
    state.account = replace(account, orders=account.orders + 1)
    state.changes.is_account_changed = True
    state.put_order(order)
    return OrderPaid(order=order, credited=None)


def _order(state: State, name: str) -> Order:
    order = state.orders.get(name)
    if order is None:
        raise NotFound("order", name)
    return order


def _closed(order: Order) -> OrderClosed:
    return OrderClosed(f"The order {order.id} was {order.status} at {rfc3339(order.closed_at or 0)}.")


def credited_boost(order: Order) -> Boost | None:
    """The boost of a paid order, as it was credited."""
    if order.credited is None or order.closed_at is None:
        return None
    return Boost(
        company=order.company,
        id=order.credited,
        boost=order.boost,
        amount=order.amount,
        added_at=order.closed_at,
        expires_at=order.closed_at + order.valid_days * DAY,
        order_id=order.id,
    )


def confirm_order(state: State, book: Book, command: ConfirmOrder, now: int) -> OrderPaid:
    """Credit the boost of a pending order, once; however often it is confirmed, the reply is the same."""
    order = _order(state, command.order)
    if order.status == "dropped":
        raise _closed(order)
    if order.status == "pending":
        _check_room(state)
        fact = BoostAdded(
            id=_next_boost(state),
            amount=order.amount,
            expires_at=now + order.valid_days * DAY,
            boost=order.boost,
            order=order.id,
        )
        record(state, book, fact, now, by=command.by, key=command.key)
        order = replace(order, status="paid", reference=command.reference, credited=fact.id, closed_at=now)
        state.put_order(order)
    return OrderPaid(order=order, credited=credited_boost(order))


def drop_order(state: State, book: Book, command: DropOrder, now: int) -> OrderPaid:  # noqa: ARG001 - as all decisions
    """Give a pending order up; again: the same."""
    order = _order(state, command.order)
    if order.status == "paid":
        raise _closed(order)
    if order.status == "pending":
        order = replace(order, status="dropped", closed_at=now)
        state.put_order(order)
    return OrderPaid(order=order, credited=None)
