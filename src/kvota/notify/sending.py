"""One attempt at one delivery: what is sent, and what came of it."""

import asyncio
import random
import time
from typing import Any

import aiohttp
import msgspec

from kvota.core.periods import DAY, HOUR, MINUTE, SECOND, rfc3339
from kvota.mail import Mailer, MailFailed
from kvota.notices import Notices
from kvota.notify.letters import letter
from kvota.notify.signing import signed_headers
from kvota.outgoing import SECONDS, TargetRefused, post
from kvota.records import Parcel, Tried

WAITS = (5 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 15 * HOUR)
"""After so many failed attempts the next one waits so long: eight in all, within about a day."""
JITTER = 0.2
PATIENCE = 3 * DAY
"""A webhook that fails for so long is disabled."""
GONE = 410
NO_MAIL = "this server sends no mail: its operator has not set KVOTA_SMTP_URL and KVOTA_MAIL_FROM"


def body_of(parcel: Parcel) -> bytes:
    """What is posted: the same bytes at each attempt."""
    told = parcel.event
    data = {"company": told.company, **told.data}
    return msgspec.json.encode({"type": told.kind, "timestamp": rfc3339(told.at), "data": data})


def failed(parcel: Parcel, problem: str, *, answer: int | None = None, is_final: bool = False) -> Tried:
    """A failed attempt; another one follows, unless it was the last or there is no use."""
    attempts = parcel.delivery.attempts
    wait = None
    if not is_final and attempts <= len(WAITS):
        spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads retries
        wait = round(WAITS[attempts - 1] * spread)
    return Tried(delivery=parcel.delivery, problem=problem, answer=answer, wait=wait)


async def send_webhook(parcel: Parcel, session: aiohttp.ClientSession, notices: Notices) -> Tried:
    """Post it, signed."""
    webhook = parcel.webhook
    if webhook is None:
        return failed(parcel, "the webhook was removed", is_final=True)
    now = time.time()
    body = body_of(parcel)
    headers = signed_headers(parcel.event.id, int(now), body, notices.live_secrets(webhook, int(now * SECOND)))
    try:
        answer = await post(
            session,
            webhook.url,
            body=body,
            headers={"content-type": "application/json", "user-agent": "Kvota", **headers},
        )
    except TargetRefused as refused:
        return failed(parcel, refused.detail)
    except TimeoutError:
        return failed(parcel, f"no answer within {SECONDS:g} seconds")
    except aiohttp.ClientError as problem:
        return failed(parcel, f"no answer: {type(problem).__name__}")
    if 200 <= answer.status < 300:  # noqa: PLR2004 - the class of success
        return Tried(delivery=parcel.delivery, answer=answer.status)
    tried = failed(parcel, f"it answered {answer.status}", answer=answer.status, is_final=answer.status == GONE)
    return msgspec.structs.replace(tried, gone=True) if answer.status == GONE else tried


async def send_mail(parcel: Parcel, mailer: Mailer | None) -> Tried:
    """Hand it to the mail server, in the company's language."""
    if mailer is None:
        return failed(parcel, NO_MAIL, is_final=True)
    message = letter(parcel.event, parcel.delivery.target, parcel.name, "ru" if parcel.locale == "ru" else "en")
    loop: Any = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(None, mailer.send, message)
    except MailFailed as problem:
        return failed(parcel, problem.detail, is_final=problem.is_final)
    return Tried(delivery=parcel.delivery)
