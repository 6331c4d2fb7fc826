"""The company itself: its settings, its plan, its caps, suspending it and adjusting its counter."""

from msgspec import UNSET

from kvota.core.account import Account, Cap
from kvota.core.balance import Balance, balance_of
from kvota.core.catalogue import MAX_AMOUNT, Book
from kvota.core.commands import Adjust, ChangePlan, DropScheduledPlan, PutCompany, RemoveCap, Resume, SetCap, Suspend
from kvota.core.decisions.calls import CapPut, CompanyPut, Incomplete, PlanChange
from kvota.core.entries import (
    Adjusted,
    CapRemoved,
    CapSet,
    CompanyCreated,
    PlanChanged,
    Resumed,
    SettingsChanged,
    Suspended,
)
from kvota.core.fold import record
from kvota.core.limits import PLAN_CAP
from kvota.core.periods import MAX_INSTANT, is_time_zone, rfc3339
from kvota.core.state import State
from kvota.core.timeline import advance
from kvota.errors import FieldError, Forbidden, Invalid, NotFound, UnknownPlan

LOCALES = ("en", "ru")
MAX_CAPS = 1000


def _check_plan(book: Book, name: str, now: int) -> None:
    plans = book.lasting_plans(now)
    if name not in plans:
        raise UnknownPlan.field("plan", f"must be one of {', '.join(plans)}", name)


def put_company(state: State, book: Book, command: PutCompany, now: int) -> CompanyPut:
    """Create a company or change its settings; another plan is a plan change, effective at once."""
    settings = _settings(command, book, now)
    if state.account is None:
        if command.is_patch:
            raise NotFound("company", command.company)
        return _create(state, book, command, settings, now)
    account = state.account
    if command.plan is not UNSET and command.plan != account.plan:
        fact = PlanChanged(from_plan=account.plan, plan=command.plan, effective_at=now, step="now")
        record(state, book, fact, now, by=command.by)
    changed = {name: value for name, value in settings.items() if value != _present(account, name)}
    if changed:
        record(state, book, SettingsChanged(**changed), now, by=command.by)  # type: ignore[arg-type]
        if now >= state.known.period_end:  # a zone that waited was dropped, and the month is over in the present one
            advance(state, book, now)
    return CompanyPut(account=state.known, made=False)


def _present(account: Account, name: str) -> object:
    return (account.next_time_zone or account.time_zone) if name == "time_zone" else getattr(account, name)


def _settings(command: PutCompany, book: Book, now: int) -> dict[str, object]:
    """The settings that the command names, cleared ones at their default; raises ``Invalid``."""
    if command.plan is not UNSET:
        _check_plan(book, command.plan, now)
    if command.time_zone is not UNSET and not is_time_zone(command.time_zone):
        raise Invalid.field("time_zone", "must be an IANA zone such as Europe/Moscow", command.time_zone)
    locale = "en" if command.locale is None else command.locale
    if locale is not UNSET and locale not in LOCALES:
        raise Invalid.field("locale", f"must be one of {', '.join(LOCALES)}", locale)
    tools_off = () if command.tools_off is None else command.tools_off
    if tools_off is not UNSET:
        tools = book.at(now).tools
        for tool in tools_off:
            if tool not in tools:
                raise Invalid.field("tools_off", f"must name tools among {', '.join(tools)}", tool)
        tools_off = tuple(sorted(set(tools_off)))
    given = {
        "name": command.name,
        "time_zone": command.time_zone,
        "locale": locale,
        "allowance_override": command.allowance_override,
        "tools_off": tools_off,
        "require_user": False if command.require_user is None else command.require_user,
    }
    return {name: value for name, value in given.items() if value is not UNSET}


def _create(state: State, book: Book, command: PutCompany, settings: dict[str, object], now: int) -> CompanyPut:
    missing = [name for name in ("name", "plan", "time_zone") if getattr(command, name) is UNSET]
    if missing:
        raise Invalid(
            f"A new company needs {', '.join(missing)}.",
            errors=[FieldError(name, "is needed to create a company") for name in missing],
        )
    fact = CompanyCreated(plan=str(command.plan), **{"locale": "en", **settings})  # type: ignore[arg-type]
    record(state, book, fact, now, by=command.by)
    return CompanyPut(account=state.known, made=True)


def change_plan(state: State, book: Book, command: ChangePlan, now: int) -> PlanChange:
    """Change the plan now, or from the next period on; a dry run shows what it would do and writes nothing."""
    catalogue = book.at(now)
    _check_plan(book, command.plan, now)
    if command.only_self_service and not catalogue.plans[command.plan].self_service:
        raise Forbidden(f"The plan {command.plan!r} is not self-service: ask the operator to change to it.")
    if not state.is_complete:
        raise Incomplete
    account = state.known
    is_now = command.effective == "now"
    effective_at = now if is_now else account.period_end
    before = balance_of(state, catalogue, now)
    fact = PlanChanged(
        from_plan=account.plan, plan=command.plan, effective_at=effective_at, step="now" if is_now else "scheduled"
    )
    target = state.fork() if command.dry_run else state
    record(target, book, fact, now, by=command.by, key=command.key)
    ahead = target if is_now else target.fork()
    advance(ahead, book, effective_at)
    return PlanChange(
        from_plan=account.plan,
        to_plan=command.plan,
        effective_at=effective_at,
        before=before,
        after=balance_of(ahead, book.at(effective_at), effective_at),
        is_dry_run=command.dry_run,
    )


def drop_scheduled_plan(state: State, book: Book, command: DropScheduledPlan, now: int) -> None:
    """Forget the scheduled plan change."""
    account = state.known
    if account.scheduled_plan is None:
        raise NotFound("scheduled plan change", command.company)
    fact = PlanChanged(from_plan=account.plan, plan=account.plan, effective_at=now, step="dropped")
    record(state, book, fact, now, by=command.by, key=command.key)


def set_cap(state: State, book: Book, command: SetCap, now: int) -> CapPut:
    """Set or change a cap; the same again writes nothing."""
    if command.cap == PLAN_CAP:
        raise Invalid.field("cap", "'plan' is the name of the plan's own cap: choose another id", command.cap)
    if command.until is not None and not now < command.until <= MAX_INSTANT:
        raise Invalid.field("until", f"must be an instant after {rfc3339(now)}", rfc3339(command.until))
    tools = book.at(now).tools
    if command.scope == "tool" and command.name not in tools:
        raise Invalid.field("scope.tool", f"must be one of {', '.join(tools)}", command.name)
    wanted = Cap(
        company=state.company,
        id=command.cap,
        scope=command.scope,
        name=command.name,
        requests=command.requests,
        per=command.per,
        until=command.until,
    )
    present = state.caps.get(command.cap)
    if present is None and state.known.caps >= MAX_CAPS:
        raise Invalid(f"{state.company} has {MAX_CAPS} caps, and no more can be: delete one first.")
    if present != wanted:
        fact = CapSet(
            id=wanted.id,
            scope=wanted.scope,
            name=wanted.name,
            requests=wanted.requests,
            per=wanted.per,
            until=wanted.until,
        )
        record(state, book, fact, now, by=command.by)
    return CapPut(cap=wanted, made=present is None)


def remove_cap(state: State, book: Book, command: RemoveCap, now: int) -> None:
    """Remove a cap."""
    if command.cap not in state.caps:
        raise NotFound("cap", command.cap)
    record(state, book, CapRemoved(id=command.cap), now, by=command.by)


def suspend(state: State, book: Book, command: Suspend, now: int) -> Balance:
    """Stop all charges and holds of the company; again: nothing happens."""
    if not state.is_complete:
        raise Incomplete
    if not state.known.suspended:
        record(state, book, Suspended(reason=command.reason), now, by=command.by, key=command.key)
    return balance_of(state, book.at(now), now)


def resume(state: State, book: Book, command: Resume, now: int) -> Balance:
    """Let a suspended company go on; again: nothing happens."""
    if not state.is_complete:
        raise Incomplete
    if state.known.suspended:
        record(state, book, Resumed(reason=command.reason), now, by=command.by, key=command.key)
    return balance_of(state, book.at(now), now)


def adjust(state: State, book: Book, command: Adjust, now: int) -> Balance:
    """Move the allowance's used counter by ``amount``, up or down, never below zero."""
    if not command.amount or abs(command.amount) > MAX_AMOUNT:
        raise Invalid.field(
            "amount", f"must be a whole number from -{MAX_AMOUNT} to {MAX_AMOUNT}, not 0", command.amount
        )
    if not state.is_complete:
        raise Incomplete
    record(state, book, Adjusted(amount=command.amount, reason=command.reason), now, by=command.by, key=command.key)
    return balance_of(state, book.at(now), now)
