"""From requests to commands."""

from typing import NamedTuple

from msgspec import UNSET

from kvota.core import commands as core
from kvota.core.account import ScopeKind, Usage
from kvota.core.commands import HOLD_SECONDS
from kvota.core.periods import Instant, milliseconds
from kvota.errors import FieldError, Invalid
from kvota.wire import requests as wire


class Asker(NamedTuple):
    """Who asks: the API key, the actions that it is bound to, the idempotency key and the request's fingerprint."""

    by: str = ""
    key: str | None = None
    request: str = ""
    only_actions: frozenset[str] | None = None


def _at(moment: Instant | None) -> int | None:
    return None if moment is None else milliseconds(moment)


def usage(body: wire.UsageRequest, user: str | None = None) -> Usage:
    """A usage; ``user`` where the caller may only be one."""
    return Usage(
        action=body.action,
        quantities=body.quantities or {},
        stages=body.stages,
        subject=body.subject,
        user=user or body.user,
        department=body.department,
        measures=body.measures or {},
    )


def charge(company: str, body: wire.UsageRequest, asker: Asker) -> core.ChargeUsage:
    """Charge an action."""
    return core.ChargeUsage(
        company=company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        usage=usage(body),
        only_actions=asker.only_actions,
    )


def quote(company: str, body: wire.UsageRequest, asker: Asker, user: str | None = None) -> core.QuoteUsage:
    """What it would cost."""
    return core.QuoteUsage(company=company, by=asker.by, usage=usage(body, user), only_actions=asker.only_actions)


def hold(company: str, body: wire.HoldRequest, asker: Asker) -> core.HoldUsage:
    """Hold what it costs."""
    return core.HoldUsage(
        company=company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        usage=usage(body),
        only_actions=asker.only_actions,
        ttl=HOLD_SECONDS if body.ttl is None else body.ttl,
    )


def capture(company: str, name: str, body: wire.CaptureRequest, asker: Asker) -> core.CaptureHold:
    """Close a hold at its true cost."""
    return core.CaptureHold(
        company=company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        hold=name,
        quantities=body.quantities or {},
        measures=body.measures or {},
        at_most_held=bool(body.at_most_held),
        only_actions=asker.only_actions,
    )


def void(company: str, name: str, asker: Asker) -> core.VoidHold:
    """Close a hold at zero."""
    return core.VoidHold(
        company=company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        hold=name,
        only_actions=asker.only_actions,
    )


def refund(company: str, name: str, body: wire.ReasonRequest, asker: Asker) -> core.RefundCharge:
    """Give a charge back."""
    return core.RefundCharge(
        company=company, by=asker.by, key=asker.key, request=asker.request, charge=name, reason=body.reason
    )


def measure(company: str, name: str, body: wire.MeasuresRequest, asker: Asker) -> core.MeasureCharge:
    """Note measures that came later."""
    return core.MeasureCharge(
        company=company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        charge=name,
        measures=body.measures,
        only_actions=asker.only_actions,
    )


def put_company(company: str, body: wire.CompanyRequest, asker: Asker, *, is_patch: bool) -> core.PutCompany:
    """Create a company or change its settings."""
    return core.PutCompany(
        company=company,
        by=asker.by,
        name=body.name,
        plan=body.plan,
        time_zone=body.time_zone,
        locale=body.locale,
        allowance_override=body.allowance_override,
        tools_off=body.tools_off,
        require_user=body.require_user,
        is_patch=is_patch,
    )


def change_plan(
    company: str, body: wire.PlanChangeRequest, asker: Asker, *, only_self_service: bool
) -> core.ChangePlan:
    """Change the plan."""
    return core.ChangePlan(
        company=company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        plan=body.plan,
        effective=body.effective or "now",
        dry_run=bool(body.dry_run),
        only_self_service=only_self_service,
    )


def add_boost(company: str, body: wire.BoostRequest, asker: Asker) -> core.AddBoost:
    """Credit a boost."""
    return core.AddBoost(
        company=company,
        by=asker.by,
        key=asker.key,
        request=asker.request,
        boost=body.boost,
        amount=body.amount,
        expires_at=_at(body.expires_at),
        reason=body.reason,
    )


def set_cap(company: str, name: str, body: wire.CapRequest, asker: Asker) -> core.SetCap:
    """Set a cap; ``Invalid`` unless its scope names exactly one thing."""
    given = body.scope
    scopes: tuple[tuple[ScopeKind, str | None], ...] = (
        ("user", given.user),
        ("users", given.users),
        ("department", given.department),
        ("tool", given.tool),
    )
    named: list[tuple[ScopeKind, str]] = [(kind, value) for kind, value in scopes if value is not None]
    if len(named) != 1:
        rule = 'must name exactly one of user, users ("each"), department and tool'
        raise Invalid(f"scope: {rule}", errors=[FieldError("scope", rule, dict(named))])
    kind, value = named[0]
    return core.SetCap(
        company=company,
        by=asker.by,
        cap=name,
        scope=kind,
        name=None if kind == "users" else value,
        requests=body.requests,
        per=body.per,
        until=_at(body.until),
    )


def person_changes(body: wire.PersonRequest) -> dict[str, str | None]:
    """What is to change of a person: None clears, and what is absent stays."""
    given = {"name": body.name, "email": body.email, "department": body.department}
    return {name: value for name, value in given.items() if value is not UNSET}
