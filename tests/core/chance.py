"""Random histories by dice: every command as likely late in a history as early, so that its far corners are reached.

The dice are Hypothesis's (``st.randoms``), so a history is the same at every run.
"""

from collections.abc import Iterator
from random import Random

from kvota.core import commands as c
from kvota.core.account import Usage
from tests.core.histories import SPANS, ZONES, resolved
from tests.core.ledger import COMPANY, DAY, HOUR, MINUTE, Ledger

QUANTITIES = {"site": ("images",), "block": ("images",), "meeting": ("participants",), "report": ("pages", "people")}
STAGES = {
    "processing": ("transcription", "summary"),
    "analytics": ("speakers", "transcription", "assessment"),
    "meeting": ("overview", "insights"),
}
PLANS = ("mini", "midi", "maxi", "midi", "maxi", "maxi", "textual")
SCOPES = (("user", "ann"), ("users", None), ("department", "law"), ("tool", "crm"), ("tool", "chat"), ("user", "bob"))


class Dice:
    """Throws commands and pauses for one company."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.calm = random.choice([0.3, 0.85])  # how often the next command follows at once

    def usage(self, *, is_full: bool = True) -> Usage:
        pick = self.random.choice
        action = pick(["chat", "processing", "analytics", "analytics", "meeting", "site", "site", "block", "report"])
        names = QUANTITIES.get(action, ())
        stages = STAGES.get(action, ())
        return Usage(
            action=action,
            quantities={name: self.random.randint(0, 5) for name in names if is_full or pick([True, False])},
            stages=tuple(self.random.sample(stages, self.random.randint(1, len(stages))))
            if stages and pick([False, False, True])
            else None,
            subject=pick([None, "s", "s", "t"]),
            user=pick([None, "ann", "ann", "bob"]),
            department=pick([None, None, "law", "it"]),
        )

    def work(self) -> c.Command:
        """A call, or what becomes of one."""
        pick = self.random.choice
        place = f"#{pick([0, 0, 0, 1, 2, 4])}"
        quantities = {name: self.random.randint(0, 6) for name in ("images", "participants", "pages", "people")}
        match self.random.randrange(12):
            case 0 | 1 | 2:
                return c.ChargeUsage(company=COMPANY, usage=self.usage())
            case 3 | 4 | 5:
                ttl = pick([1, 3600, 7200, 10_800, 10_800])
                return c.HoldUsage(company=COMPANY, usage=self.usage(is_full=pick([True, False])), ttl=ttl)
            case 6 | 7 | 8:
                given = pick([quantities, quantities, {}])
                return c.CaptureHold(company=COMPANY, hold=place, quantities=given, at_most_held=pick([True, False]))
            case 9:
                return c.VoidHold(company=COMPANY, hold=place)
            case 10:
                return c.RefundCharge(company=COMPANY, charge=place)
            case _:
                return c.QuoteUsage(company=COMPANY, usage=self.usage(is_full=False))

    def boost(self) -> c.Command:
        pick, place = self.random.choice, f"#{self.random.randrange(4)}"
        match self.random.randrange(8):
            case 0 | 1 | 2:
                expires_at = pick([HOUR, 2 * HOUR, DAY, 5 * DAY, 31 * DAY, 80 * DAY])
                return c.AddBoost(company=COMPANY, amount=self.random.randint(1, 8), expires_at=expires_at)
            case 3:
                return c.AddBoost(company=COMPANY, boost=pick(["few", "some", "many"]))
            case 4 | 5:
                return c.RevokeBoost(company=COMPANY, boost=place)
            case 6:
                return c.PlaceOrder(company=COMPANY, boost=pick(["few", "some"]))
            case _:
                return pick([c.ConfirmOrder, c.ConfirmOrder, c.DropOrder])(company=COMPANY, order=place)

    def manage(self) -> c.Command:
        """What the operator and the administrator do."""
        pick = self.random.choice
        match self.random.randrange(16):
            case 0 | 1 | 2:
                scope, name = pick(SCOPES)
                per, until = pick(["day", "week", "month"]), pick([None, None, HOUR, DAY, 40 * DAY])
                requests = self.random.randint(0, 7)
                return c.SetCap(
                    company=COMPANY, cap=pick("abc"), scope=scope, name=name, requests=requests, per=per, until=until
                )
            case 3 | 4 | 5:
                return c.RemoveCap(company=COMPANY, cap=pick("abc"))
            case 6 | 7:
                when, is_dry = pick(["now", "next_period"]), pick([True, False, False])
                return c.ChangePlan(company=COMPANY, plan=pick(PLANS), effective=when, dry_run=is_dry)
            case 8:
                return c.DropScheduledPlan(company=COMPANY)
            case 9:
                return c.PutCompany(company=COMPANY, tools_off=pick([(), (), (), (), (), ("crm",), ("sites", "chat")]))
            case 10:
                return c.PutCompany(company=COMPANY, require_user=pick([True, *[False] * 5]))
            case 11:
                return c.PutCompany(company=COMPANY, allowance_override=pick([None, None, None, 0, 3, 9]))
            case 12 | 13:
                return c.PutCompany(company=COMPANY, time_zone=pick(ZONES))
            case 14:
                return c.Adjust(company=COMPANY, amount=pick([-5, -3, -2, -1, 1, 2]), reason="correction")
            case _:
                return pick([c.Suspend, *[c.Resume] * 5])(company=COMPANY)

    def command(self) -> c.Command:
        kind = self.random.randrange(20)
        return self.boost() if kind in (0, 1, 2) else self.manage() if kind in (3, 4, 5, 6) else self.work()

    def pause(self, ledger: Ledger, now: int) -> int:
        """The next instant: soon, later, on the 1st, at the very instant at which something ends, or back."""
        pick, state = self.random.choice, ledger.state
        if self.random.random() < self.calm:
            return now + pick([0, 0, 0, 1, MINUTE])
        match self.random.randrange(16):
            case 0:
                return max(now, ledger.balance(now).period_end - pick([0, 0, 1, MINUTE]))
            case 1 | 2:
                ends = [row.expires_at for row in (*state.open_holds(), *state.live_boosts())]
                return max(now, pick(ends) - pick([0, 0, 1])) if ends else now
            case 3:
                return now - pick([1, MINUTE, HOUR, 2 * DAY])
            case 4 | 5 | 6 | 7:
                return now + pick(SPANS)
            case 8 | 9:
                return now + pick([1, MINUTE, 13 * MINUTE, HOUR])
            case _:
                return now

    def history(self, ledger: Ledger, now: int, steps: int) -> Iterator[tuple[c.Command, int]]:
        """Commands with their places filled in, each with its instant; each is to be carried out before the next."""
        for _ in range(steps):
            now = self.pause(ledger, now)
            yield resolved(ledger, self.command(), now), now
