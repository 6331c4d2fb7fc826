"""The library: Kvota embedded in a program, without a server, with the same words and the same replies.

A decline is a returned value; an exception of ``kvota.errors`` means that the caller erred or the world broke. Every
method may be called from any thread; calls that run at the same moment share one commit. Instants are aware datetimes.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self, TypedDict, TypeVar, Unpack

from msgspec import UNSET, UnsetType

from kvota.core import account as core
from kvota.core.commands import Command, DropScheduledPlan, RemoveCap, Resume, RevokeBoost, Suspend
from kvota.core.decisions import calls
from kvota.core.declines import Declined
from kvota.core.periods import instant, milliseconds
from kvota.errors import Invalid
from kvota.settings import DEFAULT_CATALOGUE, DEFAULT_STORE, Settings
from kvota.store import EntryFilter
from kvota.wire import asking, replies, requests, views
from kvota.wire.fields import encode, is_id, parse_instant
from kvota.wire.reading import read_body
from kvota.wire.reports import entry, usage_report
from kvota.wire.rules import ID_RULE
from kvota.wiring import Meter, open_meter

Request = TypeVar("Request", bound=requests.Request)
By = Literal["hour", "day", "tool", "action", "user", "department"]
PAGE = 1000


class UsageFields(TypedDict, total=False):
    """What a call may say beside its action: RULES §2. ``stages``: only these; ``measures``: tokens and the like."""

    quantities: Mapping[str, int]
    stages: Sequence[str]
    subject: str
    user: str
    department: str
    measures: Mapping[str, int]


class Kvota:
    """One store with its engine. Open it with ``Kvota.open``, and close it (or use ``with``)."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    @classmethod
    def open(cls, store: str = DEFAULT_STORE, *, catalogue: str = DEFAULT_CATALOGUE, sandbox: bool = False) -> Self:
        """Open a store, make its schema, and load the catalogue where it is newer.

        ``store`` is ``sqlite:///file``, ``sqlite:///:memory:`` or ``postgresql://…``; ``catalogue`` a shipped name or a
        path. Raises ``Invalid`` or ``CatalogueInvalid`` for those two, ``StoreUnavailable`` where the store is.
        """
        return cls(open_meter(Settings(store=store, catalogue=catalogue, is_sandbox=sandbox)))

    def close(self) -> None:
        """Finish what was accepted, then close the store."""
        self._meter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Using the assistant

    def quote(self, company: str, action: str, **usage: Unpack[UsageFields]) -> replies.Quote:
        """What the action would cost now, and who would pay; changes nothing."""
        body = _read(requests.UsageRequest, action=action, **usage)
        return views.quote(self._meter.reads.quote(asking.quote(_company(company), body, asking.Asker())))

    def charge(
        self, company: str, action: str, *, key: str | None = None, **usage: Unpack[UsageFields]
    ) -> replies.Charge | replies.Decline:
        """Charge an action. With ``key`` the same call is charged once, however often it is repeated."""
        body = _read(requests.UsageRequest, action=action, **usage)
        asker = _asker(key, f"/v1/companies/{company}/charges", body)
        return _charge(self._execute(asking.charge(_company(company), body, asker)))

    def hold(
        self, company: str, action: str, *, ttl: int | None = None, key: str | None = None, **usage: Unpack[UsageFields]
    ) -> replies.Hold | replies.Decline:
        """Set aside the most that the action can cost with what is known, for ``ttl`` seconds."""
        body = _read(requests.HoldRequest, action=action, ttl=ttl, **usage)
        asker = _asker(key, f"/v1/companies/{company}/holds", body)
        return _hold(self._execute(asking.hold(_company(company), body, asker)))

    def capture(
        self,
        company: str,
        hold: str,
        *,
        quantities: Mapping[str, int] | None = None,
        measures: Mapping[str, int] | None = None,
        at_most_held: bool = False,
        key: str | None = None,
    ) -> replies.Hold | replies.Decline:
        """Close a hold at its true cost; again with the same quantities: the same reply."""
        body = _read(requests.CaptureRequest, quantities=quantities, measures=measures, at_most_held=at_most_held)
        asker = _asker(key, f"/v1/companies/{company}/holds/{hold}/capture", body)
        return _hold(self._execute(asking.capture(_company(company), hold, body, asker)))

    def void(self, company: str, hold: str, *, key: str | None = None) -> replies.Hold:
        """Close a hold at zero; again: the same reply."""
        asker = _asker(key, f"/v1/companies/{company}/holds/{hold}/void", requests.Nothing())
        reply = _hold(self._execute(asking.void(_company(company), hold, asker)))
        return _only(replies.Hold, reply)

    def refund(self, company: str, charge: str, *, reason: str | None = None, key: str | None = None) -> replies.Refund:
        """Give a charge back to where it was paid from; again: the same refund."""
        body = _read(requests.ReasonRequest, reason=reason)
        asker = _asker(key, f"/v1/companies/{company}/charges/{charge}/refund", body)
        reply = self._execute(asking.refund(_company(company), charge, body, asker))
        return views.refund(_only(core.Refund, reply))

    # Asking

    def balance(self, company: str) -> replies.Balance:
        """What is available, held and used, now."""
        return views.balance(self._meter.reads.balance(_company(company)))

    def usage(
        self,
        company: str,
        start: dt.date,
        end: dt.date,
        by: Sequence[By] = ("day",),
        *,
        user: str | None = None,
    ) -> replies.UsageReport:
        """Statistics of the local dates ``start <= date < end``, grouped by ``by``."""
        return usage_report(self._meter.reads.usage(_company(company), start, end, tuple(by), user))

    def entries(
        self,
        company: str,
        *,
        kind: str | None = None,
        user: str | None = None,
        action: str | None = None,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
    ) -> Iterator[replies.Entry]:
        """The ledger, entry by entry, from the first on."""
        which = EntryFilter(kind=kind, user=user, action=action, start=_at(start), end=_at(end))
        after = 0
        while page := self._meter.reads.entries(_company(company), which, after, PAGE):
            yield from (entry(written) for written in page)
            after = page[-1].entry.seq

    def get_charge(self, company: str, charge: str) -> replies.Charge:
        """One charge."""
        return views.charge(self._meter.reads.charge(_company(company), charge))

    def get_hold(self, company: str, hold: str) -> replies.Hold:
        """One hold, expired if its time has come."""
        return views.hold(self._meter.reads.hold(_company(company), hold))

    def boosts(self, company: str) -> list[replies.Boost]:
        """The live boosts, in the order in which they pay."""
        return [views.boost(row) for row in self._meter.reads.boosts(_company(company))]

    # The company

    def put_company(
        self,
        company: str,
        *,
        name: str | None = None,
        plan: str | None = None,
        time_zone: str | None = None,
        locale: str | None = None,
        allowance_override: int | None = None,
        tools_off: Sequence[str] | None = None,
        require_user: bool | None = None,
    ) -> replies.Company:
        """Create a company (``name``, ``plan`` and ``time_zone`` are needed) or change what is given."""
        given = {
            "name": name,
            "plan": plan,
            "time_zone": time_zone,
            "locale": locale,
            "allowance_override": allowance_override,
            "tools_off": tools_off,
            "require_user": require_user,
        }
        body = _read(requests.CompanyRequest, **given)
        reply = self._execute(asking.put_company(_company(company), body, asking.Asker(), is_patch=False))
        return views.company(_only(calls.CompanyPut, reply).account)

    def company(self, company: str) -> replies.Company:
        """A company's settings."""
        return views.company(self._meter.reads.company(_company(company)))

    def change_plan(
        self,
        company: str,
        plan: str,
        *,
        effective: Literal["now", "next_period"] = "now",
        dry_run: bool = False,
        key: str | None = None,
    ) -> replies.PlanChange:
        """Change the plan, or show what that would do."""
        body = _read(requests.PlanChangeRequest, plan=plan, effective=effective, dry_run=dry_run)
        asker = _asker(key, f"/v1/companies/{company}/plan-changes", body)
        command = asking.change_plan(_company(company), body, asker, only_self_service=False)
        return views.plan_change(_only(calls.PlanChange, self._execute(command)))

    def drop_scheduled_plan(self, company: str) -> None:
        """Forget the scheduled plan change."""
        self._execute(DropScheduledPlan(company=_company(company)))

    def add_boost(
        self,
        company: str,
        boost: str | None = None,
        *,
        amount: int | None = None,
        expires_at: dt.datetime | None = None,
        reason: str | None = None,
        key: str | None = None,
    ) -> replies.Boost:
        """Credit a boost of the catalogue, or an amount until ``expires_at``."""
        body = _read(requests.BoostRequest, boost=boost, amount=amount, expires_at=_instant(expires_at), reason=reason)
        asker = _asker(key, f"/v1/companies/{company}/boosts", body)
        return views.boost(_only(core.Boost, self._execute(asking.add_boost(_company(company), body, asker))))

    def revoke_boost(self, company: str, boost: str) -> None:
        """Take back what is left of a boost."""
        self._execute(RevokeBoost(company=_company(company), boost=boost))

    def set_cap(
        self,
        company: str,
        cap: str,
        *,
        scope: Mapping[Literal["user", "users", "department", "tool"], str],
        requests_per: tuple[int, Literal["day", "week", "month"]],
        until: dt.datetime | None = None,
    ) -> replies.Cap:
        """Limit a user, each user (``{"users": "each"}``), a department or a tool."""
        amount, per = requests_per
        body = _read(requests.CapRequest, scope=dict(scope), requests=amount, per=per, until=_instant(until))
        reply = self._execute(asking.set_cap(_company(company), cap, body, asking.Asker()))
        return views.cap(_only(calls.CapPut, reply).cap)

    def remove_cap(self, company: str, cap: str) -> None:
        """Remove a cap."""
        self._execute(RemoveCap(company=_company(company), cap=cap))

    def put_user(
        self,
        company: str,
        user: str,
        *,
        name: str | UnsetType | None = UNSET,
        email: str | UnsetType | None = UNSET,
        department: str | UnsetType | None = UNSET,
    ) -> replies.Person:
        """Add somebody to the directory, or change what is given; None clears.

        A usage that names no department takes the one that its user has here at that moment.
        """
        given = {"name": name, "email": email, "department": department}
        told = encode({field: value for field, value in given.items() if value is not UNSET})
        changes = asking.person_changes(read_body(requests.PersonRequest, told))
        return views.person(self._meter.reads.put_person(_company(company), _user(user), changes)[0])

    def users(self, company: str) -> Iterator[replies.Person]:
        """The directory, by id."""
        after = ""
        while page := self._meter.reads.people(_company(company), after, PAGE):
            yield from (views.person(row) for row in page)
            after = page[-1].user

    def get_user(self, company: str, user: str) -> replies.Person:
        """One person of the directory."""
        return views.person(self._meter.reads.person(_company(company), _user(user)))

    def erase_user(self, company: str, user: str) -> None:
        """Erase a person; entries and statistics keep the id."""
        self._meter.reads.erase_person(_company(company), _user(user))

    def suspend(self, company: str, *, reason: str | None = None) -> None:
        """Stop all charges and holds of the company."""
        self._execute(Suspend(company=_company(company), reason=reason))

    def resume(self, company: str, *, reason: str | None = None) -> None:
        """Let a suspended company go on."""
        self._execute(Resume(company=_company(company), reason=reason))

    def set_clock(self, now: dt.datetime) -> None:
        """Set the clock of a sandbox; it stands still there."""
        at = _at(now)
        if at is None or not self._meter.reads.is_sandbox:
            raise Invalid("Only a store that was opened with sandbox=True has a clock that can be set.")
        self._meter.reads.set_clock(at)

    def _execute(self, command: Command) -> calls.Reply:
        return self._meter.engine.execute(command).reply


Reply = TypeVar("Reply")


def _only(kind: type[Reply], reply: object) -> Reply:
    if not isinstance(reply, kind):
        raise TypeError(f"{type(reply).__name__} is not {kind.__name__}")
    return reply


def _charge(reply: object) -> replies.Charge | replies.Decline:
    return views.decline(reply) if isinstance(reply, Declined) else views.charge(_only(core.Charge, reply))


def _hold(reply: object) -> replies.Hold | replies.Decline:
    return views.decline(reply) if isinstance(reply, Declined) else views.hold(_only(core.Hold, reply))


def _company(name: str) -> str:
    if not is_id(name):
        raise Invalid.field("company", ID_RULE, name)
    return name


def _user(name: str) -> str:
    if not is_id(name):
        raise Invalid.field("user", ID_RULE, name)
    return name


def _read(kind: type[Request], **given: object) -> Request:
    """The same checks as for a body that came over HTTP."""
    return read_body(kind, encode({name: value for name, value in given.items() if value is not None}))


def _asker(key: str | None, path: str, body: requests.Request) -> asking.Asker:
    if key is None:
        return asking.Asker()
    if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):  # noqa: PLR2004 - the rule itself
        raise Invalid.field("key", "must be 1 to 200 printable ASCII characters", key)
    return asking.Asker(key=key, request=requests.fingerprint("POST", path, body))


def _instant(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else instant(_milliseconds(moment))


def _at(moment: dt.datetime | None) -> int | None:
    return None if moment is None else _milliseconds(moment)


def _milliseconds(moment: dt.datetime) -> int:
    """Milliseconds of an aware datetime; ``Invalid`` for a naive or finer one."""
    try:
        return milliseconds(parse_instant(moment.isoformat()))
    except ValueError as error:
        raise Invalid.field("instant", str(error), moment.isoformat()) from None
