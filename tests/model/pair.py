"""The core and the reference side by side: each command is carried out on both, and they must agree."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from kvota.core import commands as c
from kvota.core.account import Boost as CoreBoost
from kvota.core.account import Charge, Hold, Refund, Usage
from kvota.core.decisions.calls import OrderPaid, PlanChange, Quote
from kvota.core.declines import Declined
from kvota.core.entries import BoostAdded
from kvota.core.periods import DAY, HOUR
from kvota.errors import CallerError
from tests.core.ledger import COMPANY, Ledger, book
from tests.model import shapes
from tests.model.records import Reply
from tests.model.reference import Reference

FULL_SEARCH = 5
"""Every so many declines the reference looks for ``retry_at`` at all instants ahead, and not only around it."""


def used(usage: Usage) -> Reply:
    stages = None if usage.stages is None else list(usage.stages)
    who = {"subject": usage.subject, "user": usage.user, "department": usage.department}
    return {"action": usage.action, "quantities": dict(usage.quantities), "stages": stages, **who}


class Pair:
    """A company in the core's ledger and in the reference. ``do`` fails where the two differ."""

    def __init__(self, catalogue: str, plan: str, zone: str, now: int, name: str = COMPANY) -> None:
        self.ledger = Ledger(book(catalogue), name, at=now, plan=plan, time_zone=zone)
        self.reference = Reference(tomllib.loads(catalogue), plan, zone, now)
        self.declines = 0

    def do(self, command: c.Command, now: int) -> object:
        """Carry a command out on both; the core's reply, or its error."""
        writes = self.ledger.state.changes.writes
        try:
            reply: object = self.ledger.do(command, now)
        except CallerError as error:
            reply = error
        answer = self._answer(command, reply, now, is_new=self.ledger.state.changes.writes > writes)
        if isinstance(reply, CallerError) or "error" in answer:
            told = reply.code if isinstance(reply, CallerError) else reply
            assert told == answer.get("error"), (command, reply, answer)
        else:
            self._compare(command, reply, answer, now)
        return reply

    def check(self, now: int) -> None:
        self.reference.check()
        assert shapes.balance(self.ledger.balance(now)) == self.reference.balance(now)

    def _answer(self, command: c.Command, reply: object, now: int, *, is_new: bool) -> Reply:
        """The reference's answer; what it makes bears the core's names."""
        reference = self.reference
        match command:
            case c.ChargeUsage():
                name = reply.id if isinstance(reply, Charge) else None
                return reference.charge(now, used(command.usage), name)
            case c.HoldUsage():
                name = reply.id if isinstance(reply, Hold) else None
                return reference.hold(now, used(command.usage), command.ttl, name)
            case c.QuoteUsage():
                return reference.quote(now, used(command.usage))
            case c.CaptureHold():
                name = reply.charge if isinstance(reply, Hold) else None
                given = dict(command.quantities)
                return reference.capture(now, command.hold, given, at_most_held=command.at_most_held, charge_id=name)
            case c.VoidHold():
                return reference.void(now, command.hold)
            case c.RefundCharge():
                return reference.refund(now, command.charge)
            case _:
                return self._manage(command, reply, now, is_new=is_new)

    def _manage(self, command: c.Command, reply: object, now: int, *, is_new: bool) -> Reply:
        reference = self.reference
        match command:
            case c.AddBoost() | c.ConfirmOrder() | c.PlaceOrder() | c.DropOrder():
                return self._boost(reply, now, is_new=is_new)
            case c.RevokeBoost():
                return reference.revoke_boost(now, command.boost)
            case c.SetCap():
                scope = {"users": "each"} if command.name is None else {command.scope: command.name}
                return reference.set_cap(now, command.cap, scope, command.requests, command.per, command.until)
            case c.RemoveCap():
                return reference.remove_cap(now, command.cap)
            case c.ChangePlan():
                is_next = command.effective == "next_period"
                return reference.change_plan(now, command.plan, next_period=is_next, dry_run=command.dry_run)
            case c.DropScheduledPlan():
                return reference.drop_scheduled(now)
            case c.PutCompany():
                return self._put(command, now)
            case c.Suspend() | c.Resume():
                return reference.suspend(now) if isinstance(command, c.Suspend) else reference.resume(now)
            case c.Adjust():
                return reference.adjust(now, command.amount)
            case _:
                raise AssertionError(command)

    def _boost(self, reply: object, now: int, *, is_new: bool) -> Reply:
        """Orders are the product's alone: what matters is the boost that is added."""
        if isinstance(reply, CallerError):
            return {"error": reply.code}
        fact = self.ledger.entries[-1].entry.fact
        if isinstance(fact, BoostAdded) and fact.id not in self.reference.boosts:
            return self.reference.add_boost(now, fact.id, fact.amount, fact.expires_at)
        if is_new:
            self.reference.settle(now)
        return {}

    def _put(self, command: c.PutCompany, now: int) -> Reply:
        reference, answer = self.reference, Reply()
        if command.plan is not UNSET and command.plan != reference.folded(now).plan:
            answer = reference.change_plan(now, command.plan)
        if command.time_zone is not UNSET:
            answer = reference.set_time_zone(now, command.time_zone)
        if command.tools_off is not UNSET:
            answer = reference.set_tools_off(now, command.tools_off or ())
        if command.require_user is not UNSET:
            answer = reference.set_require_user(now, required=bool(command.require_user))
        if command.allowance_override is not UNSET:
            answer = reference.set_override(now, command.allowance_override)
        return answer

    def _compare(self, command: c.Command, reply: object, answer: Reply, now: int) -> None:
        match reply:
            case Declined():
                self._compare_decline(command, reply, answer, now)
            case Quote() if reply.decline is not None:
                self._compare_decline(command, reply.decline, answer, now)
            case Quote():
                told = {"approved": True, "cost": reply.cost, "available": reply.balance.available}
                assert {**told, "paid_by": shapes.paid_by(reply.draws or ())} == answer
                assert sum(part.cost for part in reply.breakdown) == reply.cost
            case Charge():
                told = {"approved": True, "cost": reply.cost, "available": reply.available}
                assert {**told, "paid_by": shapes.paid_by(reply.draws)} == answer
                self._compare_order(reply.draws, answer)
            case Hold():
                self._compare_hold(reply, answer)
            case Refund():
                told = {"amount": reply.amount, "returned_to": shapes.paid_by(reply.draws), "lost": reply.lost}
                assert told == {name: answer[name] for name in told}
            case PlanChange():
                told = {"from": reply.from_plan, "to": reply.to_plan, "effective_at": reply.effective_at}
                balances = {"before": shapes.balance(reply.before), "after": shapes.balance(reply.after)}
                assert told | balances == answer
            case CoreBoost() | OrderPaid() | None:
                pass
            case _:
                pass

    @staticmethod
    def _compare_order(draws: Any, answer: Reply) -> None:
        assert shapes.in_order(shapes.paid_by(draws)) == shapes.in_order(answer["paid_by"])

    def _compare_hold(self, hold: Hold, answer: Reply) -> None:
        told: Reply = {"available": hold.available}
        if hold.status == "open":
            told |= {"approved": True, "cost": hold.held, "held": hold.held, "expires_at": hold.expires_at}
        else:
            told |= {"status": hold.status, "returned": hold.returned}
        if hold.status == "captured":
            told |= {"cost": hold.cost, "written_off": hold.written_off}
        draws = hold.paid if hold.status == "captured" else hold.draws
        assert told == {name: answer[name] for name in told}
        if hold.status != "void":
            assert shapes.paid_by(draws) == answer["paid_by"]
            self._compare_order(draws, answer)

    def _compare_decline(self, command: c.Command, declined: Declined, answer: Reply, now: int) -> None:
        assert shapes.decline(declined) == answer, (command, declined, answer)
        self.declines += 1
        retry_at = declined.retry_at
        is_approved = self._trial(command)
        if self.declines % FULL_SEARCH == 0:
            ahead = self.reference.instants_ahead(now)
            assert retry_at == next((at for at in ahead if is_approved(at)), None), (command, declined)
        elif retry_at is not None:
            assert is_approved(retry_at), (command, declined)
            assert not is_approved(max(now, retry_at - 1)), (command, declined)
        else:
            assert not any(is_approved(now + ahead) for ahead in (1, HOUR, DAY, 9 * DAY, 40 * DAY, 200 * DAY)), declined

    def _trial(self, command: c.Command) -> Callable[[int], bool]:
        def is_approved(at: int) -> bool:
            twin = self.reference.copied()
            match command:
                case c.CaptureHold():
                    answer = twin.capture(at, command.hold, dict(command.quantities), at_most_held=command.at_most_held)
                case c.ChargeUsage():
                    answer = twin.charge(at, used(command.usage))
                case c.UseAssistant():
                    answer = twin.hold(at, used(command.usage))
                case _:
                    raise AssertionError(command)
            return bool(answer.get("approved"))

        return is_approved
