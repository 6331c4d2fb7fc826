"""``kvota order``."""

from kvota.cli.options import IdempotencyKey, Where

_HERE = Where()


def place(company: str, boost: str, /, *, idempotency_key: IdempotencyKey = None, where: Where = _HERE) -> int:
    """Order a boost of the catalogue: pending until it is confirmed as paid, or dropped.

    For example:

        kvota order place acme boost_1000

    Parameters
    ----------
    company
        Its id.
    boost
        A boost of the catalogue.
    idempotency_key
        The same key orders once, however often it is repeated.
    """
    return _post(company, where, "Ordered:", idempotency_key, body={"boost": boost})


def list_(company: str, /, *, after: str | None = None, limit: int = 100, where: Where = _HERE) -> int:
    """List a company's orders.

    For example:

        kvota order list acme

    Parameters
    ----------
    company
        Its id.
    after
        Those after this id.
    limit
        At most so many, 1 to 1000.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import page

    columns = [("order", "id"), ("boost", "boost"), ("amount", "amount"), ("price", "price"), ("status", "status")]
    with opened(where) as door:
        answer = door.ask("GET", "companies", company, "orders", query={"after": after, "limit": limit})
        return page(f"Orders of {company}", answer, where, columns)


def confirm(
    company: str, order: str, /, *, reference: str, idempotency_key: IdempotencyKey = None, where: Where = _HERE
) -> int:
    """Confirm that an order is paid: its boost is credited, exactly once however often it is confirmed.

    For example:

        kvota order confirm acme ord_1 --reference "payment 4711"

    Parameters
    ----------
    company
        Its id.
    order
        The id of the order.
    reference
        The payment's: the number of an invoice, for example.
    idempotency_key
        As for placing it.
    """
    return _post(company, where, "Confirmed:", idempotency_key, order, "confirm", body={"reference": reference})


def drop(company: str, order: str, /, *, idempotency_key: IdempotencyKey = None, where: Where = _HERE) -> int:
    """Drop an order that will not be paid.

    For example:

        kvota order drop acme ord_1

    Parameters
    ----------
    company
        Its id.
    order
        The id of the order.
    idempotency_key
        As for placing it.
    """
    return _post(company, where, "Dropped:", idempotency_key, order, "drop", body={})


def _post(company: str, where: Where, title: str, key: str | None, *path: str, body: dict[str, object]) -> int:
    from kvota.cli.door import opened
    from kvota.cli.screen import show_fields

    with opened(where) as door:
        answer = door.ask("POST", "companies", company, "orders", *path, body=body, key=key)
    return show_fields(answer, where, title)
