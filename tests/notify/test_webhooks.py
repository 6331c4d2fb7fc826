"""Webhooks as their receivers see them: signed, once, again after a failure, after a crash with the same id."""

import asyncio
import base64
import datetime as dt
import json
from typing import Any

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook, WebhookVerificationError

from kvota.core import commands as c
from kvota.core.account import Usage
from kvota.core.notices import Delivery, event
from kvota.core.periods import DAY, MINUTE
from kvota.errors import Invalid, NotFound
from kvota.notify.sending import WAITS, body_of, failed
from kvota.notify.signing import signed_headers
from kvota.notify.worker import Worker
from kvota.outgoing import Outgoing
from kvota.records import Parcel
from kvota.wiring import Meter
from tests.notify.conftest import LOOPBACK, opening
from tests.notify.receiver import Receiver
from tests.notify.waiting import log_once, settled

pytestmark = pytest.mark.anyio
CHAT = Usage(action="chat_question")


def worker(meter: Meter) -> Worker:
    return Worker(meter.store, meter.reads.notices, Outgoing(LOOPBACK), None, idle_seconds=0.02)


def charge(meter: Meter, times: int) -> None:
    for _ in range(times):
        meter.engine.execute(c.ChargeUsage(company="acme", usage=CHAT))


async def test_a_crossing_arrives_signed_as_the_reference_verifies_it(meter: Meter, receiver: Receiver):
    shown = meter.reads.notices.make_webhook("acme", receiver.url + "/hook")
    async with worker(meter).live():
        charge(meter, 5)
        (came,) = await receiver.until(1)
        (done,) = await settled(meter, 1)
    told: Any = Webhook(shown.secret).verify(came.body, dict(came.headers))
    assert told["type"] == "package.threshold"
    assert told["data"] == {
        "company": "acme", "level": 50, "used": 5, "granted": 10, "plan": "tiny", "period": told["data"]["period"],
        "entry": told["data"]["entry"],
    }  # fmt: skip
    assert (came.path, came.headers["content-type"]) == ("/hook", "application/json")
    assert (done.status, done.answer, done.attempts, done.problem) == ("delivered", 204, 1, None)
    assert done.event == came.headers["webhook-id"]
    with pytest.raises(WebhookVerificationError):
        Webhook(shown.secret).verify(came.body + b" ", dict(came.headers))


async def test_defect_14_each_event_arrives_once_however_many_processes_send(
    meter: Meter, receiver: Receiver, store_url: str
):
    """An alert is sent twice: several processes send what one outbox holds."""
    others = [opening(store_url) for _ in range(2)]
    meter.reads.notices.make_webhook("acme", receiver.url)
    async with worker(meter).live(), worker(others[0]).live(), worker(others[1]).live():
        charge(meter, 10)
        meter.reads.notices.tell([event("acme", "appeal.made", f"apl_{n}", n, {"user": "ann"}) for n in range(40)])
        await settled(meter, 43)
        await asyncio.sleep(0.1)  # what would come twice would come now
    for other in others:
        other.close()
    ids = [came.headers["webhook-id"] for came in receiver.came]
    assert len(ids) == len(set(ids)) == 43


async def test_after_a_crash_between_sending_and_writing_it_down_the_same_message_comes_again(
    meter: Meter, receiver: Receiver
):
    shown = meter.reads.notices.make_webhook("acme", receiver.url)
    meter.reads.notices.tell([event("acme", "appeal.made", "apl_1", 1, {"user": "ann"})])
    meter.store.spread(10)
    (parcel,) = meter.store.take("crashed", 10, 0)  # its taker sends it, and is never heard of again
    async with Outgoing(LOOPBACK).session() as session:
        await session.post(receiver.url, data=body_of(parcel), headers={"webhook-id": parcel.event.id})
    async with worker(meter).live():
        await settled(meter, 1)
    first, second = receiver.came
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    Webhook(shown.secret).verify(second.body, dict(second.headers))


async def test_what_fails_is_tried_again_and_the_log_says_why(meter: Meter, receiver: Receiver):
    notices = meter.reads.notices
    notices.make_webhook("acme", receiver.url)
    receiver.answers.extend([500, 302, 200])
    notices.tell([event("acme", "appeal.made", "apl_1", 1, {"user": "ann"})])
    async with worker(meter).live():
        for count, answer in ((1, 500), (2, 302)):
            await receiver.until(count)
            (row,) = await log_once(meter, lambda rows, answer=answer: rows[0].answer == answer)
            assert (row.status, row.problem, row.attempts) == ("waiting", f"it answered {answer}", 1)
            assert row.next_at is not None
            notices.resend("acme", row.id)  # by hand: nobody waits for the back-off
        (row,) = await settled(meter, 1)
    assert (row.status, row.answer, row.problem) == ("delivered", 200, None)
    assert len({came.headers["webhook-id"] for came in receiver.came}) == 1


async def test_a_target_that_may_not_be_called_is_not(meter: Meter, receiver: Receiver):
    meter.store.add_webhook("acme", "whk_1", f"https://127.0.0.2:{receiver.server.port}/")
    meter.store.add_webhook("acme", "whk_2", f"https://localhost:{receiver.server.port}/")
    meter.reads.notices.tell([event("acme", "appeal.made", "apl_1", 1, {"user": "ann"})])
    async with worker(meter).live():
        rows = await log_once(meter, lambda rows: [bool(row.problem) for row in rows] == [True, True])
    assert all("private address" in (row.problem or "") for row in rows)
    assert receiver.came == []


async def test_a_webhook_that_says_it_is_gone_is_disabled_until_a_test_is_answered(meter: Meter, receiver: Receiver):
    notices = meter.reads.notices
    hook = notices.make_webhook("acme", receiver.url).webhook
    receiver.answers.append(410)
    notices.tell([event("acme", "appeal.made", "apl_1", 1, {"user": "ann"})])
    async with worker(meter).live():
        await settled(meter, 1)
        assert notices.webhooks("acme")[0].disabled_because == "it answered 410"
        notices.tell([event("acme", "appeal.made", "apl_2", 2, {"user": "ann"})])
        await settled(meter, 2)
        assert len(receiver.came) == 1
        notices.try_webhook("acme", hook.id, 3)
        await settled(meter, 3)
    assert json.loads(receiver.came[1].body)["type"] == "test"
    assert notices.webhooks("acme")[0].disabled_at is None


async def test_for_a_day_after_a_rotation_both_secrets_sign(meter: Meter, receiver: Receiver):
    notices = meter.reads.notices
    first = notices.make_webhook("acme", receiver.url)
    second = notices.rotate("acme", first.webhook.id)
    notices.try_webhook("acme", first.webhook.id, 3)
    async with worker(meter).live():
        (came,) = await receiver.until(1)
    assert first.secret != second.secret
    for shown in (first, second):
        Webhook(shown.secret).verify(came.body, dict(came.headers))
    hook = second.webhook
    assert hook.rotated_at is not None
    assert notices.live_secrets(hook, hook.rotated_at + DAY) == [second.secret]
    third = notices.rotate("acme", hook.id)
    assert third.webhook.rotated_at is not None
    assert notices.live_secrets(third.webhook, third.webhook.rotated_at) == [third.secret, second.secret]


def test_a_signature_is_the_one_of_the_reference():
    secret = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    headers = signed_headers("evt_1", 1_800_000_000, b'{"a":1}', [secret])
    at = dt.datetime.fromtimestamp(1_800_000_000, dt.UTC)
    assert headers["webhook-signature"] == Webhook(secret).sign("evt_1", at, '{"a":1}')


def test_attempts_go_on_for_about_a_day_and_then_end():
    parcel = Parcel(
        delivery=Delivery(company="acme", id="dlv_1", event="evt_1", channel="webhook", target="whk_1", made_at=0),
        event=event("acme", "test", "1", 0, {}),
        webhook=None,
        locale="en",
        name="Acme",
    )

    def after(attempts: int) -> int | None:
        return failed(replace(parcel, delivery=replace(parcel.delivery, attempts=attempts)), "no").wait

    waits = [after(attempts) for attempts in range(1, len(WAITS) + 2)]
    assert waits[-1] is None
    total = sum(wait for wait in waits if wait is not None)
    assert 0.75 * DAY < total < 1.25 * DAY
    assert all(0.8 * plain <= wait <= 1.2 * plain for plain, wait in zip(WAITS, waits, strict=False))
    assert len({after(3) for _ in range(20)}) > 1
    assert WAITS[0] < MINUTE


def test_a_webhook_is_refused_with_what_would_be_right(meter: Meter):
    notices = meter.reads.notices
    for url in ("http://example.com/", "https://user:secret@example.com/", "https://10.0.0.1/", "nonsense"):
        with pytest.raises(Invalid) as refused:
            notices.make_webhook("acme", url)
        assert refused.value.errors[0].field == "url"
    for _ in range(10):
        notices.make_webhook("acme", "https://example.com/")
    with pytest.raises(Invalid, match="10 webhooks"):
        notices.make_webhook("acme", "https://example.com/")
    for act in (notices.rotate, notices.remove_webhook, notices.resend):
        with pytest.raises(NotFound):
            act("acme", "none")
    with pytest.raises(NotFound):
        notices.try_webhook("acme", "none", 1)


async def test_an_appeal_is_told_once_however_often_it_says_more(meter: Meter, receiver: Receiver):
    meter.reads.notices.make_webhook("acme", receiver.url)
    for text in ("please", "for the report"):
        appeal, _ = meter.reads.appeals.ask("acme", "ann", text=text, wanted=20)
    async with worker(meter).live():
        await settled(meter, 1)
    (came,) = receiver.came
    told = json.loads(came.body)
    assert told["type"] == "appeal.made"
    assert (told["data"]["company"], told["data"]["appeal"], told["data"]["user"]) == ("acme", appeal.id, "ann")
    assert b"please" not in came.body
