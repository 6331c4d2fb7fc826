"""The engine in a process of its own: the same answers as from the engine here, and none lost when it dies."""

import asyncio
import os
import signal
import sqlite3
from pathlib import Path
from typing import get_args

import httpx2
import pytest
from structlog.testing import capture_logs

from kvota.apart.engine import EngineApart
from kvota.apart.messages import Defect, Frames, batch_frame, commands_frame, read_batch, read_commands, said
from kvota.api.app import build_app
from kvota.committing import REPLIES, Answer, Outcome
from kvota.core import commands as c
from kvota.core.account import Charge, Usage
from kvota.core.decisions import DECISIONS
from kvota.core.declines import Declined
from kvota.errors import Busy, CallerError, Invalid, KeyReused, NotFound, StoreUnavailable
from kvota.settings import Settings
from kvota.wiring import open_meter
from tests.acceptance.servers import CATALOGUE

QUESTION = Usage(action="chat_question", user="ann")
ACME = c.PutCompany(company="acme", name="Acme", plan="large", time_zone="Europe/Moscow")
CHARGE = c.ChargeUsage(company="acme", by="key_1", usage=QUESTION)
COMMANDS: list[c.Command] = [
    ACME,
    c.ChargeUsage(company="acme", key="once", request="this", usage=QUESTION),
    c.ChargeUsage(company="acme", usage=QUESTION, only_actions=frozenset({"site"})),
    c.ChargeUsage(company="acme", key="once", request="this", usage=QUESTION),
    c.ChargeUsage(company="acme", key="once", request="that", usage=QUESTION),
    c.ChargeUsage(company="acme", usage=Usage(action="site", quantities={"images": 3, "pages": 1})),
    c.ChargeUsage(company="nobody", key="k", usage=QUESTION),
    c.QuoteUsage(company="acme", usage=QUESTION),
    c.HoldUsage(company="acme", usage=QUESTION, ttl=60),
    c.CaptureHold(company="acme", hold="hld_0000000004", measures={"tokens": 12}),
    c.VoidHold(company="acme", hold="hld_0000000004"),
    c.MeasureCharge(company="acme", charge="chg_0000000002", measures={"tokens": 5}),
    c.RefundCharge(company="acme", charge="chg_0000000002", reason="twice"),
    c.AddBoost(company="acme", amount=10, expires_at=4_000_000_000_000),
    c.RevokeBoost(company="acme", boost="bst_0000000001"),
    c.PlaceOrder(company="acme", boost="none"),
    c.ConfirmOrder(company="acme", order="ord_0000000001", reference="invoice 1"),
    c.DropOrder(company="acme", order="ord_0000000001"),
    c.SetCap(company="acme", cap="ann", scope="user", name="ann", requests=1, per="day"),
    c.ChargeUsage(company="acme", usage=QUESTION),
    c.RemoveCap(company="acme", cap="ann"),
    c.ChangePlan(company="acme", plan="large", effective="next_period", dry_run=True),
    c.DropScheduledPlan(company="acme"),
    c.Suspend(company="acme", reason="unpaid"),
    c.ChargeUsage(company="acme", usage=QUESTION),
    c.Resume(company="acme"),
    c.Adjust(company="acme", amount=-1, reason="sorry"),
    c.PutCompany(company="acme", locale=None, tools_off=("chat",), require_user=True, is_patch=True),
]  # fmt: skip


def bodies(frame: bytes) -> list[bytes]:
    return list(Frames().whole(frame))


def told(answer: Answer) -> object:
    """An answer as something that can be compared."""
    return (type(answer), answer.args, vars(answer)) if isinstance(answer, Exception) else answer


def test_commands_and_answers_of_every_kind_come_across_as_they_were():
    assert {type(command) for command in COMMANDS} == set(get_args(c.AnyCommand)) == set(DECISIONS)
    meter = open_meter(Settings(store="sqlite:///:memory:", catalogue=str(CATALOGUE)))
    try:
        futures = [meter.engine.submit(command) for command in COMMANDS]
        answers: list[Answer] = [future.exception() or future.result() for future in futures]  # type: ignore[misc]
    finally:
        meter.close()
    (frame,) = bodies(commands_frame([(number, 1.5, command) for number, command in enumerate(COMMANDS)]))
    assert [tuple(one) for one in read_commands(frame)] == [(n, 1.5, command) for n, command in enumerate(COMMANDS)]
    (frame,) = bodies(batch_frame(0.25, [said(number, answer) for number, answer in enumerate(answers)]))
    seconds, heard = read_batch(frame)
    assert seconds == 0.25
    assert [number for number, _ in heard] == list(range(len(answers)))
    assert [told(answer) for _, answer in heard] == [told(answer) for answer in answers]
    kinds = {
        type(answer.reply).__name__ if isinstance(answer, Outcome) else type(answer).__name__ for answer in answers
    }
    assert kinds >= {"Charge", "Hold", "Declined", "Refund", "PlanChange", "CompanyPut", "CapPut", "Boost", "Balance"}
    assert kinds >= {"KeyReused", "NotFound", "UnknownBoost", "NoneType"}


def test_every_reply_that_there_is_can_be_told():
    for name, kind in REPLIES.items():
        assert kind.__name__ == name


def test_a_defect_comes_across_with_its_traceback():
    try:
        int("of ours")
    except ValueError as error:
        (frame,) = bodies(batch_frame(0.0, [said(1, error)]))
    ((_, answer),) = read_batch(frame)[1]
    assert isinstance(answer, Defect)
    assert "test_engine_apart.py" in str(answer)
    assert "ValueError: invalid literal" in str(answer)


def test_frames_are_whole_however_they_come():
    frame = commands_frame([(1, 0.0, CHARGE)]) + commands_frame([(2, 0.0, CHARGE), (3, 0.0, CHARGE)])
    frames = Frames()
    came = [one for at in range(len(frame)) for one in frames.whole(frame[at : at + 1])]
    assert [[one.number for one in read_commands(body)] for body in came] == [[1], [2, 3]]


def opened(store: str, sizes: list[int]) -> EngineApart:
    """On a store with a catalogue."""
    open_meter(Settings(store=store, catalogue=str(CATALOGUE))).close()
    return EngineApart(store, lambda size, _: sizes.append(size))


def ask(engine: EngineApart, command: c.Command) -> asyncio.Future[Answer]:
    future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    engine.tell(command, future.set_result)
    return future


async def patiently(engine: EngineApart, command: c.Command) -> Answer:
    """Ask until the process is there."""
    while True:
        try:
            answer = await ask(engine, command)
        except StoreUnavailable as error:
            answer = error
        if not isinstance(answer, StoreUnavailable):
            return answer
        await asyncio.sleep(0.05)


def test_what_is_told_at_one_moment_is_carried_out_in_order_in_one_batch(store_url):
    sizes: list[int] = []
    engine = opened(store_url, sizes)

    async def go() -> None:
        async with engine.lives():
            made, first, missing, second = await asyncio.gather(
                *(ask(engine, one) for one in (ACME, CHARGE, c.VoidHold(company="acme", hold="none"), CHARGE))
            )
        assert isinstance(made, Outcome)
        assert isinstance(first, Outcome)
        assert isinstance(second, Outcome)
        assert isinstance(first.reply, Charge)
        assert isinstance(second.reply, Charge)
        assert (first.reply.entry, second.reply.entry) == (2, 3)
        assert isinstance(missing, NotFound)
        assert (missing.what, missing.name) == ("hold", "none")

    asyncio.run(go())
    assert sizes == [4]


def test_what_was_accepted_is_answered_before_the_end_and_nothing_is_accepted_after_it(sqlite_url):
    engine = opened(sqlite_url, [])

    async def go() -> list[asyncio.Future[Answer]]:
        async with engine.lives():
            accepted = [ask(engine, ACME), *(ask(engine, CHARGE) for _ in range(300))]
            await asyncio.sleep(0)  # they are on their way
        with pytest.raises(Busy, match="ending"):
            engine.tell(CHARGE, print)
        return accepted

    answers = [future.result() for future in asyncio.run(go())]
    assert all(isinstance(answer, Outcome) and not isinstance(answer.reply, Declined) for answer in answers)


def test_a_process_that_is_killed_is_started_again_and_whoever_waited_is_told(sqlite_url):
    engine = opened(sqlite_url, [])

    async def go() -> None:
        async with engine.lives():
            await ask(engine, ACME)
            blocker = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
            blocker.execute("BEGIN IMMEDIATE")
            waiting = [ask(engine, CHARGE) for _ in range(3)]
            await asyncio.sleep(0)
            assert engine.depth == 3
            os.kill(engine.pid, signal.SIGKILL)
            for answer in await asyncio.gather(*waiting):
                assert isinstance(answer, StoreUnavailable)
            blocker.execute("ROLLBACK")
            blocker.close()
            again = await patiently(engine, CHARGE)
            assert isinstance(again, Outcome)
            assert isinstance(again.reply, Charge)
            assert again.reply.entry == 2

    asyncio.run(go())


@pytest.mark.parametrize("python", ["/no/such/python", "/bin/false"])
def test_a_server_is_not_ready_while_its_process_can_not_be_started_again(python, sqlite_url, monkeypatch):
    engine = opened(sqlite_url, [])
    meter = open_meter(Settings(store=sqlite_url, catalogue=str(CATALOGUE)))
    app = build_app(engine, meter.reads, logs_requests=False)
    monkeypatch.setattr("kvota.apart.engine.PAUSE_SECONDS", 0.05)

    async def ready() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://kvota.test") as client:
            return await client.get("/readyz")

    async def go() -> None:
        async with engine.lives():
            await ask(engine, ACME)
            assert (await ready()).status_code == 200
            with monkeypatch.context() as broken, capture_logs() as logs:
                broken.setattr("sys.executable", python)
                os.kill(engine.pid, signal.SIGKILL)
                while len(logs) < 4:
                    await asyncio.sleep(0.01)
                    assert engine.is_lost or not logs
                reply = await ready()
            assert {one["event"] for one in logs} <= {"engine_died", "engine_cannot_start", "store_unavailable"}
            assert (reply.status_code, reply.json()["code"]) == (503, "store_unavailable")
            assert reply.json()["detail"].startswith("The engine's process has died")
            assert isinstance(await patiently(engine, CHARGE), Outcome)
            assert (await ready()).status_code == 200

    try:
        asyncio.run(go())
    finally:
        app.services.close()
        meter.close()


def test_a_process_that_was_never_told_anything_ends_with_its_server(sqlite_url):
    engine = opened(sqlite_url, [])
    engine.close()
    assert not Path(f"/proc/{engine.pid}").exists()


def test_a_queue_that_is_full_refuses(sqlite_url, monkeypatch):
    monkeypatch.setattr("kvota.apart.engine.QUEUE", 2)
    engine = opened(sqlite_url, [])

    async def go() -> None:
        async with engine.lives():
            accepted = [ask(engine, ACME), ask(engine, CHARGE)]
            with pytest.raises(Busy, match="2 calls"):
                engine.tell(CHARGE, print)
            await asyncio.gather(*accepted)
            assert isinstance(await ask(engine, CHARGE), Outcome)

    asyncio.run(go())


def test_errors_keep_what_they_tell():
    for error in (Invalid.field("amount", "must be 1", 7), KeyReused("k"), NotFound("hold", "h"), CallerError("no")):
        (frame,) = bodies(batch_frame(0.0, [said(1, error)]))
        ((_, answer),) = read_batch(frame)[1]
        assert isinstance(answer, CallerError)
        assert told(answer) == told(error)
        assert answer.code == error.code
