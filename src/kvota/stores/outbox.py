"""The outbox of a store, the same for both databases (the contract is ``kvota.outbox``)."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Literal

from msgspec.structs import replace

from kvota.core.notices import Delivery, Event, Notifications, Webhook
from kvota.records import Parcel, Tried
from kvota.stores import outbox_sql as sql
from kvota.stores.batches import Session, Statement
from kvota.stores.registry import Registry
from kvota.stores.rows import DELIVERIES, EVENTS, NOTIFICATIONS, WEBHOOKS, Row, document


class OutboxRegistry(Registry):
    """The part of a store that tells companies what they want to know."""

    def notifications(self, company: str) -> Notifications:
        rows = self._ask(sql.NOTIFICATIONS, company)
        return NOTIFICATIONS.read(rows[0]) if rows else Notifications(company=company)

    def put_notifications(self, settings: Notifications) -> None:
        with self._writing() as session:
            session.run([Statement(self._dialect.upsert(NOTIFICATIONS), [document([settings])])])
            self._run(session, sql.LEVELS_CHANGED)

    def webhooks(self, company: str) -> list[Webhook]:
        return [WEBHOOKS.read(row) for row in self._ask(sql.WEBHOOKS, company)]

    def add_webhook(self, company: str, name: str, url: str) -> Webhook:
        with self._writing() as session:
            return WEBHOOKS.read(self._run(session, sql.ADD_WEBHOOK, company, name, url)[0])

    def rotate_webhook(self, company: str, name: str) -> Webhook | None:
        with self._writing() as session:
            rows = self._run(session, sql.ROTATE_WEBHOOK, company, name)
        return WEBHOOKS.read(rows[0]) if rows else None

    def remove_webhook(self, company: str, name: str) -> bool:
        with self._writing() as session:
            self._run(session, sql.GIVE_UP_WEBHOOK, company, name)
            return bool(self._run(session, sql.REMOVE_WEBHOOK, company, name))

    def tell(self, events: Sequence[Event]) -> int:
        with self._writing() as session:
            return self._tell(session, events)

    def _tell(self, session: Session, events: Sequence[Event]) -> int:
        text = self._dialect.insert(EVENTS) + sql.ONCE + " RETURNING id"
        return len(session.run([Statement(text, [document(events)])])[0]) if events else 0

    def told(self, companies: Sequence[str], since: int) -> list[Event]:
        rows = self._ask(self._dialect.looked_up(sql.TOLD), document([(name, since) for name in companies]))
        return [EVENTS.read(row) for row in rows]

    def try_webhook(self, event: Event, webhook: str) -> Delivery:
        with self._writing() as session:
            self._tell(session, [event])
            (now,) = self._run(session, sql.NOW)[0]
            made = _delivery(event, "webhook", webhook, now)
            session.run([Statement(self._dialect.insert(DELIVERIES), [document([made])])])
            return made

    def deliveries(self, company: str, before: str, limit: int) -> list[tuple[Delivery, Event]]:
        with self._reading() as session:
            rows = self._run(session, sql.DELIVERIES, company, before or sql.LATEST, limit)
            return self._with_events(session, [DELIVERIES.read(row) for row in rows])

    def _with_events(self, session: Session, found: Sequence[Delivery]) -> list[tuple[Delivery, Event]]:
        rows = self._look(session, sql.EVENTS, [(one.company, one.event) for one in found])
        events = {(one.company, one.id): one for one in map(EVENTS.read, rows)}
        return [(one, events[one.company, one.event]) for one in found]

    def _look(self, session: Session, lookup: sql.Lookup, wanted: Iterable[object]) -> list[Row]:
        return self._run(session, self._dialect.looked_up(lookup), document(list(dict.fromkeys(wanted))))

    def resend(self, company: str, name: str) -> tuple[Delivery, Event] | None:
        with self._writing() as session:
            rows = self._run(session, sql.RESEND, company, name)
            return self._with_events(session, [DELIVERIES.read(row) for row in rows])[0] if rows else None

    def has_work(self) -> bool:
        return bool(self._ask(sql.HAS_WORK)[0][0])

    def spread(self, limit: int) -> int:
        with self._writing() as session:
            events = [EVENTS.read(row) for row in self._run(session, sql.TAKE_EVENTS, limit)]
            if not events:
                return 0
            companies = [(one.company,) for one in events]
            settings = {one.company: one for one in map(NOTIFICATIONS.read, self._look(session, sql.SET, companies))}
            hooks = [WEBHOOKS.read(row) for row in self._look(session, sql.HOOKS, companies)]
            (now,) = self._run(session, sql.NOW)[0]
            made = [
                delivery
                for one in events
                for delivery in _deliveries(
                    one, settings.get(one.company) or Notifications(company=one.company), hooks, now
                )
            ]
            if made:
                session.run([Statement(self._dialect.insert(DELIVERIES), [document(made)])])
            return len(events)

    def take(self, lease: str, limit: int, milliseconds: int) -> list[Parcel]:
        with self._writing() as session:
            found = [DELIVERIES.read(row) for row in self._run(session, sql.TAKE, lease, milliseconds, limit)]
            told = self._with_events(session, found)
            companies = [(one.company,) for one in found]
            hooks = {
                (one.company, one.id): one for one in map(WEBHOOKS.read, self._look(session, sql.HOOKS, companies))
            }
            names = {company: (locale, name) for company, locale, name in self._look(session, sql.NAMES, companies)}
        return [
            Parcel(
                delivery=one,
                event=event,
                webhook=hooks.get((one.company, one.target)),
                locale=names[one.company][0],
                name=names[one.company][1],
            )
            for one, event in told
        ]

    def settle(self, tried: Sequence[Tried], patience: int) -> None:
        with self._writing() as session:
            for one in tried:
                self._settle(session, one, patience)

    def _settle(self, session: Session, one: Tried, patience: int) -> None:
        delivery = one.delivery
        key = (delivery.company, delivery.id, delivery.lease)
        if one.problem is None:
            done = self._run(session, sql.DELIVERED, one.answer, *key)
        elif one.wait is None:
            done = self._run(session, sql.FAILED, one.answer, one.problem, *key)
        else:
            done = self._run(session, sql.WAITING, one.wait, one.answer, one.problem, *key)
        if not done or delivery.channel != "webhook":
            return
        hook = (delivery.company, delivery.target)
        if one.problem is None:
            self._run(session, sql.WELL, *hook)
        else:
            self._run(session, sql.UNWELL, *hook)
            self._run(session, sql.DISABLE, one.problem, *hook, 0 if one.gone else patience)

    def lease(self, name: str, milliseconds: int) -> str | None:
        with self._writing() as session:
            rows = self._run(session, sql.LEASE, name, milliseconds)
        return rows[0][0] if rows else None

    def hand_back(self, name: str, milliseconds: int, cursor: str) -> None:
        with self._writing() as session:
            self._run(session, sql.HAND_BACK, milliseconds, cursor, name)

    def expiring(self, until: int) -> list[tuple[str, str, int, int]]:
        return [(company, name, left, at) for company, name, left, at in self._ask(sql.EXPIRING, until)]

    def spent(self, companies: Sequence[str], since: int, width: int) -> list[tuple[str, int, int]]:
        text = self._dialect.looked_up(sql.SPENT) + " GROUP BY 1, 2"
        wanted = document([(name, since, width) for name in companies])
        return [(company, span, requests) for company, span, requests in self._ask(text, wanted)]

    def forget_told(self, before: int) -> None:
        with self._writing() as session:
            self._run(session, sql.FORGET_DELIVERIES, before)
            self._run(session, sql.FORGET_EVENTS, before)


def _delivery(event: Event, channel: Literal["webhook", "mail"], target: str, now: int) -> Delivery:
    digest = blake2b(f"{event.company}\n{event.id}\n{channel}\n{target}".encode(), digest_size=6).hexdigest()
    return Delivery(
        company=event.company,
        id=f"dlv_{now:014d}{digest}",
        event=event.id,
        channel=channel,
        target=target,
        made_at=now,
        next_at=now,
    )


def _deliveries(event: Event, settings: Notifications, hooks: Iterable[Webhook], now: int) -> Iterable[Delivery]:
    if event.kind not in settings.kinds:
        return
    for hook in (one for one in hooks if one.company == event.company):
        made = _delivery(event, "webhook", hook.id, now)
        if hook.disabled_at is not None:
            problem = f"the webhook is disabled: {hook.disabled_because}"
            made = replace(made, status="failed", next_at=None, finished_at=now, problem=problem)
        yield made
    for address in settings.mail:
        yield _delivery(event, "mail", address, now)
