"""A second implementation of the rules, to compare with: one token for each AI request, slow, and obviously right.

It shares no code with the package. A `Reference` is one company. Each allowance request of a period and each boost
request is a `Token`, and `places` says where it is: free, held (by a hold), used (by a charge), lost (came back too
late), expired, or withdrawn (a smaller allowance). Nothing is summed up in advance: the hour is a list of instants, a
cap adds up all standing spendings in its window, a subject's cost is computed anew from the set of its charges.
Instants are whole milliseconds since the epoch, UTC; every call is given `now`.

A call works on a copy that is first folded to the company's instant, and the copy is kept only if the call wrote
something. So reads, declines and errors leave no trace: a hold that such a call saw expire is open again for a clock
that steps back.

Not modelled: ids, roles, orders, the directory, catalogue versions, statistics, bounds on lengths and numbers of
things.

Where the rules leave a choice, this is what was chosen:

Time
 1. The company's instant is max(now, its last written call). What falls due happens at its own instant; within one
    instant first boosts end, then the period, then holds. So a hold that expires just when its boost or period ends has
    lost what it held.
 2. A call that changes nothing writes nothing and moves no time (a repeated capture, void or refund, the same setting
    or cap again). A plan change and an adjustment always write; an adjustment by 0 is `invalid`.
 3. A day, week or month begins at the first instant of its first local date, even if that date is interrupted again
    afterwards.
 4. With a pending zone `renews_at` is the later of the two midnights; naming the zone in force drops the pending one.
    Where a change of zone brings that instant into the past, the period ends with the present quarter of an hour.
 5. A cap's month is the period; its day and week are those of the zone in force now, also for spendings made under
    another zone.
Prices
 6. A quantity is known if the action's own `per` or `free_when` names it; others are `invalid`, also if another action
    knows them.
 7. Errors come in this order, and before any decline: unknown_action, invalid (quantities, then stages),
    quantity_missing.
 8. A hold whose given quantities already fulfil all of `free_when` costs 0, whatever `per` lacks.
 9. `stages` names at least one, each once. Several shared stages are paid in the order of the action's `stages` table.
10. A shared stage that is not paid in full leaves its part with the charge's own, and that charge does not count as
    needing the stage, even when another charge pays it later.
Funds
11. What comes back to the present period's allowance is returned, not lost, also if a smaller plan leaves it no room,
    or if an adjustment had already taken it out of `used`, which then stays at 0. `returned_to` is without what is
    lost: `amount` = `returned_to` + `lost`.
12. boosts_first: suspended if in this period, up to now, a boost had something free or held at an instant before its
    expiry. A revoked boost counts as expired at that instant: revoked at the very start of the period it never was
    usable in it. But within one instant the order of the entries counts: a boost that was added, drawn from or given
    back to in this period was usable in it, even if it was used up or revoked at that very instant. What a hold keeps
    of an expired boost is not left.
13. Live boosts are the unexpired ones, used up or not. Revoking a revoked boost again does nothing; revoking an expired
    or unknown one is `not_found`. `boosts.held` counts live ones.
14. Status: suspended before used_up; used_up when remaining is 0, be it held or used. `remaining` is the formula's
    while suspended, too.
Holds
15. "The same quantities" are those after the hold's own have been filled in. `at_most_held` is not compared. Anything
    else on a closed hold is `hold_closed`, before its quantities are looked at.
16. Of a capture, the first `cost` requests in the order of drawing are used; the rest goes back, the last drawn first.
Limits
17. The plan's daily cap is a scope of its own, before the user's. A user with any cap of his own that has not ended is
    free of all caps for each. Room is requests - spent, and can be negative when the least is sought.
18. A captured hold has spent its whole paid cost, extra included, at the hold's instant; what is written off is not
    spent. A shared stage is spent by the charge that paid it, in that charge's window and scopes, until it is given
    back. Lost or not, what is given back is room.
19. `short_by` is max(0, cost - available) for every reason, but extra - available for a capture.
20. A quote is a hold that is not made. `hourly.next_slot_at` is null while a slot is free.
21. retry_at looks at all that time brings, for every reason: a scheduled plan may bring back an action; the end of a
    user's own cap brings back the one for each; a declined capture is tried only while its hold is open.
22. A cap may be set with 0 requests; its `until` must be after now, else it is `invalid`.
Plans
23. `next_period` may name the present plan: it is scheduled all the same. `now` drops what was scheduled, also when it
    names the present plan.
24. The balance `after` a scheduled change is folded to `effective_at`: boosts and holds that end until then are gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Concatenate, ParamSpec, Self

from tests.model.company import Company
from tests.model.months import HOUR, first_instant, local_date
from tests.model.prices import find, price_of
from tests.model.records import Boost, Cap, Charge, Hold, Price, Refused, Reply, Token, Usage, Who, paid_by

P = ParamSpec("P")


def command(body: Callable[Concatenate[Reference, P], Reply]) -> Callable[Concatenate[Reference, int, P], Reply]:
    """A public call `(now, ...)`: the body runs on a copy folded to the company's instant, kept only if it wrote."""

    def call(self: Reference, now: int, /, *args: P.args, **kwargs: P.kwargs) -> Reply:
        trial = self.folded(now)
        try:
            reply = body(trial, *args, **kwargs)
        except Refused as refused:
            return refused.reply
        if trial.entries > self.entries:
            self.__dict__ = trial.__dict__
        return reply

    return call


class Reference(Company):
    """One company. Calls return plain dicts: a reply, a decline ({"approved": False, ...}) or {"error": code}."""

    # --- calls that spend and give back ---

    @command
    def charge(self, usage: Usage, charge_id: str | None = None) -> Reply:
        price, decline = self._decide(usage, lenient=False)
        if decline:
            return decline
        drawn = tuple(self.purse()[: price.cost])
        self._stand(charge_id or f"charge-{len(self.charges)}", self.at, usage, price, drawn)
        self.calls.append(self.at)
        return self._written({"approved": True, "cost": price.cost, "paid_by": paid_by(drawn)})

    @command
    def hold(self, usage: Usage, ttl: int = 14_400, hold_id: str | None = None) -> Reply:
        price, decline = self._decide(usage, lenient=True)
        if not 1 <= ttl <= 86_400:
            raise Refused("invalid")
        if decline:
            return decline
        drawn = tuple(self.purse()[: price.cost])
        hold = Hold(hold_id or f"hold-{len(self.holds)}", self.at, self.at + ttl * 1000, usage, self.who(usage), drawn)
        self.holds[hold.id] = hold
        self._put(drawn, "held", hold.id)
        self.calls.append(self.at)
        reply = {"cost": price.cost, "held": price.cost, "paid_by": paid_by(drawn), "expires_at": hold.expires_at}
        return self._written({"approved": True, **reply})

    @command
    def capture(
        self,
        hold_id: str,
        quantities: dict[str, int] | None = None,
        *,
        at_most_held: bool = False,
        charge_id: str | None = None,
    ) -> Reply:
        hold: Hold = find(self.holds, hold_id, "hold_not_found")
        quantities = {**(hold.usage.get("quantities") or {}), **(quantities or {})}
        if hold.state == "captured" and quantities == hold.quantities and hold.reply:
            return hold.reply
        self._refuse_closed(hold)
        price = self._price({**hold.usage, "quantities": quantities}, lenient=False)
        extra = 0 if at_most_held else max(0, price.cost - len(hold.drawn))
        purse = self.purse()
        if extra > len(purse):
            return self._decline("insufficient_requests", price.cost, short_by=extra - len(purse))
        paid, rest = (*hold.drawn, *purse[:extra])[: price.cost], hold.drawn[price.cost :]
        self._stand(charge_id or f"charge-{len(self.charges)}", hold.at, hold.usage, price, paid)
        back = self._give_back(rest)
        money = {"cost": len(paid), "returned": len(rest), "lost": back["lost"], "written_off": price.cost - len(paid)}
        return self._close(hold, "captured", {"approved": True, **money, "paid_by": paid_by(paid)}, quantities)

    @command
    def void(self, hold_id: str) -> Reply:
        hold: Hold = find(self.holds, hold_id, "hold_not_found")
        if hold.state == "void" and hold.reply:
            return hold.reply
        self._refuse_closed(hold)
        return self._close(hold, "void", {"returned": len(hold.drawn), "lost": self._give_back(hold.drawn)["lost"]})

    @command
    def refund(self, charge_id: str) -> Reply:
        charge: Charge = find(self.charges, charge_id, "charge_not_found")
        if charge.refund:
            return charge.refund
        still_needed = {s for c in self.standing(charge.subject) if c.id != charge.id for s in c.price.shared}
        released = [(charge.subject or "", stage) for stage in charge.price.shared if stage not in still_needed]
        reply = self._give_back([t for stage in released for t in self.stages_paid.pop(stage)[1]] + list(charge.own))
        self.charges[charge_id] = charge._replace(refund=reply)
        self._written({})
        return reply

    @command
    def quote(self, usage: Usage) -> Reply:
        price, decline = self._decide(usage, lenient=True)
        paid = paid_by(self.purse()[: price.cost])
        return decline or {"approved": True, "cost": price.cost, "paid_by": paid, "available": len(self.purse())}

    # --- calls of the operator and the administrator ---

    @command
    def add_boost(self, boost_id: str, amount: int, expires_at: int) -> Reply:
        if amount < 1 or expires_at <= self.at:
            raise Refused("invalid")
        self.boosts[boost_id] = Boost(boost_id, amount, self.at, expires_at)
        self._put([Token(boost_id, n) for n in range(amount)], "free")
        return self._written({})

    @command
    def revoke_boost(self, boost_id: str) -> Reply:
        if boost_id in self.revoked:
            return {}
        boost: Boost = find({b.id: b for b in self.live_boosts()}, boost_id, "not_found")
        self.boosts[boost_id] = boost._replace(expires_at=self.at)
        self.revoked |= {boost_id}
        self._put(self.tokens("free", boost_id), "expired")
        return self._written({})

    @command
    def change_plan(self, plan: str, *, next_period: bool = False, dry_run: bool = False) -> Reply:
        find(self.catalogue["plans"], plan, "unknown_plan")
        twin = self.folded(self.at)
        if next_period:
            twin.scheduled_plan = plan
        else:
            twin.plan, twin.scheduled_plan = plan, None
        twin._written({})  # noqa: SLF001 - its own twin
        effective_at = self.period_end() if next_period else self.at
        balances = {"before": self.balance(self.at), "after": twin.balance(effective_at)}
        reply = {"from": self.plan, "to": plan, "effective_at": effective_at, **balances}
        if not dry_run:
            self.__dict__.update(twin.__dict__)
        return reply

    @command
    def drop_scheduled(self) -> Reply:
        if self.scheduled_plan is None:
            raise Refused("not_found")
        return self._change(scheduled_plan=None)

    @command
    def set_cap(self, cap_id: str, scope: dict[str, str], requests: int, per: str, until: int | None = None) -> Reply:
        if cap_id == "plan" or requests < 0 or (until is not None and until <= self.at):
            raise Refused("invalid")
        return self._change(caps={**self.caps, cap_id: Cap(cap_id, scope, requests, per, until)})

    @command
    def remove_cap(self, cap_id: str) -> Reply:
        find(self.caps, cap_id, "not_found")
        return self._change(caps={i: c for i, c in self.caps.items() if i != cap_id})

    @command
    def set_tools_off(self, tools: Iterable[str]) -> Reply:
        return self._change(tools_off=frozenset(tools))

    @command
    def set_require_user(self, *, required: bool) -> Reply:
        return self._change(require_user=required)

    @command
    def set_override(self, allowance: int | None) -> Reply:
        return self._change(override=allowance)

    @command
    def set_time_zone(self, zone: str) -> Reply:
        return (
            self._change(next_zone=zone)
            if zone == self.next_zone
            else self._change(next_zone=zone, zone_chosen_at=self.at)
        )

    @command
    def suspend(self) -> Reply:
        return self._change(suspended=True)

    @command
    def resume(self) -> Reply:
        return self._change(suspended=False)

    @command
    def adjust(self, amount: int) -> Reply:
        if amount == 0:
            raise Refused("invalid")
        self.correction += max(amount, -self.used())
        self._written({})
        return self.balance(self.at)

    @command
    def balance(self) -> Reply:
        return self.show()

    def settle(self, now: int) -> None:
        """Keep what has fallen due, as where an order is noted: no entry itself, but those of time are written."""
        twin = self.folded(now)
        twin.at = max([self.at, *twin.passed])
        self.__dict__ = twin.__dict__

    # --- retry_at by trying ---

    def first_approved_instant(self, now: int, usage: Usage, *, as_hold: bool = False) -> int | None:
        """retry_at of a charge (or of a hold or quote): the first of all instants ahead at which a copy approves it."""
        return self._first(now, lambda twin, at: twin.hold(at, usage) if as_hold else twin.charge(at, usage))

    def first_approved_capture(self, now: int, hold_id: str, quantities: dict[str, int] | None = None) -> int | None:
        return self._first(now, lambda twin, at: twin.capture(at, hold_id, quantities))

    def _first(self, now: int, attempt: Callable[[Self, int], Reply]) -> int | None:
        return next((at for at in self.instants_ahead(now) if attempt(self.copied(), at).get("approved")), None)

    def instants_ahead(self, now: int) -> list[int]:
        """Now and all that time brings: slots, ends of caps, holds and boosts, and many starts of days.

        Those of the two months after each of them: weeks and periods start with a day, in the present or pending zone.
        """
        here = self.folded(now)
        ends = [at + HOUR for at in here.calls] + [c.until for c in here.caps.values() if c.until is not None]
        ends += [h.expires_at for h in here.holds.values()] + [b.expires_at for b in here.boosts.values()]
        instants = {here.at, *(at for at in ends if at > here.at)}
        dates = {(local_date(at, zone), zone) for at in instants for zone in (here.zone, here.next_zone)}
        days = {first_instant(day + timedelta(days=n), zone) for day, zone in dates for n in range(1, 64)}
        return sorted(at for at in {*instants, *days, here.period_end()} if at >= here.at)

    # --- deciding ---

    def _decide(self, usage: Usage, *, lenient: bool) -> tuple[Price, Reply | None]:
        """The price, and the decline if there is one: §6 in its order."""
        price, who = self._price(usage, lenient=lenient), self.who(usage)
        allowed, limit = self.catalogue["plans"][self.plan].get("actions"), self.catalogue["policy"].get("hourly_limit")
        cap = self._declining_cap(who, price.cost)
        checks = {
            "company_suspended": self.suspended,
            "tool_disabled": who["tool"] in self.tools_off,
            "action_not_in_plan": allowed is not None and usage["action"] not in allowed,
            "user_required": self.require_user and who["user"] is None,
            "cap_reached": cap is not None,
            "hourly_limit": limit is not None and sum(at > self.at - HOUR for at in self.calls) >= limit,
            "insufficient_requests": price.cost > len(self.purse()),
        }
        reason = next((reason for reason, says_no in checks.items() if says_no), None)
        if reason is None:
            return price, None
        short_by = max(0, price.cost - len(self.purse()))
        return price, self._decline(reason, price.cost, short_by, cap if reason == "cap_reached" else None)

    def _decline(self, reason: str, cost: int, short_by: int, cap: str | None = None) -> Reply:
        money = {"cost": cost, "available": len(self.purse()), "short_by": short_by}
        return {"approved": False, "reason": reason, **money, "cap": cap, "renews_at": self.period_end()}

    def _declining_cap(self, who: Who, cost: int) -> str | None:
        live = [c for c in self.caps.values() if c.until is None or self.at < c.until]
        user, daily = who["user"], self.catalogue["plans"][self.plan].get("user_daily_cap")
        plans = [Cap("plan", {"users": "each"}, daily, "day", None)] if daily is not None else []
        own, each = ([c for c in live if c.scope == scope] for scope in ({"user": user}, {"users": "each"}))
        departments, tools = ([c for c in live if c.scope == {kind: who[kind]}] for kind in ("department", "tool"))
        for field, caps in [("user", plans), ("user", own or each), ("department", departments), ("tool", tools)]:
            no_room: list[tuple[int, str]] = []
            for cap in caps if who[field] is not None else []:
                start, end = self.window(cap.per)
                room = cap.requests - sum(
                    n for at, spender, n in self.spendings() if start <= at < end and spender[field] == who[field]
                )
                no_room += [(room, cap.id)] if cost > room and cost > 0 else []
            if no_room:
                return min(no_room)[1]
        return None

    def _price(self, usage: Usage, *, lenient: bool) -> Price:
        standing = self.standing(usage.get("subject"))
        return price_of(self.catalogue["actions"], usage, standing, lenient=lenient)

    @staticmethod
    def _refuse_closed(hold: Hold) -> None:
        if hold.state != "open":
            raise Refused("hold_closed", how=hold.state, closed_at=hold.closed_at)

    def _close(self, hold: Hold, state: str, reply: Reply, quantities: dict[str, int] | None = None) -> Reply:
        hold = self.holds[hold.id] = hold._replace(state=state, closed_at=self.at, quantities=quantities)
        reply = self._written({"status": state, **reply})
        self.holds[hold.id] = hold._replace(reply=reply)
        return reply

    def _change(self, **settings: object) -> Reply:
        if any(getattr(self, name) != value for name, value in settings.items()):
            self.__dict__.update(settings)
            self._written({})
        return self.balance(self.at)
