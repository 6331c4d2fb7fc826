"""``kvota quote``, ``charge``, ``hold``, ``capture`` and ``void``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from kvota.cli import NO, OK
from kvota.cli.options import IdempotencyKey, Measures, Quantities, Stages, Where, amounts, given

if TYPE_CHECKING:
    from kvota.cli.door import Answer

_HERE = Where()


def quote(
    company: str,
    action: str,
    /,
    *,
    quantity: Quantities = None,
    stage: Stages = None,
    subject: str | None = None,
    user: str | None = None,
    department: str | None = None,
    where: Where = _HERE,
) -> int:
    """What an action would cost now, and what would pay for it. Changes nothing. Exits 1 if it would be declined.

    For example:

        kvota quote acme site_creation --quantity images=3

    Parameters
    ----------
    company
        Its id.
    action
        An action of the catalogue.
    quantity
        NAME=NUMBER; may be given several times. What is left out counts as the most that it can be.
    stage
        Only this stage of the action; may be given several times.
    subject
        The thing worked on, call:8841 for example; shared stages are paid once for it.
    user
        Who asks.
    department
        The department that is asked for.
    """
    from kvota.cli.door import opened
    from kvota.cli.screen import declined, facts, is_told, listing

    body = _usage(action, quantity, stage, subject, user, department)
    with opened(where) as door:
        answer = door.ask("POST", "companies", company, "quotes", body=body)
    found = answer.json
    if not is_told(answer, where):
        parts = [[part["part"], part.get("quantity"), part["cost"]] for part in found["breakdown"]]
        facts(f"{action} would cost {found['cost']}", [("approved", found["approved"]), ("paid by", found["paid_by"])])
        if parts:
            listing("Breakdown", ["part", "quantity", "cost"], parts)
        if found["decline"] is not None:
            declined(found["decline"], "It would be declined")
    return OK if found["approved"] else NO


def charge(
    company: str,
    action: str,
    /,
    *,
    quantity: Quantities = None,
    stage: Stages = None,
    subject: str | None = None,
    user: str | None = None,
    department: str | None = None,
    measure: Measures = None,
    idempotency_key: IdempotencyKey = None,
    where: Where = _HERE,
) -> int:
    """Charge an action. Exits 1 if it is declined; then nothing is taken.

    For example:

        kvota charge acme crm_call_processing --subject call:8841 --user anna

    Parameters
    ----------
    company
        Its id.
    action
        An action of the catalogue.
    quantity
        NAME=NUMBER; may be given several times.
    stage
        Only this stage of the action; may be given several times.
    subject
        The thing worked on, call:8841 for example; shared stages are paid once for it.
    user
        Who asked.
    department
        His department, where it is not the directory's.
    measure
        NAME=NUMBER to keep beside the price: tokens, upstream cost; may be given several times.
    idempotency_key
        The same key with the same call is charged once, however often it is repeated.
    """
    body = _usage(action, quantity, stage, subject, user, department, measure)
    return _post(company, "charges", body, idempotency_key, where)


def hold(
    company: str,
    action: str,
    /,
    *,
    quantity: Quantities = None,
    stage: Stages = None,
    subject: str | None = None,
    user: str | None = None,
    department: str | None = None,
    measure: Measures = None,
    ttl: int | None = None,
    idempotency_key: IdempotencyKey = None,
    where: Where = _HERE,
) -> int:
    """Set AI requests aside while the true cost is not known; then kvota capture or kvota void.

    For example:

        kvota hold acme follow_up --user anna --ttl 3600

    Parameters
    ----------
    company
        Its id.
    action
        An action of the catalogue.
    quantity
        NAME=NUMBER; may be given several times. What is left out counts as the most that it can be.
    stage
        Only this stage of the action; may be given several times.
    subject
        The thing worked on.
    user
        Who asked.
    department
        His department, where it is not the directory's.
    measure
        NAME=NUMBER to keep beside the price; may be given several times.
    ttl
        The seconds after which the hold is void by itself, 1 to 86400.
    idempotency_key
        The same key with the same call holds once, however often it is repeated.
    """
    body = _usage(action, quantity, stage, subject, user, department, measure)
    return _post(company, "holds", {**body, **given(ttl=ttl)}, idempotency_key, where)


def capture(
    company: str,
    hold: str,
    /,
    *,
    quantity: Quantities = None,
    measure: Measures = None,
    at_most_held: Annotated[bool, Parameter(negative=())] = False,
    idempotency_key: IdempotencyKey = None,
    where: Where = _HERE,
) -> int:
    """Close a hold at its true cost. Exits 1 if it costs more than there is; then the hold stays open.

    For example:

        kvota capture acme hld_7 --quantity participants=2

    Parameters
    ----------
    company
        Its id.
    hold
        The id of the hold.
    quantity
        NAME=NUMBER as it was in the end; may be given several times. What is left out is the hold's.
    measure
        NAME=NUMBER to keep beside the price; may be given several times.
    at_most_held
        Never draw more than is held: what that does not cover is written off.
    idempotency_key
        As for a charge.
    """
    body = given(
        quantities=amounts("--quantity", quantity) or None,
        measures=amounts("--measure", measure) or None,
        at_most_held=at_most_held or None,
    )
    return _post(company, f"holds/{hold}/capture", body, idempotency_key, where)


def void(company: str, hold: str, /, *, idempotency_key: IdempotencyKey = None, where: Where = _HERE) -> int:
    """Close a hold at zero: everything goes back to where it came from.

    For example:

        kvota void acme hld_7

    Parameters
    ----------
    company
        Its id.
    hold
        The id of the hold.
    idempotency_key
        As for a charge.
    """
    return _post(company, f"holds/{hold}/void", {}, idempotency_key, where)


def _usage(  # noqa: PLR0917 - in the order of the contract
    action: str,
    quantity: Quantities,
    stage: Stages,
    subject: str | None,
    user: str | None,
    department: str | None,
    measure: Measures = None,
) -> dict[str, object]:
    return given(
        action=action,
        quantities=amounts("--quantity", quantity) or None,
        stages=stage,
        subject=subject,
        user=user,
        department=department,
        measures=amounts("--measure", measure) or None,
    )


def _post(company: str, what: str, body: Mapping[str, object], key: str | None, where: Where) -> int:
    from kvota.cli.door import opened

    with opened(where) as door:
        answer = door.ask("POST", "companies", company, *what.split("/"), body=body, key=key)
    return _tell(answer, where)


def _tell(answer: "Answer", where: Where) -> int:
    from kvota.cli.screen import declined, facts, is_told, say

    found = answer.json
    if "reason" in found:
        if where.json:
            say(answer.body.decode())
            return NO
        return declined(found)
    if not is_told(answer, where):
        facts(f"{found['status'].capitalize()}: {found['id']}", _facts(found))
    return OK


def _facts(found: dict[str, object]) -> list[tuple[str, object]]:
    shown = ["action", "user", "department", "subject", "quantities", "held", "cost", "returned", "written_off",
             "charge", "paid_by", "at", "expires_at", "closed_at", "available"]  # fmt: skip
    return [
        (name.replace("_", " "), found[name])
        for name in shown
        if name in found and found[name] is not None and found[name] != {}
    ]
