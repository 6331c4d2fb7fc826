"""What an operator alone does to a company: stop it, give it requests, correct what it has used."""

import asyncio
from typing import Any

from kvota.core import commands as c
from kvota.errors import Invalid
from kvota.web.answers import Answer, Reply
from kvota.web.page import COMPANY, OPERATORS, Page, page
from kvota.web.pages.days import end_of_day
from kvota.web.visit import Visit
from kvota.wire.requests import AdjustmentRequest, BoostRequest, CompanyRequest, ReasonRequest

ACTS = 10


async def show(visit: Visit) -> Reply:
    """The forms, and what operators did last."""
    reads, company = visit.reads, visit.company
    account, balance, catalogue, acts = await asyncio.gather(
        visit.read(reads.company, company),
        visit.read(reads.balance, company),
        visit.read(reads.catalogue),
        visit.read(reads.audit.page, company, "", ACTS),
    )
    return visit.show("control.html", account=account, balance=balance, catalogue=catalogue, acts=acts)


async def suspend(visit: Visit) -> Answer:
    """Stop all charges and holds."""
    said = visit.form.read(ReasonRequest, "reason")
    return await _done(visit, c.Suspend(**_asked(visit), reason=said.reason), "flash.suspended")


async def resume(visit: Visit) -> Answer:
    """Let it go on."""
    said = visit.form.read(ReasonRequest, "reason")
    return await _done(visit, c.Resume(**_asked(visit), reason=said.reason), "flash.resumed")


async def adjust(visit: Visit) -> Answer:
    """Move the used counter of the package."""
    said = visit.form.read(AdjustmentRequest, "amount", "reason")
    return await _done(visit, c.Adjust(**_asked(visit), amount=said.amount, reason=said.reason), "flash.adjusted")


async def override(visit: Visit) -> Answer:
    """Give the company a package of its own; nothing said: that of its plan again."""
    said = visit.form.read(CompanyRequest, "allowance_override").allowance_override
    own = said if isinstance(said, int) else None
    command = c.PutCompany(company=visit.company, by=visit.session.owner, allowance_override=own, is_patch=True)
    return await _done(visit, command, "flash.override_set")


async def grant(visit: Visit) -> Answer:
    """Credit a boost without an order."""
    said = visit.form.read(BoostRequest, "amount", "reason")
    until = await end_of_day(visit, "expires_at")
    if said.amount is None or until is None:
        raise Invalid.field("amount" if said.amount is None else "expires_at", "is needed")
    command = c.AddBoost(**_asked(visit), amount=said.amount, expires_at=until, reason=said.reason)
    return await _done(visit, command, "flash.boost_granted")


async def revoke(visit: Visit) -> Answer:
    """Take back what is left of a boost."""
    command = c.RevokeBoost(company=visit.company, by=visit.session.owner, boost=visit.named("boost"))
    return await _done(visit, command, "flash.boost_revoked")


def _asked(visit: Visit) -> dict[str, Any]:
    asker = visit.asker
    return {"company": visit.company, "by": asker.by, "key": asker.key, "request": asker.request}


async def _done(visit: Visit, command: c.Command, flash: str) -> Answer:
    await visit.submit(command)
    return visit.go(f"/companies/{visit.company}/control", flash)


def pages() -> list[Page]:
    """The pages of this module."""
    here = f"{COMPANY}/control"
    return [
        page("control", OPERATORS, f"GET {here}", show, nav=120),
        page("suspend", OPERATORS, f"POST {here}/suspend", suspend, again=show),
        page("resume", OPERATORS, f"POST {here}/resume", resume, again=show),
        page("adjust", OPERATORS, f"POST {here}/adjust", adjust, again=show),
        page("override", OPERATORS, f"POST {here}/override", override, again=show),
        page("grant_boost", OPERATORS, f"POST {here}/boost", grant, again=show),
        page("revoke_boost", OPERATORS, f"POST {here}/boosts/{{boost}}/revoke", revoke, again=show),
    ]
