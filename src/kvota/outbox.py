"""The contract of a store's outbox: what companies are told of, where to, and what has come of it.

Its instants are the database's own clock, also in a sandbox, whose clock stands still. Every method is one transaction
of its own; any number of processes may call any of them at once.
"""

from collections.abc import Sequence
from typing import Protocol

from kvota.core.notices import Delivery, Event, Notifications, Webhook
from kvota.records import Parcel, Tried


class Outbox(Protocol):
    """A part of ``kvota.store.Store``."""

    def notifications(self, company: str) -> Notifications:
        """What the company has set, or the defaults."""
        ...

    def put_notifications(self, settings: Notifications) -> None:
        """Set it. From the next batch of any process on its levels hold."""
        ...

    def webhooks(self, company: str) -> list[Webhook]:
        """By id."""
        ...

    def add_webhook(self, company: str, name: str, url: str) -> Webhook: ...

    def rotate_webhook(self, company: str, name: str) -> Webhook | None:
        """Begin its next generation of secrets; None where there is no such webhook."""
        ...

    def remove_webhook(self, company: str, name: str) -> bool:
        """Remove it; False where there is none. What waits for it fails."""
        ...

    def tell(self, events: Sequence[Event]) -> int:
        """Add events; one of the same company, period, kind and topic as one that is there is not added again.

        How many were added.
        """
        ...

    def told(self, companies: Sequence[str], since: int) -> list[Event]:
        """The events of these companies that came about at ``since`` or later, in no particular order."""
        ...

    def try_webhook(self, event: Event, webhook: str) -> Delivery:
        """Add an event for one webhook alone, and its delivery, due now."""
        ...

    def deliveries(self, company: str, before: str, limit: int) -> list[tuple[Delivery, Event]]:
        """With ids below ``before`` (all of them, where it is empty), the latest first."""
        ...

    def resend(self, company: str, name: str) -> tuple[Delivery, Event] | None:
        """Have a delivery tried again now, whatever came of it; None where there is none."""
        ...

    def has_work(self) -> bool:
        """Whether ``spread`` or ``take`` would find anything; reads only."""
        ...

    def spread(self, limit: int) -> int:
        """Make the deliveries of events that have none yet: to each webhook and address of their company.

        Of a kind that it does not want there are none; those to a disabled webhook have failed from the start. How many
        events were taken. No two processes take the same.
        """
        ...

    def take(self, lease: str, limit: int, milliseconds: int) -> list[Parcel]:
        """Take deliveries that are due, those that have waited longest; their attempts count from here on.

        Nobody else takes them for so long: what is not settled until then is due again.
        """
        ...

    def settle(self, tried: Sequence[Tried], patience: int) -> None:
        """Write down what came of what was taken; what somebody else has taken meanwhile stays his.

        A webhook that has failed for longer than ``patience`` milliseconds, or is gone, is disabled with its reason; a
        success enables it.
        """
        ...

    def lease(self, name: str, milliseconds: int) -> str | None:
        """Be the only one to do something for so long; how far it has come, or None where somebody else is at it."""
        ...

    def hand_back(self, name: str, milliseconds: int, cursor: str) -> None:
        """End a lease: the next one may begin in so long, where ``cursor`` says."""
        ...

    def expiring(self, until: int) -> list[tuple[str, str, int, int]]:
        """(company, boost, left, expires at) of the boosts with something left that expire before, and no event yet."""
        ...

    def spent(self, companies: Sequence[str], since: int, width: int) -> list[tuple[str, int, int]]:
        """(company, number of the span, requests) since then, by spans of so many milliseconds, without empty ones."""
        ...

    def forget_told(self, before: int) -> None:
        """Remove events that came about, and deliveries that were made, before; none that is on its way."""
        ...
