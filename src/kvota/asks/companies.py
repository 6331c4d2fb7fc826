"""Companies, their plans and what they have; the catalogue."""

from collections.abc import Sequence
from typing import Literal, TypedDict, Unpack

from kvota.asks.ask import Ask, Pages, asked, company_path, given, once, own_id, paged
from kvota.wire import replies, requests
from kvota.wire.catalogue_view import Catalogue
from kvota.wire.edition_view import Edition, OfferedCatalogue


class CompanyFields(TypedDict, total=False):
    """The settings of a company. None clears what can be cleared; what is left out stays as it is."""

    name: str
    plan: str
    time_zone: str
    locale: str | None
    allowance_override: int | None
    tools_off: Sequence[str] | None
    require_user: bool | None


def catalogue() -> Ask[Catalogue]:
    """The catalogue in force."""
    return Ask(operation="get_catalogue", method="GET", path="/v1/catalogue", reply=Catalogue)


def catalogues() -> Pages[Edition]:
    """The editions of the catalogue, oldest first."""
    return Pages(
        Ask(
            operation="list_catalogues",
            method="GET",
            path="/v1/catalogues",
            query=paged(),
            reply=replies.Page[Edition],
        )
    )


def load_catalogue(text: str, *, dry_run: bool = False, after: str = "") -> Ask[OfferedCatalogue]:
    """Load a newer catalogue, the text of its TOML file; again: nothing changes.

    A dry run shows what would change, and what the last month of every company would have been under it: a page of
    companies, and ``last_month.next`` is what to give as ``after`` for the next one.
    """
    return Ask(
        operation="load_catalogue",
        method="POST",
        path="/v1/catalogues",
        text=text,
        media="application/toml",
        query=asked(dry_run="true" if dry_run else "false", after=after or None),
        reply=OfferedCatalogue,
    )


def companies() -> Pages[replies.Company]:
    """All companies, by id."""
    return Pages(
        Ask(
            operation="list_companies",
            method="GET",
            path="/v1/companies",
            query=paged(),
            reply=replies.Page[replies.Company],
        )
    )


def put_company(company: str, **settings: Unpack[CompanyFields]) -> Ask[replies.Company]:
    """Create a company (``name``, ``plan`` and ``time_zone`` are needed) or change what is given; None clears."""
    return Ask(
        operation="put_company",
        method="PUT",
        **company_path(own_id("company", company)),
        kind=requests.CompanyRequest,
        body=dict(settings),
        reply=replies.Company,
    )


def patch_company(company: str, **settings: Unpack[CompanyFields]) -> Ask[replies.Company]:
    """Change what is given of a company that exists; None clears. ``plan`` and ``allowance_override``: an operator."""
    return Ask(
        operation="patch_company",
        method="PATCH",
        **company_path(company),
        kind=requests.CompanyRequest,
        body=dict(settings),
        reply=replies.Company,
    )


def company(company: str) -> Ask[replies.Company]:
    """A company's settings."""
    return Ask(operation="get_company", method="GET", **company_path(company), reply=replies.Company)


def balance(company: str) -> Ask[replies.Balance]:
    """What is available, held and used, now."""
    return Ask(operation="get_balance", method="GET", **company_path(company, "/balance"), reply=replies.Balance)


def change_plan(
    company: str,
    plan: str,
    *,
    effective: Literal["now", "next_period"] = "now",
    dry_run: bool = False,
    key: str | None = None,
) -> Ask[replies.PlanChange]:
    """Change the plan, or show what that would do."""
    return Ask(
        operation="change_plan",
        method="POST",
        **company_path(company, "/plan-changes"),
        kind=requests.PlanChangeRequest,
        body={"plan": plan, "effective": effective, "dry_run": dry_run},
        reply=replies.PlanChange,
        **once(key),
    )


def drop_scheduled_plan(company: str) -> Ask[None]:
    """Forget the scheduled plan change."""
    return Ask(
        operation="drop_scheduled_plan",
        method="DELETE",
        **company_path(company, "/plan-changes/scheduled"),
        missing="scheduled plan change",
    )


def suspend(company: str, *, reason: str | None = None, key: str | None = None) -> Ask[replies.Balance]:
    """Stop all charges and holds of the company."""
    return Ask(
        operation="suspend",
        method="POST",
        **company_path(company, "/suspend"),
        kind=requests.ReasonRequest,
        body=given(reason=reason),
        reply=replies.Balance,
        **once(key),
    )


def resume(company: str, *, reason: str | None = None, key: str | None = None) -> Ask[replies.Balance]:
    """Let a suspended company go on."""
    return Ask(
        operation="resume",
        method="POST",
        **company_path(company, "/resume"),
        kind=requests.ReasonRequest,
        body=given(reason=reason),
        reply=replies.Balance,
        **once(key),
    )


def adjust(company: str, amount: int, *, reason: str, key: str | None = None) -> Ask[replies.Balance]:
    """Move the allowance's used counter by ``amount``, which may be negative; it never falls below 0."""
    return Ask(
        operation="adjust",
        method="POST",
        **company_path(company, "/adjustments"),
        kind=requests.AdjustmentRequest,
        body={"amount": amount, "reason": reason},
        reply=replies.Balance,
        **once(key),
    )
