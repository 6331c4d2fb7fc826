"""The plan: what another one would change, changing it now or on the 1st, and dropping a change that is to come."""

from collections.abc import Sequence

from msgspec.structs import replace

from kvota.core import commands
from kvota.core.catalogue import Catalogue, Plan
from kvota.core.decisions.calls import PlanChange
from kvota.errors import Invalid
from kvota.web.answers import Answer, Reply
from kvota.web.form import Form
from kvota.web.page import ADMINS, COMPANY, OPERATOR, SEERS, Page, page
from kvota.web.visit import Visit
from kvota.wire import asking
from kvota.wire.requests import PlanChangeRequest


async def show(visit: Visit) -> Reply:
    """The present plan and the others; with a choice in the query also what it would change."""
    reads, company = visit.reads, visit.company
    balance = await visit.read(reads.balance, company)
    catalogue = await visit.read(reads.catalogue)
    chosen = visit.form if "plan" in visit.form else Form(list(visit.came.query.items()))
    preview: PlanChange | None = None
    if chosen.get("plan") and not visit.errors and _may_change(visit):
        try:
            preview = await visit.submit(_command(visit, chosen, is_dry_run=True))
        except Invalid as error:
            visit.refuse(error)
    return visit.show(
        "plan.html",
        balance=balance,
        catalogue=catalogue,
        plans=_plans(visit, catalogue, balance.plan),
        chosen=chosen,
        preview=preview,
        may_change=_may_change(visit),
    )


def _may_change(visit: Visit) -> bool:
    return visit.session.role in ADMINS


def _plans(visit: Visit, catalogue: Catalogue, present: str) -> Sequence[Plan]:
    """Those to choose from: an operator has all, an administrator those that may be chosen without asking."""
    is_operator = visit.session.role == OPERATOR
    return [one for one in catalogue.plans.values() if is_operator or one.self_service or one.id == present]


def _command(visit: Visit, form: Form, *, is_dry_run: bool = False) -> commands.ChangePlan:
    body = form.read(PlanChangeRequest, "plan", "effective")
    asker = visit.asker
    command = asking.change_plan(visit.company, body, asker, only_self_service=visit.session.role != OPERATOR)
    return replace(command, dry_run=True, key=None, request="") if is_dry_run else command


async def change(visit: Visit) -> Answer:
    """Change it, now or on the 1st."""
    reply: PlanChange = await visit.submit(_command(visit, visit.form))
    flash = "flash.plan_scheduled" if visit.form.get("effective") == "next_period" else "flash.plan_changed"
    return visit.go(f"/companies/{visit.company}/plan", flash if reply.from_plan != reply.to_plan else None)


async def drop(visit: Visit) -> Answer:
    """Forget the change that was to come."""
    await visit.submit(commands.DropScheduledPlan(company=visit.company, by=visit.asker.by))
    return visit.go(f"/companies/{visit.company}/plan", "flash.plan_dropped")


def pages() -> list[Page]:
    """The pages of this module."""
    return [
        page("plan", SEERS, f"GET {COMPANY}/plan", show, nav=50),
        page("change_plan", ADMINS, f"POST {COMPANY}/plan", change, again=show),
        page("drop_plan", ADMINS, f"POST {COMPANY}/plan/drop", drop, again=show),
    ]
