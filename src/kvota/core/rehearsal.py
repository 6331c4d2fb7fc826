"""What a company's month would have been under another catalogue: its ledger, carried through the same decisions.

Up to the month the entries are carried out as they are. From there on the calls are decided again, each at its own
instant and under its own number, so that holds and charges keep their names; whatever else happened (boosts, caps,
plans, settings) is recorded as it was, and time brings what it brings. Calls that were declined then are no entries, so
nothing is known of them.
"""

from typing import NamedTuple

import msgspec

from kvota.core import commands as c
from kvota.core.account import Charge, Hold, Usage
from kvota.core.catalogue import Book, Catalogue, Edition
from kvota.core.decisions import decide
from kvota.core.decisions.calls import Incomplete, Reply, judge
from kvota.core.effects import Header, apply
from kvota.core.entries import (
    AnyFact,
    BoostAdded,
    BoostExpired,
    BoostRevoked,
    Captured,
    Charged,
    CompanyCreated,
    Entry,
    Held,
    HoldExpired,
    Measured,
    PeriodStarted,
    PlanChanged,
    Refunded,
    SettingsChanged,
    Voided,
    Work,
)
from kvota.core.fold import record
from kvota.core.periods import HOUR, SECOND, Span
from kvota.core.state import Changes, State, replace, spending_floor
from kvota.core.timeline import advance
from kvota.errors import CallerError


class Sums(msgspec.Struct):
    """Calls of a month, and what they cost: a captured hold counts where its hold was made."""

    calls: int = 0
    requests: int = 0
    written_off: int = 0


class Month(msgspec.Struct, kw_only=True):
    """A company's month as it was, and as it would have been; ``refused`` counts by reason what would not have run."""

    company: str
    plan: str
    span: Span
    before: Sums
    after: Sums
    refused: dict[str, int]


class Named:
    """What the entries of the month name, so that nothing else of the past must be remembered.

    ``subjects`` of the calls, ``refunded`` charges, those of them that were made ``earlier`` (as they were before),
    and the ``zones`` that the company has ever had. ``first`` is the month's first entry, 0 where there is none.
    """

    def __init__(self, span: Span) -> None:
        self.subjects: set[str] = set()
        self.refunded: set[str] = set()
        self.zones: set[str] = set()
        self.earlier: dict[str, Charge] = {}
        self.has_calls = False
        self.first = 0
        self._span = span

    def see(self, entry: Entry) -> None:
        """An entry of the month, or of the days before it in which a cap's window may have begun."""
        fact = entry.fact
        if isinstance(fact, Work) and fact.subject is not None:
            self.subjects.add(fact.subject)
        if entry.at < self._span.start:
            return
        self.first = self.first or entry.seq
        self.has_calls = self.has_calls or (isinstance(fact, Charged | Held) and entry.at < self._span.end)
        if isinstance(fact, Refunded):
            self.refunded.add(fact.charge)

    def see_zone(self, entry: Entry) -> None:
        """Any entry in which a company may come to a time zone, from the first one on."""
        if isinstance(entry.fact, CompanyCreated | SettingsChanged) and isinstance(entry.fact.time_zone, str):
            self.zones.add(entry.fact.time_zone)


class _Refused(NamedTuple):
    """A call that would not have run: the reason of its decline, or the code of its error."""

    reason: str


class Rehearsal:
    """One company. Give it every entry from the first one on, in order, and ``tidy`` up now and then."""

    def __init__(self, company: str, book: Book, catalogue: Catalogue, *, span: Span, named: Named, plan: str) -> None:
        past = [
            replace(edition, effective_at=min(edition.effective_at, span.start - 1))
            for edition in book.editions
            if edition.catalogue.version != catalogue.version
        ]
        self._book = Book([*past, Edition(effective_at=span.start, catalogue=catalogue)])
        self._catalogue, self._span, self._named, self._plan = catalogue, span, named, plan
        self._zones = tuple(sorted(named.zones))
        self._state = State(company, None)
        self._due_at: int | None = None
        self._before, self._after = Sums(), Sums()
        self._refused: dict[str, int] = {}

    def add(self, entry: Entry) -> None:
        """The next entry."""
        if entry.at < self._span.start:
            apply(self._trimmed(entry.fact), self._state, Header(entry.at, entry.seq, entry.catalogue))
            self._settle(entry)
            return
        if self._due_at is None:
            self._begin()
        if self._state.account is not None and entry.at >= (self._due_at or 0):
            advance(self._state, self._book, entry.at)
            self._due_at = self._next_due()
        if self._state.account is not None:
            self._state.account = replace(self._state.known, seq=entry.seq - 1)
        self._again(entry)
        self._settle(entry)

    def result(self) -> Month:
        """The month."""
        plan = self._state.known.plan
        return Month(
            company=self._state.company,
            plan=plan,
            span=self._span,
            before=self._before,
            after=self._after,
            refused=self._refused,
        )

    def tidy(self) -> None:
        """Forget what no later entry can ask for."""
        state, account = self._state, self._state.known
        state.changes = Changes()
        state.holds = {name: row for name, row in state.holds.items() if row.status == "open"}
        state.boosts = {name: row for name, row in state.boosts.items() if row.status == "live" or row.held}
        state.charges = {name: row for name, row in state.charges.items() if name in self._named.refunded}
        state.slot_times = {slot: at for slot, at in state.slot_times.items() if at > account.at - 2 * HOUR}
        floor = spending_floor(account)
        for key, days in list(state.spending.items()):
            kept = {since: amount for since, amount in days.items() if since >= floor}
            if kept:
                state.spending[key] = kept
            else:
                del state.spending[key]

    def _trimmed(self, fact: AnyFact) -> AnyFact:
        """The fact without a subject that the month does not name: its stages need not be remembered."""
        if isinstance(fact, Charged | Captured | Refunded) and fact.subject not in self._named.subjects:
            fact = replace(fact, subject=None, shared=())
            return replace(fact, freed=()) if isinstance(fact, Refunded) else fact
        return fact

    def _settle(self, entry: Entry) -> None:
        """Sums for caps are cut at the midnights of all zones from the beginning on, so no change of zone matters."""
        self._state.account = replace(self._state.known, seq=entry.seq, at=entry.at, spending_zones=self._zones)

    def _begin(self) -> None:
        state = self._state
        if (account := state.account) is not None:
            scheduled = None if account.scheduled_plan is None else self._known_plan(account.scheduled_plan)
            state.account = replace(account, plan=self._known_plan(account.plan), scheduled_plan=scheduled)
            self._due_at = self._next_due()
        state.charges.update(self._named.earlier)

    def _known_plan(self, plan: str) -> str:
        """The plan, or the company's present one where the new catalogue has dropped that of then."""
        return plan if plan in self._catalogue.plans else self._plan

    def _next_due(self) -> int:
        ends = [hold.expires_at for hold in self._state.holds.values() if hold.status == "open"]
        ends += [boost.expires_at for boost in self._state.boosts.values() if boost.status == "live"]
        return min([self._state.known.period_end, *ends])

    def _falls_due(self, at: int) -> None:
        self._due_at = at if self._due_at is None else min(self._due_at, at)

    def _again(self, entry: Entry) -> None:
        company, fact = self._state.company, entry.fact
        match fact:
            case Charged() | Held():
                self._call(entry, fact)
            case Captured():
                self._capture(entry, fact)
            case Voided() if self._is_open(fact.hold):
                self._decide(c.VoidHold(company=company, hold=fact.hold), entry.at)
            case Refunded() if fact.charge in self._state.charges:
                self._decide(c.RefundCharge(company=company, charge=fact.charge), entry.at)
            case Voided() | Refunded() | Measured():
                pass
            case HoldExpired() | BoostExpired() | PeriodStarted() | PlanChanged(step="due"):
                pass  # time brings it by itself: other holds may be open here, other boosts have something left
            case _:
                self._as_it_was(fact, entry.at)

    def _as_it_was(self, fact: AnyFact, at: int) -> None:
        match fact:
            case BoostRevoked():
                boost = self._state.boosts.get(fact.id)
                if boost is not None and boost.status == "live":
                    self._record(replace(fact, left=boost.left), at)
            case PlanChanged() | CompanyCreated():
                self._record(replace(fact, plan=self._known_plan(fact.plan)), at)
            case _:
                self._record(fact, at)

    def _record(self, fact: AnyFact, at: int) -> None:
        record(self._state, self._book, fact, at)
        if isinstance(fact, BoostAdded):
            self._falls_due(fact.expires_at)
        else:  # a zone or a plan may have moved the period's end
            self._falls_due(self._state.known.period_end)

    def _decide(self, command: c.Command, at: int) -> Reply | _Refused:
        try:
            return decide(self._state, self._book, command, at)
        except Incomplete:  # it declines, and nobody asks when it would pass
            if not isinstance(command, c.UseAssistant):
                return _Refused("insufficient_requests")
            is_hold = isinstance(command, c.HoldUsage)
            refusal = judge(self._state, self._catalogue, command, at, at_most=is_hold).refusal
            return _Refused("insufficient_requests" if refusal is None else refusal.reason)
        except CallerError as error:
            return _Refused(error.code)

    def _call(self, entry: Entry, fact: Charged | Held) -> None:
        company = self._state.company
        usage = Usage(
            action=fact.action,
            quantities=fact.quantities,
            stages=fact.stages,
            subject=fact.subject,
            user=fact.user,
            department=fact.department,
        )
        if isinstance(fact, Charged):
            self._count(self._before, fact.since, fact.cost, 0)
            reply = self._decide(c.ChargeUsage(company=company, usage=usage), entry.at)
        else:
            ttl = (fact.expires_at - entry.at) // SECOND
            reply = self._decide(c.HoldUsage(company=company, usage=usage, ttl=ttl), entry.at)
        match reply:
            case Charge():
                self._count(self._after, fact.since, reply.cost, 0)
            case Hold():
                self._falls_due(reply.expires_at)
            case _:
                self._refuse(reply, fact.since)

    def _capture(self, entry: Entry, fact: Captured) -> None:
        """A capture that was written off in part had said ``at_most_held``; of the others it makes no difference."""
        self._count(self._before, fact.since, fact.cost, fact.written_off)
        if not self._is_open(fact.hold):
            return
        command = c.CaptureHold(
            company=self._state.company,
            hold=fact.hold,
            quantities=fact.quantities,
            at_most_held=fact.written_off > 0,
        )
        reply = self._decide(command, entry.at)
        if isinstance(reply, Hold):
            self._count(self._after, fact.since, reply.cost or 0, reply.written_off)
        else:
            self._refuse(reply, fact.since)

    def _is_open(self, hold: str) -> bool:
        return hold in self._state.holds and self._state.holds[hold].status == "open"

    def _counts(self, since: int) -> bool:
        return self._span.start <= since < self._span.end

    def _count(self, sums: Sums, since: int, cost: int, written_off: int) -> None:
        if self._counts(since):
            sums.calls += 1
            sums.requests += cost
            sums.written_off += written_off

    def _refuse(self, reply: Reply | _Refused, since: int) -> None:
        if not isinstance(reply, _Refused):
            raise TypeError(type(reply).__name__)
        if self._counts(since):
            self._refused[reply.reason] = self._refused.get(reply.reason, 0) + 1
