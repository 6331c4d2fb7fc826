"""What a company has itself told of, and where: settings, webhooks with their secrets, the log of deliveries.

A webhook's secret is made of the store's own secret, its name and the number of its generation: so it can sign at any
time, is in no column, and is shown only when a generation begins.
"""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from msgspec.structs import replace

from kvota.core.notices import Delivery, Event, Notifications, Webhook, event
from kvota.core.periods import DAY
from kvota.errors import Invalid, NotFound
from kvota.outgoing import Outgoing, TargetRefused
from kvota.store import Store

MOST_WEBHOOKS = 10
OVERLAP = DAY
"""So long the secret before the present one signs as well."""


class Shown(NamedTuple):
    """A webhook whose secret is shown, this once."""

    webhook: Webhook
    secret: str


class Notices:
    """For the doors. Whether the company exists is asked by them."""

    def __init__(self, store: Store, outgoing: Outgoing) -> None:
        self._store, self._outgoing = store, outgoing
        self._key: bytes | None = None

    def settings(self, company: str) -> Notifications:
        """What is set, or the defaults."""
        return self._store.notifications(company)

    def put_settings(self, settings: Notifications) -> None:
        """Set it."""
        self._store.put_notifications(settings)

    def webhooks(self, company: str) -> list[Webhook]:
        """By id."""
        return self._store.webhooks(company)

    def make_webhook(self, company: str, url: str) -> Shown:
        """Make a webhook. ``Invalid`` for a URL that may not be called, as far as can be told without asking DNS."""
        try:
            self._outgoing.check(url)
        except TargetRefused as refused:
            raise Invalid.field("url", refused.detail, None if "@" in url else url) from None
        if len(self._store.webhooks(company)) >= MOST_WEBHOOKS:
            raise Invalid(f"{company} has {MOST_WEBHOOKS} webhooks, and no more can be: delete one first.")
        made = self._store.add_webhook(company, "whk_" + secrets.token_hex(8), url)
        return Shown(made, self.secret(made, made.generation))

    def rotate(self, company: str, name: str) -> Shown:
        """Begin the next secret; the one before goes on signing for a day."""
        rotated = self._store.rotate_webhook(company, name)
        if rotated is None:
            raise NotFound("webhook", name)
        return Shown(rotated, self.secret(rotated, rotated.generation))

    def remove_webhook(self, company: str, name: str) -> None:
        """Remove it; what waits for it is given up."""
        if not self._store.remove_webhook(company, name):
            raise NotFound("webhook", name)

    def try_webhook(self, company: str, name: str, now: int) -> tuple[Delivery, Event]:
        """Have a test event sent to one webhook, also to one that is disabled: an answer enables it."""
        if all(one.id != name for one in self._store.webhooks(company)):
            raise NotFound("webhook", name)
        told = event(company, "test", f"{name} {secrets.token_hex(4)}", now, {"webhook": name})
        told = replace(told, is_spread=True)
        return self._store.try_webhook(told, name), told

    def deliveries(self, company: str, before: str, limit: int) -> list[tuple[Delivery, Event]]:
        """The latest first, those before ``before``."""
        return self._store.deliveries(company, before, limit)

    def resend(self, company: str, name: str) -> tuple[Delivery, Event]:
        """Have a delivery tried again now, whatever came of it."""
        found = self._store.resend(company, name)
        if found is None:
            raise NotFound("delivery", name)
        return found

    def tell(self, events: Sequence[Event]) -> int:
        """Tell companies of what has come about outside of a batch; how many events are new."""
        return self._store.tell(events)

    def secret(self, webhook: Webhook, generation: int) -> str:
        """The secret of a generation: ``whsec_`` and base64, as Standard Webhooks has it."""
        if self._key is None:
            self._key = self._store.secret()
        name = f"{webhook.company}\n{webhook.id}\n{generation}".encode()
        digest = blake2b(name, key=self._key, digest_size=32, person=b"kvota webhooks").digest()
        return "whsec_" + b64encode(digest).decode()

    def live_secrets(self, webhook: Webhook, now: int) -> list[str]:
        """Those that sign at ``now``, the newest first."""
        live = [self.secret(webhook, webhook.generation)]
        if webhook.rotated_at is not None and now < webhook.rotated_at + OVERLAP:
            live.append(self.secret(webhook, webhook.generation - 1))
        return live
