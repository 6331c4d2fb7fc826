"""The catalogue, companies, and where they stand."""

from kvota.api import routes_catalogues, routes_company
from kvota.api.registry.operation import ADMINS, ALL, COMPANY, OPERATOR, READERS, SEERS, Operation, operation
from kvota.wire import queries, replies, requests
from kvota.wire.catalogue_view import Catalogue
from kvota.wire.edition_view import Edition, OfferedCatalogue


def companies() -> list[Operation]:
    """The catalogue, and the companies."""
    return [
        operation(
            "get_catalogue", ALL, "GET /v1/catalogue", "The catalogue in force",
            routes_company.get_catalogue, tag="Companies", reply=Catalogue,
        ),
        operation(
            "load_catalogue", OPERATOR, "POST /v1/catalogues",
            "Load a newer catalogue, or show what it would change",
            routes_catalogues.load_catalogue, 201, 200, tag="Companies", media="application/toml",
            query=queries.CatalogueQuery, reply=OfferedCatalogue,
        ),
        operation(
            "list_catalogues", OPERATOR, "GET /v1/catalogues", "A page of the editions, oldest first",
            routes_catalogues.list_catalogues, tag="Companies", query=queries.EditionsQuery,
            reply=replies.Page[Edition],
        ),
        operation(
            "list_companies", OPERATOR, "GET /v1/companies", "A page of companies, by id",
            routes_company.list_companies, tag="Companies", query=queries.PageQuery,
            reply=replies.Page[replies.Company],
        ),
        operation(
            "put_company", OPERATOR, f"PUT {COMPANY}", "Create a company, or change its settings and plan",
            routes_company.put_company, 200, 201, tag="Companies", body=requests.CompanyRequest,
            reply=replies.Company, codes=("unknown_plan",),
        ),
        operation(
            "patch_company", ADMINS, f"PATCH {COMPANY}", "Change settings of a company",
            routes_company.patch_company, tag="Companies", body=requests.CompanyRequest, reply=replies.Company,
            codes=("unknown_plan",),
        ),
        operation(
            "get_company", SEERS, f"GET {COMPANY}", "One company",
            routes_company.get_company, tag="Companies", reply=replies.Company,
        ),
    ]  # fmt: skip


def standing() -> list[Operation]:
    """The balance, the plan, and what the operator does to a company."""
    return [
        operation(
            "get_balance", READERS, f"GET {COMPANY}/balance", "What is available, held and used, now",
            routes_company.balance, tag="Companies", reply=replies.Balance,
        ),
        operation(
            "change_plan", ADMINS, f"POST {COMPANY}/plan-changes", "Change the plan, or show what that would do",
            routes_company.change_plan, 201, 200, tag="Companies", body=requests.PlanChangeRequest,
            reply=replies.PlanChange, codes=("unknown_plan",), takes_key=True,
        ),
        operation(
            "drop_scheduled_plan", ADMINS, f"DELETE {COMPANY}/plan-changes/scheduled",
            "Forget the scheduled plan change",
            routes_company.drop_scheduled_plan, 204, tag="Companies", codes=("not_found",),
        ),
        operation(
            "suspend", OPERATOR, f"POST {COMPANY}/suspend", "Stop all charges and holds",
            routes_company.suspend, tag="Companies", body=requests.ReasonRequest, reply=replies.Balance,
            takes_key=True,
        ),
        operation(
            "resume", OPERATOR, f"POST {COMPANY}/resume", "Let a suspended company go on",
            routes_company.resume, tag="Companies", body=requests.ReasonRequest, reply=replies.Balance,
            takes_key=True,
        ),
        operation(
            "adjust", OPERATOR, f"POST {COMPANY}/adjustments", "Move the allowance's used counter",
            routes_company.adjust, 201, tag="Companies", body=requests.AdjustmentRequest, reply=replies.Balance,
            takes_key=True,
        ),
    ]  # fmt: skip
