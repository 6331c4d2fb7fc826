"""Quotes, charges, holds and what becomes of them."""

from kvota.api import batch, routes_calls
from kvota.api.problems import DECLINES
from kvota.api.registry.operation import ASKERS, COMPANY, OPERATOR, READERS, USERS, Operation, operation
from kvota.wire import queries, replies, requests

PRICED = ("unknown_action", "quantity_missing")


def charges() -> list[Operation]:
    """Quotes, charges and refunds."""
    return [
        operation(
            "quote", ASKERS, f"POST {COMPANY}/quotes", "What an action would cost now, and who would pay",
            routes_calls.quote, tag="Usage", body=requests.UsageRequest, reply=replies.Quote, codes=PRICED,
        ),
        operation(
            "charge", USERS, f"POST {COMPANY}/charges", "Charge an action at its true cost",
            routes_calls.charge, 201, tag="Usage", body=requests.UsageRequest, reply=replies.Charge,
            codes=(*DECLINES, *PRICED), takes_key=True,
        ),
        operation(
            "get_charge", READERS, f"GET {COMPANY}/charges/{{charge}}", "One charge",
            routes_calls.get_charge, tag="Usage", reply=replies.Charge, codes=("charge_not_found",),
        ),
        operation(
            "refund", OPERATOR, f"POST {COMPANY}/charges/{{charge}}/refund", "Give a charge back, once",
            routes_calls.refund, 201, tag="Usage", body=requests.ReasonRequest, reply=replies.Refund,
            codes=("charge_not_found",), takes_key=True,
        ),
        operation(
            "measure", USERS, f"POST {COMPANY}/charges/{{charge}}/measures", "Add measures to a charge",
            routes_calls.measure, tag="Usage", body=requests.MeasuresRequest, reply=replies.Charge,
            codes=("charge_not_found",), takes_key=True,
        ),
    ]  # fmt: skip


def holds() -> list[Operation]:
    """Holds and batches."""
    return [
        operation(
            "hold", USERS, f"POST {COMPANY}/holds", "Set aside what an action costs, or the most that it can cost",
            routes_calls.hold, 201, tag="Usage", body=requests.HoldRequest, reply=replies.Hold,
            codes=(*DECLINES, *PRICED), takes_key=True,
        ),
        operation(
            "list_holds", READERS, f"GET {COMPANY}/holds", "A page of holds, by id",
            routes_calls.list_holds, tag="Usage", query=queries.HoldsQuery, reply=replies.Page[replies.Hold],
        ),
        operation(
            "get_hold", READERS, f"GET {COMPANY}/holds/{{hold}}", "One hold",
            routes_calls.get_hold, tag="Usage", reply=replies.Hold, codes=("hold_not_found",),
        ),
        operation(
            "capture", USERS, f"POST {COMPANY}/holds/{{hold}}/capture", "Close a hold at its true cost",
            routes_calls.capture, tag="Usage", body=requests.CaptureRequest, reply=replies.Hold,
            codes=("insufficient_requests", "hold_not_found", "hold_closed", "quantity_missing"), takes_key=True,
        ),
        operation(
            "void", USERS, f"POST {COMPANY}/holds/{{hold}}/void", "Close a hold at zero",
            routes_calls.void, tag="Usage", body=requests.Nothing, reply=replies.Hold,
            codes=("hold_not_found", "hold_closed"), takes_key=True,
        ),
        operation(
            "batch", USERS, "POST /v1/batch", "Up to 1,000 charges, holds, captures and voids, each by itself",
            batch.batch, tag="Usage", body=requests.BatchRequest, reply=replies.BatchResults,
        ),
    ]  # fmt: skip
