"""Notifications: settings, webhooks, and the log of deliveries."""

from collections.abc import Sequence
from typing import TypedDict, Unpack

from kvota.asks.ask import Ask, Pages, company_path, paged
from kvota.wire import notices as wire
from kvota.wire.replies import Page
from kvota.wire.requests import Nothing


class NotificationFields(TypedDict, total=False):
    """What is set. None sets the default; what is left out stays as it is."""

    levels: Sequence[int] | None
    kinds: Sequence[str] | None
    mail: Sequence[str] | None


def notifications(company: str) -> Ask[wire.Notifications]:
    """What the company is told of, at which percent of its package, and by mail to whom."""
    return Ask(
        operation="get_notifications",
        method="GET",
        **company_path(company, "/notifications"),
        reply=wire.Notifications,
    )


def put_notifications(company: str, **settings: Unpack[NotificationFields]) -> Ask[wire.Notifications]:
    """Set levels, kinds and addresses; None sets the default."""
    return Ask(
        operation="put_notifications",
        method="PUT",
        **company_path(company, "/notifications"),
        kind=wire.NotificationsRequest,
        body=dict(settings),
        reply=wire.Notifications,
    )


def _items(page: Page[wire.Webhook]) -> list[wire.Webhook]:
    return page.items


def webhooks(company: str) -> Ask[list[wire.Webhook]]:
    """All webhooks, by id, without their secrets."""
    return Ask(
        operation="list_webhooks",
        method="GET",
        **company_path(company, "/webhooks"),
        reply=Page[wire.Webhook],
        take=_items,
    )


def make_webhook(company: str, url: str) -> Ask[wire.NewWebhook]:
    """Make a webhook: its secret is in the reply, this once.

    A repeat would make another webhook: so it is never sent twice.
    """
    return Ask(
        operation="make_webhook",
        method="POST",
        **company_path(company, "/webhooks"),
        kind=wire.WebhookRequest,
        body={"url": url},
        reply=wire.NewWebhook,
        is_repeatable=False,
    )


def rotate_webhook(company: str, webhook: str) -> Ask[wire.NewWebhook]:
    """Begin its next secret, which is in the reply, this once; the one before signs for a day more."""
    return Ask(
        operation="rotate_webhook",
        method="POST",
        **company_path(company, "/webhooks/{webhook}/rotate", webhook=webhook),
        kind=Nothing,
        reply=wire.NewWebhook,
        is_repeatable=False,
    )


def remove_webhook(company: str, webhook: str) -> Ask[None]:
    """Remove a webhook."""
    where = company_path(company, "/webhooks/{webhook}", webhook=webhook)
    return Ask(operation="remove_webhook", method="DELETE", **where)


def try_webhook(company: str, webhook: str) -> Ask[wire.Delivery]:
    """Send a test event to a webhook."""
    return Ask(
        operation="try_webhook",
        method="POST",
        **company_path(company, "/webhooks/{webhook}/test", webhook=webhook),
        kind=Nothing,
        reply=wire.Delivery,
        is_repeatable=False,
    )


def deliveries(company: str) -> Pages[wire.Delivery]:
    """The log of deliveries, the latest first."""
    return Pages(
        Ask(
            operation="list_deliveries",
            method="GET",
            **company_path(company, "/deliveries"),
            query=paged(),
            reply=Page[wire.Delivery],
        )
    )


def resend_delivery(company: str, delivery: str) -> Ask[wire.Delivery]:
    """Try a delivery again now, whatever came of it."""
    return Ask(
        operation="resend_delivery",
        method="POST",
        **company_path(company, "/deliveries/{delivery}/resend", delivery=delivery),
        kind=Nothing,
        reply=wire.Delivery,
        is_repeatable=False,
    )
