"""``kvota boost``."""

from kvota.cli import OK
from kvota.cli.options import IdempotencyKey, Where, given

_HERE = Where()


def add(
    company: str,
    boost: str | None = None,
    /,
    *,
    amount: int | None = None,
    expires_at: str | None = None,
    reason: str | None = None,
    idempotency_key: IdempotencyKey = None,
    where: Where = _HERE,
) -> int:
    """Credit a boost of the catalogue, or an amount until an instant.

    For example:

        kvota boost add acme --amount 200 --expires-at 2026-12-31T00:00:00Z --reason "thanks for waiting"

    Parameters
    ----------
    company
        Its id.
    boost
        A boost of the catalogue; without it give --amount and --expires-at.
    amount
        So many AI requests.
    expires_at
        Usable strictly before this instant.
    reason
        Why; kept in the ledger.
    idempotency_key
        The same key credits once, however often it is repeated.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import show_fields

    body = given(boost=boost, amount=amount, expires_at=expires_at, reason=reason)
    with opened(where) as door:
        answer = door.ask("POST", "companies", company, "boosts", body=body, key=idempotency_key)
    return show_fields(answer, where, "Added:")


def list_(company: str, /, *, where: Where = _HERE) -> int:
    """List the live boosts, in the order in which they pay.

    For example:

        kvota boost list acme

    Parameters
    ----------
    company
        Its id.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import page

    columns = [(name.replace("_", " "), name) for name in ("id", "boost", "amount", "used", "held", "remaining",
                                                           "added_at", "expires_at")]  # fmt: skip
    with opened(where) as door:
        return page(f"Boosts of {company}", door.ask("GET", "companies", company, "boosts"), where, columns)


def revoke(company: str, boost: str, /, *, where: Where = _HERE) -> int:
    """Take back what is left of a boost; what it has paid stays paid.

    For example:

        kvota boost revoke acme bst_3

    Parameters
    ----------
    company
        Its id.
    boost
        The id of the boost.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import is_told, say

    with opened(where) as door:
        answer = door.ask("DELETE", "companies", company, "boosts", boost)
    if not is_told(answer, where):
        say(f"Revoked: {boost}")
    return OK
