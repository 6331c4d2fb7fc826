"""Notifications: levels and addresses, webhooks with a secret that is shown once, the log of deliveries."""

from functools import partial

import msgspec

from kvota.asgi import texts
from kvota.asgi.languages import Language
from kvota.core.notices import KINDS
from kvota.errors import Invalid
from kvota.notices import Shown
from kvota.web.answers import Answer, Reply
from kvota.web.page import ADMINS, COMPANY, Page, page
from kvota.web.visit import Visit
from kvota.wire import notices as wire
from kvota.wire.reading import read_body

LINES = 50
LEVEL_RULE = "must be whole numbers from 1 to 100 with commas between them"


async def show(visit: Visit, shown: Shown | None = None) -> Reply:
    """What is set, the webhooks and the log; ``shown`` is a webhook whose secret has begun just now."""
    notices, before = visit.reads.notices, visit.came.query.get("after", "")
    rows = await visit.read(notices.deliveries, visit.company, before, LINES + 1)
    return visit.show(
        "notifications.html",
        company=visit.company,
        account=await visit.read(visit.reads.company, visit.company),
        settings=await visit.read(notices.settings, visit.company),
        kinds=KINDS,
        webhooks=await visit.read(notices.webhooks, visit.company),
        deliveries=rows[:LINES],
        following=rows[LINES - 1][0].id if len(rows) > LINES else None,
        shown=shown,
        said=partial(_in_words, visit.language),
    )


async def put(visit: Visit) -> Answer:
    """Set levels, kinds and addresses."""
    levels = [part.strip() for part in visit.form.get("levels").split(",") if part.strip()]
    if not all(level.isdecimal() and level.isascii() for level in levels):
        raise Invalid.field("levels", LEVEL_RULE, visit.form.get("levels"))
    said = {"levels": [int(level) for level in levels], "kinds": visit.form.all("kinds"), "mail": _addresses(visit)}
    try:
        body = read_body(wire.NotificationsRequest, msgspec.json.encode(said))
    except Invalid as error:  # an item of a list is at fault: the field of the form is that of the list
        errors = [one._replace(field=one.field.partition("[")[0]) for one in error.errors]
        raise Invalid(error.detail, errors=errors) from None
    notices = visit.reads.notices
    await visit.read(visit.reads.company, visit.company)
    present = await visit.read(notices.settings, visit.company)
    await visit.read(notices.put_settings, wire.changed(present, body))
    return visit.go(f"/companies/{visit.company}/notifications", "flash.notifications_set")


def _in_words(language: Language, problem: str) -> str:
    return texts.translated(problem, language)


def _addresses(visit: Visit) -> list[str]:
    return visit.form.get("mail").replace(",", " ").split()


async def make(visit: Visit) -> Reply:
    """Make a webhook; its secret is on this page and never again."""
    await visit.read(visit.reads.company, visit.company)
    body = visit.form.read(wire.WebhookRequest, "url")
    return await show(visit, await visit.read(visit.reads.notices.make_webhook, visit.company, body.url))


async def rotate(visit: Visit) -> Reply:
    """Begin its next secret, which is on this page and never again."""
    return await show(visit, await visit.read(visit.reads.notices.rotate, visit.company, visit.named("webhook")))


async def remove(visit: Visit) -> Answer:
    """Remove a webhook."""
    await visit.read(visit.reads.notices.remove_webhook, visit.company, visit.named("webhook"))
    return visit.go(f"/companies/{visit.company}/notifications", "flash.webhook_removed")


async def test(visit: Visit) -> Answer:
    """Send a test event to a webhook."""
    now = await visit.read(visit.reads.clock)
    await visit.read(visit.reads.notices.try_webhook, visit.company, visit.named("webhook"), now)
    return visit.go(f"/companies/{visit.company}/notifications", "flash.test_sent")


async def resend(visit: Visit) -> Answer:
    """Try a delivery again now."""
    await visit.read(visit.reads.notices.resend, visit.company, visit.named("delivery"))
    return visit.go(f"/companies/{visit.company}/notifications", "flash.delivery_resent")


def pages() -> list[Page]:
    """The pages of this module."""
    hook = f"{COMPANY}/webhooks/{{webhook}}"
    return [
        page("notifications", ADMINS, f"GET {COMPANY}/notifications", show, nav=105),
        page("put_notifications", ADMINS, f"POST {COMPANY}/notifications", put, again=show),
        page("make_webhook", ADMINS, f"POST {COMPANY}/webhooks", make, again=show),
        page("rotate_webhook", ADMINS, f"POST {hook}/rotate", rotate),
        page("remove_webhook", ADMINS, f"POST {hook}/remove", remove),
        page("try_webhook", ADMINS, f"POST {hook}/test", test),
        page("resend_delivery", ADMINS, f"POST {COMPANY}/deliveries/{{delivery}}/resend", resend),
    ]
