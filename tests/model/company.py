"""The state of the reference: tokens and their places, what there is, time passing, and what must always hold."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Self

from tests.model.months import HOUR, QUARTER, first_instant, following, local_date
from tests.model.records import Boost, Cap, Charge, Hold, Month, Place, Price, Reply, Token, Usage, Who, paid_by


class Company:
    """One company, and nothing that decides. Everything stored is frozen."""

    def __init__(self, catalogue: Mapping[str, Any], plan: str, time_zone: str, now: int) -> None:
        self.catalogue, self.plan = catalogue, plan
        self.scheduled_plan: str | None = None
        self.zone = self.next_zone = time_zone  # the one in force, and the one from the next period on
        self.zone_chosen_at = 0
        self.at, self.entries = now, 1
        day = local_date(now, time_zone)
        self.month: Month = (day.year, day.month)
        self.period_start = first_instant(day.replace(day=1), time_zone)
        self.override: int | None = None
        self.tools_off: frozenset[str] = frozenset()
        self.require_user = self.suspended = False
        self.correction = 0  # what adjustments add to the present period's used tokens; can be negative
        self.places: dict[Token, Place] = {}
        self.boosts: dict[str, Boost] = {}
        self.revoked: frozenset[str] = frozenset()
        self.holds: dict[str, Hold] = {}
        self.charges: dict[str, Charge] = {}
        self.caps: dict[str, Cap] = {}
        self.stages_paid: dict[tuple[str, str], tuple[str, tuple[Token, ...]]] = {}  # (subject, stage): payer, tokens
        self.calls: list[int] = []  # the instant of each authorised charge and hold
        self.boosts_left: set[tuple[int, str]] = set()  # (instant, boost with something left then), after each event
        self.boosts_moved: set[int] = set()  # the instants at which a live boost gave or got something
        self.passed: list[int] = []  # the instants at which something fell due
        self._level()

    # --- what there is ---

    def tokens(self, state: str, fund: str | Month) -> list[Token]:
        return [t for t, place in self.places.items() if t.fund == fund and place.state == state]

    def granted(self) -> int:
        return int(self.catalogue["plans"][self.plan]["allowance"]) if self.override is None else self.override

    def used(self) -> int:
        return len(self.tokens("used", self.month)) + self.correction

    def live_boosts(self) -> list[Boost]:
        live = [b for b in self.boosts.values() if self.at < b.expires_at]
        return sorted(live, key=lambda b: (b.expires_at, b.added_at, b.id))

    def boost_item(self, boost: Boost) -> Reply:
        names = {"used": "used", "held": "held", "remaining": "free"}
        counts = {name: len(self.tokens(state, boost.id)) for name, state in names.items()}
        times = {"added_at": boost.added_at, "expires_at": boost.expires_at}
        return {"id": boost.id, "amount": boost.amount, **counts, **times}

    def is_boosts_first(self) -> bool:
        return self.catalogue["policy"].get("funds") == "boosts_first"

    def is_allowance_suspended(self) -> bool:
        if not self.is_boosts_first():
            return False
        left = any(self.period_start <= at < self.boosts[b].expires_at for at, b in self.boosts_left)
        return left or any(self.period_start <= at for at in self.boosts_moved)

    def purse(self) -> list[Token]:
        """Everything that a charge could take now, in the order in which it would."""
        allowance = self.tokens("free", self.month)
        boosts = [t for b in self.live_boosts() for t in self.tokens("free", b.id)]
        return boosts if self.is_allowance_suspended() else allowance + boosts

    def period_end(self) -> int:
        first = date(*following(self.month), 1)
        changed = -(-self.zone_chosen_at // QUARTER) * QUARTER
        return max(first_instant(first, self.zone), first_instant(first, self.next_zone), changed)

    def window(self, per: str) -> tuple[int, int]:
        if per == "month":
            return self.period_start, self.period_end()
        first = local_date(self.at, self.zone)
        first -= timedelta(days=first.weekday() if per == "week" else 0)
        last = first + timedelta(days=7 if per == "week" else 1)
        return first_instant(first, self.zone), first_instant(last, self.zone)

    def spendings(self) -> list[tuple[int, Who, int]]:
        """All that stands or is held: when, by whom, how much."""
        holds = [(h.at, h.who, len(h.drawn)) for h in self.holds.values() if h.state == "open"]
        charges = [(c.at, c.who, len(c.own)) for c in self.charges.values() if c.refund is None]
        payers = [(self.charges[payer], tokens) for payer, tokens in self.stages_paid.values()]
        return holds + charges + [(payer.at, payer.who, len(tokens)) for payer, tokens in payers]

    def standing(self, subject: str | None) -> list[Charge]:
        standing = [c for c in self.charges.values() if c.subject == subject and c.refund is None]
        return [] if subject is None else standing

    def who(self, usage: Usage) -> Who:
        tool = self.catalogue["actions"][usage["action"]]["tool"]
        return {"tool": tool, "user": usage.get("user"), "department": usage.get("department")}

    def show(self) -> Reply:
        used = sum(at > self.at - HOUR for at in self.calls)
        limit = self.catalogue["policy"].get("hourly_limit")
        next_slot = min((at + HOUR for at in self.calls if at > self.at - HOUR), default=None)
        hourly = {"limit": limit, "used": used, "remaining": max(0, (limit or 0) - used)}
        items = [self.boost_item(b) for b in self.live_boosts()]
        free, held = len(self.tokens("free", self.month)), len(self.tokens("held", self.month))
        status = "suspended" if self.is_allowance_suspended() else "active" if free else "used_up"
        sums = {"granted": self.granted(), "used": self.used(), "held": held, "remaining": free, "status": status}
        return {
            "at": self.at,
            "plan": self.plan,
            "scheduled_plan": self.scheduled_plan,
            "available": len(self.purse()),
            "period": {"start": self.period_start, "end": self.period_end(), "time_zone": self.zone},
            "renews_at": self.period_end(),
            "allowance": sums,
            "boosts": {k: sum(i[k] for i in items) for k in ("remaining", "held")} | {"items": items},
            "hourly": None if limit is None else {**hourly, "next_slot_at": next_slot if used >= limit else None},
        }

    # --- carrying out ---

    def _put(self, tokens: Iterable[Token], state: str, by: str = "") -> None:
        tokens = list(tokens)
        self.places.update(dict.fromkeys(tokens, Place(state, by)))
        if state in ("free", "held", "used") and {t.fund for t in tokens} & {b.id for b in self.live_boosts()}:
            self.boosts_moved.add(self.at)

    def _stand(self, charge_id: str, at: int, usage: Usage, price: Price, paid: tuple[Token, ...]) -> None:
        """A charge from now on, paid by these tokens: its shared stages that nobody has paid first, then its own."""
        self._put(paid, "used", charge_id)
        subject, stands, rest = usage.get("subject"), dict(price.shared), paid
        for stage in [s for s in price.shared if (subject, s) not in self.stages_paid]:
            amount = price.shared[stage]
            if len(stands) == len(price.shared) and amount <= len(rest):
                self.stages_paid[subject or "", stage], rest = (charge_id, rest[:amount]), rest[amount:]
            else:
                del stands[stage]
        self.charges[charge_id] = Charge(charge_id, at, self.who(usage), subject, price._replace(shared=stands), rest)

    def _give_back(self, tokens: Iterable[Token]) -> Reply:
        """Each to where it came from, or lost; whose turn it is, the caller decides (16)."""
        tokens, alive = tuple(tokens), {self.month, *(b.id for b in self.live_boosts())}
        back = [t for t in tokens if t.fund in alive]
        self._put(back, "free")
        self._put((t for t in tokens if t.fund not in alive), "lost")
        return {"amount": len(tokens), "returned_to": paid_by(back), "lost": len(tokens) - len(back)}

    def _written(self, reply: Reply) -> Reply:
        self.entries += 1
        self._level()
        return {**reply, "available": len(self.purse())}

    def _level(self) -> None:
        """After every event the free allowance is max(0, granted - used - held), and what boosts have left is noted.

        Tokens are made for it, or free ones taken away.
        """
        self.correction = max(self.correction, -len(self.tokens("used", self.month)))
        room = max(0, self.granted() - self.used() - len(self.tokens("held", self.month)))
        free = self.tokens("free", self.month)
        self._put(free[room:], "withdrawn")
        made = sum(token.fund == self.month for token in self.places)
        self._put([Token(self.month, made + n) for n in range(room - len(free))], "free")
        left = {t.fund for t, place in self.places.items() if place.state in ("free", "held")}
        self.boosts_left |= {(self.at, b.id) for b in self.live_boosts() if b.id in left}

    # --- time ---

    def folded(self, now: int) -> Self:
        """A copy as it is at the company's instant: all that fell due until then has happened, in order."""
        twin, here = self.copied(), max(now, self.at)
        while (due := min(twin._dues())) <= here:  # noqa: SLF001 - its own twin
            twin._pass(due)  # noqa: SLF001
        twin.at = here
        return twin

    def _dues(self) -> list[int]:
        boosts = [b.expires_at for b in self.boosts.values() if self.tokens("free", b.id)]
        return [self.period_end(), *boosts, *(h.expires_at for h in self.holds.values() if h.state == "open")]

    def _pass(self, at: int) -> None:
        self.at = at
        self.passed.append(at)
        if at == self.period_end():
            self._put(self.tokens("free", self.month), "expired")
            self.month, self.period_start, self.correction = following(self.month), at, 0
            self.zone = self.next_zone
            self.plan, self.scheduled_plan = self.scheduled_plan or self.plan, None
        for boost in self.boosts.values():
            if boost.expires_at <= at:
                self._put(self.tokens("free", boost.id), "expired")
        self._level()
        for hold in list(self.holds.values()):
            if hold.state == "open" and hold.expires_at <= at:
                self._give_back(hold.drawn)
                self.holds[hold.id] = hold._replace(state="expired", closed_at=at)
        self._level()

    def copied(self) -> Self:
        """Everything stored is frozen, so copying the containers copies the whole."""
        twin = object.__new__(type(self))
        fields = vars(self).items()
        twin.__dict__ = {name: value if name == "catalogue" else copy.copy(value) for name, value in fields}
        return twin

    # --- what must hold after every call ---

    def check(self) -> None:
        """Each token is in exactly one place, its owner agrees, and the sums are what the rules say."""
        owners = [("held", h.id, h.drawn) for h in self.holds.values() if h.state == "open"]
        owners += [("used", c.id, c.own) for c in self.charges.values() if c.refund is None]
        owners += [("used", payer, tokens) for payer, tokens in self.stages_paid.values()]
        owned = [(token, Place(state, by)) for state, by, tokens in owners for token in tokens]
        assert dict(owned) == {t: p for t, p in self.places.items() if p.by}, "a token is not where its owner says"
        assert len(owned) == len(dict(owned)), "two own one token"
        for boost in self.boosts.values():
            assert sum(t.fund == boost.id for t in self.places) == boost.amount, boost
        alive = {self.month, *(b.id for b in self.live_boosts())}
        assert {t.fund for t, p in self.places.items() if p.state == "free"} <= alive, "something free in a dead fund"
        held = len(self.tokens("held", self.month))
        assert len(self.tokens("free", self.month)) == max(0, self.granted() - self.used() - held)
        assert self.used() >= 0
        needed = {(c.subject, s) for c in self.charges.values() if c.refund is None for s in c.price.shared}
        assert needed == self.stages_paid.keys(), "a shared stage is paid exactly while a charge needs it"
