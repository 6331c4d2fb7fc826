"""A store with a bit of everything in it: each kind of row, in each of its states."""

from kvota.core import commands as c
from kvota.core.account import Charge, Hold, Usage
from kvota.engine import Engine
from kvota.settings import Settings
from kvota.wiring import open_meter
from tests.acceptance.servers import CATALOGUE
from tests.core.ledger import DAY, HOUR
from tests.core.words import ms

START = ms("2026-11-17T09:00")
"""A Tuesday in the middle of a month: every sum for caps is one that a cap may ask for still."""


def fill(url: str) -> None:
    """Make the store, with two companies that have lived alike."""
    meter = open_meter(Settings(store=url, catalogue=str(CATALOGUE)))
    now = [START]
    engine = Engine(meter.store, clock=lambda: now[0])
    try:
        for company in ("acme", "beta"):
            now[0] = START
            write_a_history(engine, company, now)
    finally:
        engine.close()
        meter.close()


def write_a_history(engine: Engine, company: str, now: list[int]) -> None:
    """Nearly every kind of entry."""

    def do(command: type[c.Command], **given: object) -> object:
        now[0] += 61_000
        return engine.execute(command(company=company, **given)).reply

    do(
        c.PutCompany,
        name="A name",
        plan="small",
        allowance_override=150,
        time_zone="Europe/Moscow",
        tools_off=("flows",),
    )
    do(c.SetCap, cap="each", scope="users", name=None, requests=300, per="month")
    do(c.SetCap, cap="it", scope="department", name="it", requests=9, per="day", until=START + 90 * DAY)
    do(c.SetCap, cap="gone", scope="tool", name="mail", requests=9, per="week")
    do(c.RemoveCap, cap="gone")
    do(c.AddBoost, amount=30, expires_at=now[0] + 40 * DAY, reason="a gift")
    do(c.AddBoost, boost="boost_20")
    do(c.PlaceOrder, boost="boost_20")
    do(c.ConfirmOrder, order="ord_0000000001", reference="invoice 17")
    do(c.PlaceOrder, boost="boost_20")
    revoked = do(c.AddBoost, amount=3, expires_at=now[0] + HOUR)
    do(c.RevokeBoost, boost=revoked.id)
    usages = [
        Usage(action="chat_question", user="ann", department="sales", measures={"tokens": 7}),
        Usage(action="crm_call_processing", subject="call:1", user="bob"),
        Usage(action="crm_speech_analytics", subject="call:1", user="ann"),
        Usage(action="site_creation", quantities={"images": 4}),
    ]
    charges = [do(c.ChargeUsage, usage=usage, key=f"key-{n}", request="r") for n, usage in enumerate(usages)]
    assert all(isinstance(charge, Charge) for charge in charges)
    do(c.RefundCharge, charge=charges[1].id, reason="wrong call")
    do(c.MeasureCharge, charge=charges[0].id, measures={"tokens": 3})
    holds = [do(c.HoldUsage, usage=Usage(action="site_creation", user="ann"), ttl=3600) for _ in range(4)]
    assert all(isinstance(hold, Hold) for hold in holds)
    do(c.CaptureHold, hold=holds[0].id, quantities={"images": 9})
    do(c.VoidHold, hold=holds[1].id)
    now[0] += 2 * HOUR  # the others expire
    do(c.HoldUsage, usage=Usage(action="site_creation", user="ann"), ttl=80_000)
    do(c.ChangePlan, plan="large", effective="next_period")
    do(c.PutCompany, locale="ru", require_user=True)
    do(c.Adjust, amount=5, reason="a correction")
    do(c.Suspend)
