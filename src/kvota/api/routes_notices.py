"""Whom a company has told of what, its webhooks, and the log of deliveries."""

from msgspec.structs import replace

from kvota.api.calls import Call, page
from kvota.api.problems import Answer
from kvota.asgi import texts
from kvota.core.notices import Delivery, Event
from kvota.notices import Shown
from kvota.wire import notices as wire
from kvota.wire.replies import Page


async def _exists(call: Call) -> str:
    await call.services.read(call.services.reads.company, call.company)
    return call.company


async def get_notifications(call: Call) -> Answer:
    """What is set, or the defaults."""
    found = await call.services.read(call.services.reads.notices.settings, await _exists(call))
    return Answer(200, wire.notifications(found))


async def put_notifications(call: Call) -> Answer:
    """Set what is named; the rest stays as it is."""
    notices = call.services.reads.notices
    present = await call.services.read(notices.settings, await _exists(call))
    settings = wire.changed(present, call.body)
    if settings != present:
        await call.services.read(notices.put_settings, settings)
    return Answer(200, wire.notifications(settings))


async def list_webhooks(call: Call) -> Answer:
    """All of them, by id, without their secrets."""
    found = await call.services.read(call.services.reads.notices.webhooks, await _exists(call))
    rows = [replace(one, disabled_because=_in_words(call, one.disabled_because)) for one in found]
    return Answer(200, Page[wire.Webhook](items=[wire.webhook(one) for one in rows]))


async def make_webhook(call: Call) -> Answer:
    """Make a webhook; its secret is shown this once."""
    notices = call.services.reads.notices
    return Answer(201, _shown(await call.services.read(notices.make_webhook, await _exists(call), call.body.url)))


async def rotate_webhook(call: Call) -> Answer:
    """Begin its next secret; for a day both sign."""
    notices, name = call.services.reads.notices, call.named("webhook")
    return Answer(200, _shown(await call.services.read(notices.rotate, await _exists(call), name)))


async def remove_webhook(call: Call) -> Answer:
    """Remove it; what waits for it is given up."""
    notices, name = call.services.reads.notices, call.named("webhook")
    await call.services.read(notices.remove_webhook, await _exists(call), name)
    return Answer(204)


async def try_webhook(call: Call) -> Answer:
    """Send a test event to it."""
    reads, name = call.services.reads, call.named("webhook")
    company, now = await _exists(call), await call.services.read(reads.clock)
    return Answer(201, _line(call, *await call.services.read(reads.notices.try_webhook, company, name, now)))


async def list_deliveries(call: Call) -> Answer:
    """A page of the log, the latest first."""
    notices, query = call.services.reads.notices, call.query
    rows = await call.services.read(notices.deliveries, await _exists(call), query.after, query.limit + 1)
    return page(rows, query.limit, lambda row: _line(call, *row), lambda row: row[0].id)


async def resend_delivery(call: Call) -> Answer:
    """Try it again now, whatever came of it."""
    notices, name = call.services.reads.notices, call.named("delivery")
    return Answer(200, _line(call, *await call.services.read(notices.resend, await _exists(call), name)))


def _shown(made: Shown) -> wire.NewWebhook:
    return wire.NewWebhook(id=made.webhook.id, url=made.webhook.url, secret=made.secret)


def _line(call: Call, row: Delivery, event: Event) -> wire.Delivery:
    return wire.delivery(replace(row, problem=_in_words(call, row.problem)), event)


def _in_words(call: Call, problem: str | None) -> str | None:
    return None if problem is None else texts.translated(problem, call.language)
