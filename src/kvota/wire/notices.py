"""Notifications as JSON: what is set, the webhooks, and what came of each delivery."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from kvota.core import notices as core
from kvota.core.notices import KINDS, LEVELS, Event, Kind
from kvota.core.periods import instant
from kvota.wire.fields import PRINTABLE_PATTERN, Email, Instant
from kvota.wire.replies import Reply
from kvota.wire.requests import Request

MOST = 20
Told = Literal["package.threshold", "forecast.runs_out", "boost.expires", "usage.unusual", "appeal.made"]
Percent = Annotated[int, Meta(ge=1, le=100)]
Url = Annotated[str, Meta(min_length=1, max_length=2000, pattern=PRINTABLE_PATTERN)]


class NotificationsRequest(Request, frozen=True, kw_only=True):
    """Absent: stays as it is. ``null`` sets the default: 50, 80 and 100 %, every kind, no mail."""

    levels: Annotated[tuple[Percent, ...], Meta(max_length=MOST)] | UnsetType | None = UNSET
    kinds: Annotated[tuple[Told, ...], Meta(max_length=MOST)] | UnsetType | None = UNSET
    mail: Annotated[tuple[Email, ...], Meta(max_length=MOST)] | UnsetType | None = UNSET


class WebhookRequest(Request, frozen=True, kw_only=True):
    url: Url


class Notifications(Reply, frozen=True, kw_only=True):
    """``levels``: percent of the package at whose crossing the company is told."""

    levels: list[int]
    kinds: list[Told]
    mail: list[str]


class Webhook(Reply, frozen=True, kw_only=True):
    """While it is disabled nothing is sent but by hand; a success enables it."""

    id: str
    url: str
    created_at: Instant
    rotated_at: Instant | None
    failing_since: Instant | None
    disabled_at: Instant | None
    disabled_because: str | None


class NewWebhook(Reply, frozen=True, kw_only=True):
    """``secret`` verifies its signatures; it is shown this once."""

    id: str
    url: str
    secret: str


class Delivery(Reply, frozen=True, kw_only=True):
    """An event on its way to one target. ``event`` is its ``webhook-id``, ``answer`` the last try's HTTP status."""

    id: str
    event: str
    kind: Kind
    at: Instant
    channel: Literal["webhook", "mail"]
    target: str
    status: Literal["waiting", "delivered", "failed"]
    attempts: int
    next_at: Instant | None
    finished_at: Instant | None
    answer: int | None
    problem: str | None


def changed(settings: core.Notifications, request: NotificationsRequest) -> core.Notifications:
    """The settings with what the request says; each level, kind and address once."""
    levels = settings.levels if request.levels is UNSET else LEVELS if request.levels is None else request.levels
    kinds = settings.kinds if request.kinds is UNSET else KINDS if request.kinds is None else request.kinds
    mail = settings.mail if request.mail is UNSET else request.mail or ()
    return core.Notifications(
        company=settings.company,
        levels=tuple(sorted(set(levels))),
        kinds=tuple(kind for kind in KINDS if kind in kinds),
        mail=tuple(dict.fromkeys(mail)),
    )


def notifications(settings: core.Notifications) -> Notifications:
    """What is set."""
    kinds: list[Told] = [kind for kind in settings.kinds if kind != "test"]
    return Notifications(levels=list(settings.levels), kinds=kinds, mail=list(settings.mail))


def webhook(one: core.Webhook) -> Webhook:
    """One webhook, without its secret."""
    return Webhook(
        id=one.id,
        url=one.url,
        created_at=instant(one.created_at),
        rotated_at=_at(one.rotated_at),
        failing_since=_at(one.failing_since),
        disabled_at=_at(one.disabled_at),
        disabled_because=one.disabled_because,
    )


def delivery(row: core.Delivery, event: Event) -> Delivery:
    """One line of the log."""
    return Delivery(
        id=row.id,
        event=event.id,
        kind=event.kind,
        at=instant(event.at),
        channel=row.channel,
        target=row.target,
        status=row.status,
        attempts=row.attempts,
        next_at=_at(row.next_at),
        finished_at=_at(row.finished_at),
        answer=row.answer,
        problem=row.problem,
    )


def _at(at: int | None) -> Instant | None:
    return None if at is None else instant(at)
