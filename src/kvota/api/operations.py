"""The registry: every call of the API, once. Routes, ``/openapi.json`` and ``/docs`` are made from it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from kvota.api import (
    batch,
    routes_admin,
    routes_calls,
    routes_company,
    routes_funds,
    routes_open,
    routes_reports,
)
from kvota.api.auth import ADMIN, APP, AUDITOR, MEMBER, OPERATOR
from kvota.api.calls import Call
from kvota.api.problems import DECLINES, Answer
from kvota.wire import queries, replies, requests
from kvota.wire.catalogue_view import Catalogue

Handler = Callable[[Call], Awaitable[Answer]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One call. ``roles`` is None where no key is needed; ``codes`` are what it can answer beside the usual ones."""

    name: str
    tag: str
    method: str
    path: str
    summary: str
    handler: Handler
    roles: frozenset[str] | None
    statuses: tuple[int, ...]
    reply: Any = None
    body: type[requests.Request] | None = None
    query: type[queries.Query] = queries.Query
    codes: tuple[str, ...] = ()
    takes_key: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of what stands in the path."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))


_OPERATOR = frozenset({OPERATOR})
_ADMINS = frozenset({OPERATOR, ADMIN})
_SEERS = frozenset({OPERATOR, ADMIN, AUDITOR})
_USERS = frozenset({OPERATOR, ADMIN, APP})
_READERS = frozenset({OPERATOR, ADMIN, APP, AUDITOR})
_ALL = frozenset({OPERATOR, ADMIN, APP, MEMBER, AUDITOR})
_ASKERS = frozenset({OPERATOR, ADMIN, APP, MEMBER})
_REPORTED = frozenset({OPERATOR, ADMIN, MEMBER, AUDITOR})
_COMPANY = "/v1/companies/{company}"
_PRICED = ("unknown_action", "quantity_missing")


def _operation(
    name: str,
    roles: frozenset[str] | None,
    call: str,
    summary: str,
    handler: Handler,
    *statuses: int,
    **more: Any,  # noqa: ANN401
) -> Operation:
    method, path = call.split(" ")
    return Operation(
        name=name,
        roles=roles,
        method=method,
        path=path,
        summary=summary,
        handler=handler,
        statuses=statuses or (200,),
        **more,
    )


def _usage() -> list[Operation]:
    return [
        _operation(
            "quote", _ASKERS, f"POST {_COMPANY}/quotes", "What an action would cost now, and who would pay",
            routes_calls.quote, tag="Usage", body=requests.UsageRequest, reply=replies.Quote, codes=_PRICED,
        ),
        _operation(
            "charge", _USERS, f"POST {_COMPANY}/charges", "Charge an action at its true cost",
            routes_calls.charge, 201, tag="Usage", body=requests.UsageRequest, reply=replies.Charge,
            codes=(*DECLINES, *_PRICED), takes_key=True,
        ),
        _operation(
            "get_charge", _READERS, f"GET {_COMPANY}/charges/{{charge}}", "One charge",
            routes_calls.get_charge, tag="Usage", reply=replies.Charge, codes=("charge_not_found",),
        ),
        _operation(
            "refund", _OPERATOR, f"POST {_COMPANY}/charges/{{charge}}/refund", "Give a charge back, once",
            routes_calls.refund, 201, tag="Usage", body=requests.ReasonRequest, reply=replies.Refund,
            codes=("charge_not_found",), takes_key=True,
        ),
        _operation(
            "measure", _USERS, f"POST {_COMPANY}/charges/{{charge}}/measures", "Add measures to a charge",
            routes_calls.measure, tag="Usage", body=requests.MeasuresRequest, reply=replies.Charge,
            codes=("charge_not_found",), takes_key=True,
        ),
    ]  # fmt: skip


def _holds() -> list[Operation]:
    return [
        _operation(
            "hold", _USERS, f"POST {_COMPANY}/holds", "Set aside what an action costs, or the most that it can cost",
            routes_calls.hold, 201, tag="Usage", body=requests.HoldRequest, reply=replies.Hold,
            codes=(*DECLINES, *_PRICED), takes_key=True,
        ),
        _operation(
            "list_holds", _READERS, f"GET {_COMPANY}/holds", "A page of holds, by id",
            routes_calls.list_holds, tag="Usage", query=queries.HoldsQuery, reply=replies.Page[replies.Hold],
        ),
        _operation(
            "get_hold", _READERS, f"GET {_COMPANY}/holds/{{hold}}", "One hold",
            routes_calls.get_hold, tag="Usage", reply=replies.Hold, codes=("hold_not_found",),
        ),
        _operation(
            "capture", _USERS, f"POST {_COMPANY}/holds/{{hold}}/capture", "Close a hold at its true cost",
            routes_calls.capture, tag="Usage", body=requests.CaptureRequest, reply=replies.Hold,
            codes=("insufficient_requests", "hold_not_found", "hold_closed", "quantity_missing"), takes_key=True,
        ),
        _operation(
            "void", _USERS, f"POST {_COMPANY}/holds/{{hold}}/void", "Close a hold at zero",
            routes_calls.void, tag="Usage", body=requests.Nothing, reply=replies.Hold,
            codes=("hold_not_found", "hold_closed"), takes_key=True,
        ),
        _operation(
            "batch", _USERS, "POST /v1/batch", "Up to 1,000 charges, holds, captures and voids, each by itself",
            batch.batch, tag="Usage", body=requests.BatchRequest, reply=replies.BatchResults,
        ),
    ]  # fmt: skip


def _companies() -> list[Operation]:
    return [
        _operation(
            "get_catalogue", _ALL, "GET /v1/catalogue", "The catalogue in force",
            routes_company.get_catalogue, tag="Companies", reply=Catalogue,
        ),
        _operation(
            "list_companies", _OPERATOR, "GET /v1/companies", "A page of companies, by id",
            routes_company.list_companies, tag="Companies", query=queries.PageQuery,
            reply=replies.Page[replies.Company],
        ),
        _operation(
            "put_company", _OPERATOR, f"PUT {_COMPANY}", "Create a company, or change its settings and plan",
            routes_company.put_company, 200, 201, tag="Companies", body=requests.CompanyRequest,
            reply=replies.Company, codes=("unknown_plan",),
        ),
        _operation(
            "patch_company", _ADMINS, f"PATCH {_COMPANY}", "Change settings of a company",
            routes_company.patch_company, tag="Companies", body=requests.CompanyRequest, reply=replies.Company,
            codes=("unknown_plan",),
        ),
        _operation(
            "get_company", _SEERS, f"GET {_COMPANY}", "One company",
            routes_company.get_company, tag="Companies", reply=replies.Company,
        ),
    ]  # fmt: skip


def _standing() -> list[Operation]:
    return [
        _operation(
            "get_balance", _READERS, f"GET {_COMPANY}/balance", "What is available, held and used, now",
            routes_company.balance, tag="Companies", reply=replies.Balance,
        ),
        _operation(
            "change_plan", _ADMINS, f"POST {_COMPANY}/plan-changes", "Change the plan, or show what that would do",
            routes_company.change_plan, 201, 200, tag="Companies", body=requests.PlanChangeRequest,
            reply=replies.PlanChange, codes=("unknown_plan",), takes_key=True,
        ),
        _operation(
            "drop_scheduled_plan", _ADMINS, f"DELETE {_COMPANY}/plan-changes/scheduled",
            "Forget the scheduled plan change",
            routes_company.drop_scheduled_plan, 204, tag="Companies", codes=("not_found",),
        ),
        _operation(
            "suspend", _OPERATOR, f"POST {_COMPANY}/suspend", "Stop all charges and holds",
            routes_company.suspend, tag="Companies", body=requests.ReasonRequest, reply=replies.Balance,
            takes_key=True,
        ),
        _operation(
            "resume", _OPERATOR, f"POST {_COMPANY}/resume", "Let a suspended company go on",
            routes_company.resume, tag="Companies", body=requests.ReasonRequest, reply=replies.Balance,
            takes_key=True,
        ),
        _operation(
            "adjust", _OPERATOR, f"POST {_COMPANY}/adjustments", "Move the allowance's used counter",
            routes_company.adjust, 201, tag="Companies", body=requests.AdjustmentRequest, reply=replies.Balance,
            takes_key=True,
        ),
    ]  # fmt: skip


def _funds() -> list[Operation]:
    return [
        _operation(
            "add_boost", _OPERATOR, f"POST {_COMPANY}/boosts", "Credit a boost of the catalogue, or an amount",
            routes_funds.add_boost, 201, tag="Boosts and orders", body=requests.BoostRequest, reply=replies.Boost,
            codes=("unknown_boost",), takes_key=True,
        ),
        _operation(
            "list_boosts", _SEERS, f"GET {_COMPANY}/boosts", "All live boosts, in the order in which they pay",
            routes_funds.list_boosts, tag="Boosts and orders", reply=replies.Page[replies.Boost],
        ),
        _operation(
            "revoke_boost", _OPERATOR, f"DELETE {_COMPANY}/boosts/{{boost}}", "Take back what is left of a boost",
            routes_funds.revoke_boost, 204, tag="Boosts and orders", codes=("not_found",),
        ),
        _operation(
            "place_order", _ADMINS, f"POST {_COMPANY}/orders", "Order a boost of the catalogue",
            routes_funds.place_order, 201, tag="Boosts and orders", body=requests.OrderRequest, reply=replies.Order,
            codes=("unknown_boost",), takes_key=True,
        ),
        _operation(
            "list_orders", _SEERS, f"GET {_COMPANY}/orders", "A page of orders, by id",
            routes_funds.list_orders, tag="Boosts and orders", query=queries.PageQuery,
            reply=replies.Page[replies.Order],
        ),
        _operation(
            "confirm_order", _OPERATOR, f"POST {_COMPANY}/orders/{{order}}/confirm",
            "The order is paid: credit its boost, once",
            routes_funds.confirm_order, tag="Boosts and orders", body=requests.ConfirmRequest, reply=replies.Order,
            codes=("not_found", "order_closed"), takes_key=True,
        ),
        _operation(
            "drop_order", _ADMINS, f"POST {_COMPANY}/orders/{{order}}/drop", "Give an order up",
            routes_funds.drop_order, tag="Boosts and orders", body=requests.Nothing, reply=replies.Order,
            codes=("not_found", "order_closed"), takes_key=True,
        ),
    ]  # fmt: skip


def _others() -> list[Operation]:
    return [
        _operation(
            "list_entries", _SEERS, f"GET {_COMPANY}/entries", "A page of the ledger, by seq",
            routes_reports.list_entries, tag="Reports", query=queries.EntriesQuery,
            reply=replies.Page[replies.Entry],
        ),
        _operation(
            "get_usage", _REPORTED, f"GET {_COMPANY}/usage", "Statistics of local dates; a member sees his own",
            routes_reports.usage, tag="Reports", query=queries.UsageQuery, reply=replies.UsageReport,
        ),
        _operation(
            "set_cap", _ADMINS, f"PUT {_COMPANY}/caps/{{cap}}", "Set a cap, or change it",
            routes_admin.set_cap, 200, 201, tag="Caps and keys", body=requests.CapRequest, reply=replies.Cap,
        ),
        _operation(
            "list_caps", _SEERS, f"GET {_COMPANY}/caps", "All caps, by id",
            routes_admin.list_caps, tag="Caps and keys", reply=replies.Page[replies.Cap],
        ),
        _operation(
            "remove_cap", _ADMINS, f"DELETE {_COMPANY}/caps/{{cap}}", "Remove a cap",
            routes_admin.remove_cap, 204, tag="Caps and keys", codes=("not_found",),
        ),
        _operation(
            "make_key", _ADMINS, f"POST {_COMPANY}/keys", "Make an API key; the key itself is shown this once",
            routes_admin.make_key, 201, tag="Caps and keys", body=requests.KeyRequest, reply=replies.NewApiKey,
            codes=("unknown_action",),
        ),
        _operation(
            "list_keys", _SEERS, f"GET {_COMPANY}/keys", "A page of the keys in force, by id",
            routes_admin.list_keys, tag="Caps and keys", query=queries.PageQuery,
            reply=replies.Page[replies.ApiKey],
        ),
        _operation(
            "revoke_key", _ADMINS, f"DELETE {_COMPANY}/keys/{{key}}", "Revoke an API key",
            routes_admin.revoke_key, 204, tag="Caps and keys", codes=("not_found",),
        ),
    ]  # fmt: skip


def _service() -> list[Operation]:
    return [
        _operation(
            "get_clock", _OPERATOR, "GET /v1/sandbox/clock", "The sandbox's clock",
            routes_admin.get_clock, tag="Sandbox", reply=replies.Clock, codes=("not_found",),
        ),
        _operation(
            "set_clock", _OPERATOR, "PUT /v1/sandbox/clock", "Set the sandbox's clock",
            routes_admin.set_clock, tag="Sandbox", body=requests.ClockRequest, reply=replies.Clock,
            codes=("not_found",),
        ),
        _operation("healthz", None, "GET /healthz", "Whether the process runs", routes_open.healthz, tag="Service"),
        _operation("readyz", None, "GET /readyz", "Whether the store answers", routes_open.readyz, tag="Service"),
        _operation("metrics", None, "GET /metrics", "Metrics for Prometheus", routes_open.metrics, tag="Service"),
        _operation("openapi", None, "GET /openapi.json", "This API as OpenAPI 3.1", routes_open.openapi, tag="Service"),
        _operation("docs", None, "GET /docs", "This API as a page", routes_open.docs, tag="Service"),
    ]  # fmt: skip


def operations() -> list[Operation]:
    """All calls, in the order in which they are shown."""
    return [*_usage(), *_holds(), *_companies(), *_standing(), *_funds(), *_others(), *_service()]
