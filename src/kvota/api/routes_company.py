"""The catalogue, companies, their plans, and what the operator does with them."""

from msgspec import UNSET

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.asgi.auth import OPERATOR
from kvota.core import commands
from kvota.core.decisions.calls import CompanyPut, PlanChange
from kvota.errors import Forbidden, Invalid
from kvota.wire import asking, catalogue_view, views
from kvota.wire.fields import is_id
from kvota.wire.requests import CompanyRequest
from kvota.wire.rules import ID_RULE


async def get_catalogue(call: Call) -> Answer:
    """The catalogue in force."""
    return Answer(200, catalogue_view.catalogue(await call.services.read(call.services.reads.catalogue)))


async def put_company(call: Call) -> Answer:
    """Create a company or change its settings."""
    if not is_id(call.company):
        raise Invalid.field("company", ID_RULE, call.company)
    command = asking.put_company(call.company, call.body, call.asker, is_patch=False)
    return await call.write(command, _put_view, lambda reply: 201 if reply.made else 200)


async def patch_company(call: Call) -> Answer:
    """Change settings of a company; its plan and its override are the operator's."""
    body: CompanyRequest = call.body
    if call.key.role != OPERATOR:
        given = [name for name in ("plan", "allowance_override") if getattr(body, name) is not UNSET]
        if given:
            raise Forbidden(f"The fields {', '.join(given)} are the operator's. Send the others without them.")
    return await call.write(asking.put_company(call.company, body, call.asker, is_patch=True), _put_view, 200)


def _put_view(reply: CompanyPut) -> object:
    return views.company(reply.account)


async def get_company(call: Call) -> Answer:
    """One company."""
    return Answer(200, views.company(await call.services.read(call.services.reads.company, call.company)))


async def list_companies(call: Call) -> Answer:
    """A page of companies, by id."""
    query = call.query
    rows = await call.services.read(call.services.reads.companies, query.after, query.limit + 1)
    return page(rows, query.limit, views.company, lambda row: row.company)


async def balance(call: Call) -> Answer:
    """What is available, held and used, now."""
    return Answer(200, views.balance(await call.services.read(call.services.reads.balance, call.company)))


async def change_plan(call: Call) -> Answer:
    """Change the plan, or show what that would do."""
    command = asking.change_plan(call.company, call.body, call.asker, only_self_service=call.key.role != OPERATOR)
    return await call.write(command, views.plan_change, _plan_status)


def _plan_status(reply: PlanChange) -> int:
    return 200 if reply.is_dry_run else 201


async def drop_scheduled_plan(call: Call) -> Answer:
    """Forget the scheduled plan change."""
    command = commands.DropScheduledPlan(company=call.company, by=call.asker.by)
    return await call.write(command, _nothing, 204)


async def suspend(call: Call) -> Answer:
    """Stop all charges and holds."""
    asker = call.asker
    command = commands.Suspend(
        company=call.company, by=asker.by, key=asker.key, request=asker.request, reason=call.body.reason
    )
    return await call.write(command, views.balance, 200)


async def resume(call: Call) -> Answer:
    """Let a suspended company go on."""
    asker = call.asker
    command = commands.Resume(
        company=call.company, by=asker.by, key=asker.key, request=asker.request, reason=call.body.reason
    )
    return await call.write(command, views.balance, 200)


async def adjust(call: Call) -> Answer:
    """Move the allowance's used counter."""
    asker, body = call.asker, call.body
    command = commands.Adjust(
        company=call.company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        amount=body.amount,
        reason=body.reason,
    )
    return await call.write(command, views.balance, 201)


def _nothing(_: object) -> None:
    return None
