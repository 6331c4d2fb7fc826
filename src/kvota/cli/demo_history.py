"""Two months in the life of a demo company: office hours, a few departments, a package that runs out, a boost.

Everything is driven through the engine with a clock that is told the time, so it is as true as any ledger. What happens
is drawn from a seeded generator and depends on nothing but the present day.
"""

import datetime as dt
import heapq
import random
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import NamedTuple
from zoneinfo import ZoneInfo

from kvota.core import commands as c
from kvota.core.account import Charge, Hold, Usage
from kvota.core.decisions.calls import OrderPaid
from kvota.core.declines import Declined
from kvota.core.periods import HOUR, MINUTE, milliseconds
from kvota.engine import Engine

COMPANY, NAME, ZONE, PLAN, ALLOWANCE = "acme", "Acme", "Europe/Moscow", "standard", 1200
DAYS = 60
BOOST = "boost_1000"
MORNING, LUNCH, EVENING, SATURDAY = 9, 13, 19, 5
LUNCH_SHARE, WEEKEND_SHARE, CANCELLED_SHARE = 0.3, 0.06, 0.06
LATER = {"follow_up": ("participants", 2, 6), "site_creation": ("images", 0, 14)}
"""Actions whose cost is known only when they are done, with the quantity that tells and its usual bounds."""
INTERN, INTERN_CAP = "oleg", 4
BY = "demo"


class Person(NamedTuple):
    """Somebody who uses the assistant: how often on a working day, and for what (with weights)."""

    user: str
    name: str
    department: str
    calls_a_day: float
    habits: tuple[tuple[str, float], ...]


_WRITING = (("feed_text", 2.0), ("mail_text", 5.0), ("task_text", 3.0), ("calendar_text", 1.0), ("chat_question", 5.0))
_SELLING = (
    ("crm_call_processing", 6.0), ("crm_speech_analytics", 1.5), ("mail_text", 3.0), ("chat_question", 2.0),
    ("sales_script", 0.3),
)  # fmt: skip
_LEADING = (("follow_up", 1.5), ("crm_speech_analytics", 2.0), ("chat_question", 4.0), ("flow_recommendations", 0.6))
_MAKING = (("site_block_update", 3.0), ("site_creation", 0.4), ("feed_text", 4.0), ("chat_question", 4.0))

PEOPLE = (
    Person("anna", "Anna Smirnova", "sales", 7.0, _SELLING),
    Person("boris", "Boris Kuznetsov", "sales", 5.0, _SELLING),
    Person("vera", "Vera Popova", "sales", 6.0, _SELLING),
    Person("galina", "Galina Orlova", "marketing", 6.0, _MAKING),
    Person("denis", "Denis Volkov", "marketing", 4.0, _MAKING),
    Person("elena", "Elena Morozova", "management", 3.0, _LEADING),
    Person("fedor", "Fedor Sokolov", "support", 6.0, _WRITING),
    Person("irina", "Irina Lebedeva", "support", 5.0, _WRITING),
    Person(INTERN, "Oleg Novikov", "support", 3.5, _WRITING),
)


Event = Callable[[int], None]


class History:
    """Makes the past, event by event in the order of time. ``set_clock`` sets what the engine takes for now."""

    def __init__(self, set_clock: Callable[[int], None], engine: Engine, now: int) -> None:
        self._set_clock, self._engine, self._now = set_clock, engine, now
        self._random = random.Random(8024)  # noqa: S311 - the same demo every time
        self._zone = ZoneInfo(ZONE)
        self._events: list[tuple[int, int, Event]] = []
        self._numbers = count(1)
        self._calls = count(8001)
        self._short_since: int | None = None
        self._has_refunded = False

    def write(self, progress: Callable[[], None]) -> None:
        """From the company's first day until a moment ago."""
        first = dt.datetime.fromtimestamp(self._now / 1000, self._zone).date() - dt.timedelta(days=DAYS)
        self._after(self._at(first, 8, 0), self._found)
        for number in range(DAYS + 1):
            for at, person, action in self._wishes(first + dt.timedelta(days=number)):
                self._after(at, partial(self._use, person, action))
        self._after(self._now - 2 * MINUTE, self._leave_open)
        while self._events:
            at, _, event = heapq.heappop(self._events)
            event(at)
            progress()

    def _after(self, at: int, event: Event) -> None:
        """Have it happen at that time, if that has been yet."""
        if at < self._now - MINUTE:
            heapq.heappush(self._events, (at, next(self._numbers), event))

    def _do(self, at: int, command: c.Command) -> object:
        self._set_clock(at)
        return self._engine.execute(command).reply

    def _at(self, day: dt.date, hour: int, minute: int) -> int:
        return milliseconds(dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=self._zone))

    def _found(self, at: int) -> None:
        company = c.PutCompany(
            company=COMPANY, by=BY, name=NAME, plan=PLAN, time_zone=ZONE, allowance_override=ALLOWANCE
        )
        self._do(at, company)
        intern = c.SetCap(
            company=COMPANY, by=BY, cap="interns", scope="user", name=INTERN, requests=INTERN_CAP, per="day"
        )
        self._do(at, intern)
        marketing = c.SetCap(
            company=COMPANY, by=BY, cap="marketing", scope="department", name="marketing", requests=600, per="month"
        )
        self._do(at, marketing)

    def _wishes(self, day: dt.date) -> Iterator[tuple[int, Person, str]]:
        share = WEEKEND_SHARE if day.weekday() >= SATURDAY else 1.0
        for person in PEOPLE:
            mean = person.calls_a_day * share
            number = round(max(0.0, self._random.gauss(mean, mean**0.5)))
            actions, weights = zip(*person.habits, strict=True)
            for action in self._random.choices(actions, weights, k=number):
                yield self._moment(day), person, action

    def _moment(self, day: dt.date) -> int:
        """A moment of the working day: most in the late morning and the afternoon, few at lunch."""
        hour = int(self._random.triangular(MORNING, EVENING, self._random.choice((11, 16))))
        if hour == LUNCH and self._random.random() > LUNCH_SHARE:
            hour += 1
        return self._at(day, hour, self._random.randrange(60)) + self._random.randrange(MINUTE)

    def _use(self, person: Person, action: str, at: int) -> None:
        usage = self._usage(person, action)
        command = c.HoldUsage if action in LATER else c.ChargeUsage
        match self._do(at, command(company=COMPANY, by=BY, usage=usage)):
            case Declined(reason="insufficient_requests"):
                self._miss(at)
            case Hold(id=name):
                self._after(at + self._random.randrange(3 * MINUTE, 50 * MINUTE), partial(self._close, name, action))
            case Charge(id=name) if action == "crm_speech_analytics" and not self._has_refunded:
                self._has_refunded = True
                self._after(at + 40 * MINUTE, partial(self._refund, name))
            case _:
                pass

    def _usage(self, person: Person, action: str) -> Usage:
        tokens = int(self._random.lognormvariate(7.6, 0.6))
        subject = None
        if action.startswith("crm_"):
            # As a rule speech analytics looks at a call that has been processed already: its transcript is there.
            back = self._random.randrange(12) if action == "crm_speech_analytics" else 0
            subject = f"call:{next(self._calls) - back}"
        quantities = {"images": self._random.choice((0, 1, 1, 2, 3))} if action == "site_block_update" else {}
        return Usage(
            action=action,
            quantities=quantities,
            subject=subject,
            user=person.user,
            department=person.department,
            measures={"context_tokens": tokens, "generated_tokens": tokens // 8},
        )

    def _close(self, hold: str, action: str, at: int) -> None:
        """Most work comes to an end, some is cancelled."""
        if self._random.random() < CANCELLED_SHARE:
            self._do(at, c.VoidHold(company=COMPANY, by=BY, hold=hold))
            return
        name, least, most = LATER[action]
        quantities = {name: self._random.randint(least, most)}
        self._do(at, c.CaptureHold(company=COMPANY, by=BY, hold=hold, quantities=quantities, at_most_held=True))

    def _refund(self, charge: str, at: int) -> None:
        self._do(at, c.RefundCharge(company=COMPANY, by=BY, charge=charge, reason="the recording was empty"))

    def _miss(self, at: int) -> None:
        """The package has run out. Somebody is told, and some hours later a boost is ordered and paid."""
        if self._short_since is None:
            self._short_since = at
            self._after(at + 2 * HOUR, self._order)

    def _order(self, at: int) -> None:
        match self._do(at, c.PlaceOrder(company=COMPANY, by=BY, boost=BOOST)):
            case OrderPaid(order=order):
                self._after(at + 25 * MINUTE, partial(self._pay, order.id))
            case other:
                raise TypeError(type(other).__name__)

    def _pay(self, order: str, at: int) -> None:
        self._do(at, c.ConfirmOrder(company=COMPANY, by=BY, order=order, reference=f"invoice {next(self._calls)}"))
        self._short_since = None

    def _leave_open(self, at: int) -> None:
        usage = Usage(action="follow_up", user="elena", department="management", subject="meeting:today")
        self._do(at, c.HoldUsage(company=COMPANY, by=BY, usage=usage))
