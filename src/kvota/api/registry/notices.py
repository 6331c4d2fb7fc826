"""Notifications: settings, webhooks, and the log of deliveries."""

from kvota.api import routes_notices as routes
from kvota.api.registry.operation import ADMINS, COMPANY, Operation, operation
from kvota.wire import notices as wire
from kvota.wire import queries, replies, requests

_TAG = "Notifications"


def notices() -> list[Operation]:
    """Notifications."""
    return [
        operation(
            "get_notifications", ADMINS, f"GET {COMPANY}/notifications", "What the company is told of, and to whom",
            routes.get_notifications, tag=_TAG, reply=wire.Notifications,
        ),
        operation(
            "put_notifications", ADMINS, f"PUT {COMPANY}/notifications", "Set levels, kinds and addresses",
            routes.put_notifications, tag=_TAG, body=wire.NotificationsRequest, reply=wire.Notifications,
        ),
        operation(
            "list_webhooks", ADMINS, f"GET {COMPANY}/webhooks", "All webhooks, by id, without their secrets",
            routes.list_webhooks, tag=_TAG, reply=replies.Page[wire.Webhook],
        ),
        operation(
            "make_webhook", ADMINS, f"POST {COMPANY}/webhooks", "Make a webhook; its secret is shown this once",
            routes.make_webhook, 201, tag=_TAG, body=wire.WebhookRequest, reply=wire.NewWebhook,
        ),
        operation(
            "rotate_webhook", ADMINS, f"POST {COMPANY}/webhooks/{{webhook}}/rotate",
            "Begin its next secret; the one before signs for a day more",
            routes.rotate_webhook, tag=_TAG, body=requests.Nothing, reply=wire.NewWebhook, codes=("not_found",),
        ),
        operation(
            "remove_webhook", ADMINS, f"DELETE {COMPANY}/webhooks/{{webhook}}", "Remove a webhook",
            routes.remove_webhook, 204, tag=_TAG, codes=("not_found",),
        ),
        operation(
            "try_webhook", ADMINS, f"POST {COMPANY}/webhooks/{{webhook}}/test", "Send a test event to a webhook",
            routes.try_webhook, 201, tag=_TAG, body=requests.Nothing, reply=wire.Delivery, codes=("not_found",),
        ),
        operation(
            "list_deliveries", ADMINS, f"GET {COMPANY}/deliveries", "A page of the log, the latest first",
            routes.list_deliveries, tag=_TAG, query=queries.PageQuery, reply=replies.Page[wire.Delivery],
        ),
        operation(
            "resend_delivery", ADMINS, f"POST {COMPANY}/deliveries/{{delivery}}/resend",
            "Try a delivery again now, whatever came of it",
            routes.resend_delivery, tag=_TAG, body=requests.Nothing, reply=wire.Delivery, codes=("not_found",),
        ),
    ]  # fmt: skip
