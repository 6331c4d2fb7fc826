"""Random histories of a company: commands as Hypothesis strategies, with places to fill in when they are carried out.

``#3`` as a hold, charge, boost or order is the fourth newest of the ledger, open holds and standing charges first;
``expires_at`` and ``until`` are counted from the instant at which the command is carried out. A capture's quantities
are those that its hold's action knows.
"""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.periods import MAX_INSTANT
from kvota.core.state import replace
from tests.core.ledger import COMPANY, DAY, HOUR, MINUTE, SECOND, Ledger

ZONES = (
    "UTC", "Europe/Moscow", "America/New_York", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia", "Asia/Beirut",
)  # fmt: skip
SPANS = (0, 0, 1, 7 * SECOND, MINUTE, 13 * MINUTE, HOUR, 5 * HOUR, DAY, 3 * DAY, 9 * DAY, 31 * DAY, 70 * DAY)
"""What a clock may be moved on by."""

places = st.integers(0, 6).map(lambda n: f"#{n}")
users = st.sampled_from([None, "ann", "ann", "bob"])
departments = st.sampled_from([None, None, "law", "it"])
subjects = st.sampled_from([None, "s", "t"])
small = st.integers(0, 5)


def _quantities(*names: str) -> SearchStrategy[dict[str, int]]:
    every = st.fixed_dictionaries(dict.fromkeys(names, small))
    return every | every | st.fixed_dictionaries({}, optional=dict.fromkeys(names, small))


def _usage(action: str, quantities: SearchStrategy[dict[str, int]], *stages: str) -> SearchStrategy[Usage]:
    named = st.lists(st.sampled_from(stages), min_size=1, unique=True).map(tuple) if stages else st.none()
    return st.builds(
        Usage,
        action=st.just(action),
        quantities=quantities,
        stages=st.none() | named,
        subject=subjects,
        user=users,
        department=departments,
    )


none = st.just(dict[str, int]())
usages = st.one_of(
    _usage("chat", none),
    _usage("processing", none, "transcription", "summary"),
    _usage("analytics", none, "speakers", "transcription", "assessment"),
    _usage("analytics", none),
    _usage("meeting", _quantities("participants"), "overview", "insights"),
    _usage("site", _quantities("images")),
    _usage("block", _quantities("images")),
    _usage("report", _quantities("pages", "people")),
)
wrong_usages = st.one_of(
    _usage("nothing", none),
    _usage("chat", _quantities("images"), "summary"),
    _usage("site", st.just({"images": 1_000_001})),
    _usage("processing", none, "assessment"),
)

charges = st.builds(c.ChargeUsage, company=st.just(COMPANY), usage=usages)
holds = st.builds(c.HoldUsage, company=st.just(COMPANY), usage=usages, ttl=st.sampled_from([1, 3600, 7200, 10800]))
quotes = st.builds(c.QuoteUsage, company=st.just(COMPANY), usage=usages)
wrong_calls = st.one_of(
    st.builds(c.ChargeUsage, company=st.just(COMPANY), usage=wrong_usages),
    st.builds(c.HoldUsage, company=st.just(COMPANY), usage=wrong_usages),
)
captures = st.builds(
    c.CaptureHold,
    company=st.just(COMPANY),
    hold=places,
    quantities=st.just({}) | _quantities("images", "participants", "pages", "people"),
    at_most_held=st.booleans(),
)
voids = st.builds(c.VoidHold, company=st.just(COMPANY), hold=places)
refunds = st.builds(c.RefundCharge, company=st.just(COMPANY), charge=places)
added_boosts = st.one_of(
    st.builds(
        c.AddBoost,
        company=st.just(COMPANY),
        amount=st.integers(1, 8),
        expires_at=st.sampled_from([80 * DAY, HOUR, 2 * HOUR, DAY, 5 * DAY, 31 * DAY, 7 * DAY, 90 * DAY, 1, 0]),
    ),
    st.builds(
        c.AddBoost, company=st.just(COMPANY), boost=st.sampled_from(["few", "some", "many", "few", "many", "none"])
    ),
)
revoked_boosts = st.builds(c.RevokeBoost, company=st.just(COMPANY), boost=places)
orders = st.one_of(
    st.builds(c.PlaceOrder, company=st.just(COMPANY), boost=st.sampled_from(["few", "some"])),
    st.builds(c.ConfirmOrder, company=st.just(COMPANY), order=places),
    st.builds(c.DropOrder, company=st.just(COMPANY), order=places),
)
scopes = st.sampled_from(
    [("user", "ann"), ("user", "bob"), ("users", None), ("department", "law"), ("tool", "crm"), ("tool", "chat")]
)
set_caps = st.builds(
    lambda cap, scope, requests, per, until: c.SetCap(
        company=COMPANY, cap=cap, scope=scope[0], name=scope[1], requests=requests, per=per, until=until
    ),
    st.sampled_from(["a", "b", "c", "plan"]),
    scopes,
    st.integers(0, 7),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from([None, None, 0, 1, HOUR, DAY, 40 * DAY]),
)
caps = set_caps | st.builds(c.RemoveCap, company=st.just(COMPANY), cap=st.sampled_from(["a", "b", "c"]))
plans = st.sampled_from(["mini", "midi", "maxi", "midi", "maxi", "textual"])
plan_changes = st.one_of(
    st.builds(
        c.ChangePlan,
        company=st.just(COMPANY),
        plan=plans | st.just("none"),
        effective=st.sampled_from(["now", "next_period"]),
        dry_run=st.booleans(),
    ),
    st.builds(c.DropScheduledPlan, company=st.just(COMPANY)),
)


settings_changes = st.one_of(
    st.builds(
        c.PutCompany, company=st.just(COMPANY), tools_off=st.sampled_from([(), (), (), ("crm",), ("sites", "chat")])
    ),
    st.builds(c.PutCompany, company=st.just(COMPANY), require_user=st.sampled_from([False, False, True])),
    st.builds(c.PutCompany, company=st.just(COMPANY), allowance_override=st.sampled_from([None, None, 0, 3, 9])),
    st.builds(c.PutCompany, company=st.just(COMPANY), plan=plans),
)
zone_changes = st.builds(c.PutCompany, company=st.just(COMPANY), time_zone=st.sampled_from(ZONES))
suspensions = st.sampled_from([c.Resume(company=COMPANY)] * 3 + [c.Suspend(company=COMPANY)])
adjustments = st.builds(c.Adjust, company=st.just(COMPANY), amount=st.integers(-6, 3), reason=st.just("correction"))
calls = st.one_of(charges, charges, holds, holds, quotes)
work = st.one_of(
    charges, holds, captures, calls, captures | voids, refunds, st.sampled_from([HOUR, MINUTE, 3 * HOUR, DAY])
)
"""Calls and what becomes of them, and the time that passes in between."""


def resolved(ledger: Ledger, command: c.Command, clock: int) -> c.Command:
    """The command with its places filled in, as of now."""
    state, now = ledger.state, max(clock, ledger.account.at)
    match command:
        case c.CaptureHold():
            hold = state.holds.get(_open_first(ledger, command.hold))
            if hold is None:
                return command
            known = ledger.book.version(hold.catalogue).actions[hold.action].quantities
            quantities = {name: n for name, n in command.quantities.items() if name in known}
            return replace(command, hold=hold.id, quantities=quantities)
        case c.VoidHold():
            return replace(command, hold=_open_first(ledger, command.hold))
        case c.RefundCharge() | c.MeasureCharge():
            names = sorted(state.charges, key=lambda name: (state.charges[name].refund is None, name))
            return replace(command, charge=_nth(names, command.charge))
        case c.RevokeBoost():
            return replace(command, boost=_nth(list(state.boosts), command.boost))
        case c.ConfirmOrder() | c.DropOrder():
            return replace(command, order=_nth(list(state.orders), command.order))
        case c.AddBoost() if command.expires_at is not None:
            return replace(command, expires_at=min(MAX_INSTANT, now + command.expires_at))
        case c.SetCap() if command.until is not None:
            return replace(command, until=min(MAX_INSTANT, now + command.until))
        case _:
            return command


def _open_first(ledger: Ledger, place: str) -> str:
    holds = ledger.state.holds
    return _nth(sorted(holds, key=lambda name: (holds[name].status == "open", name)), place)


def _nth(names: list[str], place: str) -> str:
    return names[-1 - int(place[1:]) % len(names)] if names else "unknown"
