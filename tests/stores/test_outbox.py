"""The outbox in the stores: told once, spread once, taken by one, settled by whoever holds it."""

import threading
from collections.abc import Callable

from kvota.core.notices import LEVELS, Notifications, event
from kvota.records import Tried
from kvota.store import Store
from tests.stores.making import NOW, account, boost, counted, load, save

MINUTE = 60_000
TEST = event("acme", "test", "1", NOW, {"a": 1})


def told(company: str = "acme", topic: str = "80% of 100", **more):
    return event(company, "package.threshold", topic, NOW, {"level": 80}, **more)


def ready(store: Store, *hooks: str, mail: tuple[str, ...] = ()) -> None:
    save(store, "accounts", created=[account("acme", locale="ru"), account("beta")])
    for name in hooks:
        store.add_webhook("acme", name, f"https://{name}.example/hook")
    store.put_notifications(Notifications(company="acme", mail=mail))


def all_at_once(count: int, act: Callable[[int], object]) -> None:
    barrier, problems = threading.Barrier(count), []

    def run(number: int) -> None:
        barrier.wait(60)
        try:
            act(number)
        except Exception as problem:  # noqa: BLE001 - told below
            problems.append(problem)

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert problems == []


def statuses(store: Store) -> list[tuple[str, str]]:
    return sorted((one.target, one.status) for one, _ in store.deliveries("acme", "", 100))


def test_settings_are_those_that_were_set_or_the_defaults(store: Store, other: Store):
    assert store.notifications("acme") == Notifications(company="acme")
    chosen = Notifications(company="acme", levels=(10, 90), kinds=("boost.expires",), mail=("a@example.com",))
    store.put_notifications(chosen)
    assert other.notifications("acme") == chosen
    assert other.notifications("beta").levels == LEVELS


def test_a_change_of_levels_is_seen_by_the_next_transaction_of_every_process(store: Store, other: Store):
    for count in range(3):
        with other.begin() as transaction, other.snapshot() as view:
            assert transaction.levels_version() == view.levels_version() == count
        store.put_notifications(Notifications(company="acme", levels=(count + 1,)))
    assert load(other, levels=["acme", "beta"]).levels == [("acme", (3,))]


def test_what_is_told_is_told_once_for_each_company_period_kind_and_topic(store: Store):
    assert store.tell([told(), told(period=5), told("beta"), told(topic="100% of 100")]) == 4
    assert store.tell([told(), told("beta"), told(topic="50% of 100")]) == 1
    save(store, "batch", events=[told(), told(topic="50% of 90")])
    found = store.told(["acme", "gamma"], NOW)
    assert sorted(one.topic for one in found) == ["100% of 100", "50% of 100", "50% of 90", "80% of 100", "80% of 100"]
    assert next(one for one in found if one == told()).data == {"level": 80}
    assert store.told(["acme"], NOW + 1) == []


def test_an_event_is_spread_once_to_each_target_whoever_spreads(store: Store, other: Store):
    ready(store, "one", "two", mail=("a@example.com",))
    events = [told(topic=f"{level}% of 100") for level in range(1, 21)]
    store.tell([*events, told("beta")])
    assert store.has_work()
    counts: list[int] = []
    all_at_once(4, lambda number: counts.extend((store, other)[number % 2].spread(3) for _ in range(10)))
    assert sum(counts) == 21
    made = store.deliveries("acme", "", 100)
    assert len(made) == 60
    assert {(one.target, event.id) for one, event in made} == {
        (target, one.id) for target in ("one", "two", "a@example.com") for one in events
    }
    assert store.deliveries("beta", "", 100) == []


def test_only_kinds_that_the_company_wants_are_spread(store: Store):
    ready(store, "one")
    store.put_notifications(Notifications(company="acme", kinds=("boost.expires",)))
    store.tell([told(), event("acme", "boost.expires", "bst_1", NOW, {})])
    assert store.spread(10) == 2
    assert [event.kind for _, event in store.deliveries("acme", "", 100)] == ["boost.expires"]
    assert not store.spread(10)


def test_a_delivery_is_taken_by_one_and_again_when_nothing_is_heard_of_him(store: Store, other: Store):
    ready(store, *(f"hook-{n}" for n in range(20)))
    store.tell([told()])
    store.spread(10)
    taken: list[str] = []

    def take(number: int) -> None:
        where = (store, other)[number % 2]
        for _ in range(10):
            taken.extend(parcel.delivery.target for parcel in where.take(f"lease-{number}", 2, 10 * MINUTE))

    all_at_once(4, take)
    assert sorted(taken) == sorted(f"hook-{n}" for n in range(20))
    assert not store.has_work()
    (parcel,) = [one for one in _again(store) if one.delivery.target == "hook-7"]
    assert parcel.delivery.attempts == 3  # the second try's taker was never heard of either
    assert (parcel.event, parcel.locale, parcel.name) == (parcel.event, "ru", "Name of acme")
    assert parcel.event.id == told().id
    assert parcel.webhook is not None
    assert parcel.webhook.url == "https://hook-7.example/hook"


def _again(store: Store):
    for one, _ in store.deliveries("acme", "", 100):
        store.resend("acme", one.id)
    for parcel in store.take("dead", 100, 0):  # a lease that is over at once
        assert parcel.delivery.attempts == 1
    store.take("dead too", 100, 0)
    return store.take("alive", 100, MINUTE)


def test_what_somebody_else_has_taken_meanwhile_stays_his(store: Store):
    ready(store, "one")
    store.tell([told()])
    store.spread(10)
    (late,) = store.take("late", 1, 0)
    (present,) = store.take("present", 1, MINUTE)
    store.settle([Tried(delivery=late.delivery, problem="late", wait=0)], MINUTE)
    assert statuses(store) == [("one", "waiting")]
    assert not store.has_work()
    store.settle([Tried(delivery=present.delivery, answer=204)], MINUTE)
    store.settle([Tried(delivery=present.delivery, problem="twice", wait=0)], MINUTE)
    ((done, _),) = store.deliveries("acme", "", 100)
    assert (done.status, done.answer, done.problem, done.next_at) == ("delivered", 204, None, None)
    assert done.finished_at is not None


def test_a_failed_attempt_waits_for_its_time_and_the_last_one_ends_it(store: Store):
    ready(store, "one")
    store.tell([told()])
    store.spread(10)
    for wait in (0, MINUTE):
        (parcel,) = store.take("me", 1, MINUTE)
        store.settle([Tried(delivery=parcel.delivery, answer=500, problem="it answered 500", wait=wait)], MINUTE)
    assert store.take("me", 1, MINUTE) == []
    ((waiting, _),) = store.deliveries("acme", "", 100)
    assert (waiting.status, waiting.answer, waiting.problem, waiting.attempts) == ("waiting", 500, "it answered 500", 2)
    found = store.resend("acme", waiting.id)
    assert found is not None
    assert found[1].id == told().id
    (parcel,) = store.take("me", 1, MINUTE)
    store.settle([Tried(delivery=parcel.delivery, problem="no answer")], MINUTE)
    assert statuses(store) == [("one", "failed")]
    assert store.resend("acme", "dlv_none") is None


def test_a_webhook_that_fails_for_too_long_is_disabled_and_a_success_enables_it(store: Store):
    ready(store, "one", "two")
    store.tell([told()])
    store.spread(10)
    first, second = store.take("me", 2, MINUTE)
    store.settle([Tried(delivery=one.delivery, problem="no answer", wait=0) for one in (first, second)], MINUTE)
    assert [hook.disabled_at for hook in store.webhooks("acme")] == [None, None]
    assert all(hook.failing_since for hook in store.webhooks("acme"))
    again = {one.delivery.target: one for one in store.take("me", 2, MINUTE)}
    store.settle([Tried(delivery=again["one"].delivery, problem="still no answer")], 0)
    store.settle([Tried(delivery=again["two"].delivery, answer=200)], 0)
    one, two = store.webhooks("acme")
    assert (one.disabled_because, two.disabled_because, two.failing_since) == ("still no answer", None, None)
    store.tell([told(topic="100% of 100")])
    store.spread(10)
    assert statuses(store) == [("one", "failed"), ("one", "failed"), ("two", "delivered"), ("two", "waiting")]
    ((failed, _),) = [
        row for row in store.deliveries("acme", "", 100) if row[0].attempts == 0 and row[0].target == "one"
    ]
    assert failed.problem == "the webhook is disabled: still no answer"
    store.resend("acme", failed.id)
    by_hand = next(one for one in store.take("me", 9, MINUTE) if one.delivery.target == "one")
    store.settle([Tried(delivery=by_hand.delivery, answer=200)], MINUTE)
    assert store.webhooks("acme")[0].disabled_at is None


def test_a_webhook_that_is_gone_is_disabled_at_once(store: Store):
    ready(store, "one")
    store.tell([told()])
    store.spread(10)
    (parcel,) = store.take("me", 1, MINUTE)
    store.settle([Tried(delivery=parcel.delivery, answer=410, problem="it is gone", gone=True)], 10 * MINUTE)
    assert store.webhooks("acme")[0].disabled_because == "it is gone"


def test_a_webhook_is_tried_alone_rotated_and_removed(store: Store):
    ready(store, "one", "two")
    made = store.try_webhook(TEST, "two")
    assert store.spread(10) == 0 or statuses(store) == [("two", "waiting")]
    assert (made.target, made.event) == ("two", TEST.id)
    hook = store.rotate_webhook("acme", "two")
    assert hook is not None
    assert (hook.generation, hook.rotated_at is None) == (2, False)
    assert store.rotate_webhook("beta", "two") is None
    assert store.remove_webhook("acme", "two")
    assert not store.remove_webhook("acme", "two")
    assert statuses(store) == [("two", "failed")]
    assert [hook.id for hook in store.webhooks("acme")] == ["one"]


def test_a_lease_is_one_process_s_until_it_is_over_or_handed_back(store: Store, other: Store):
    got: list[str | None] = []
    all_at_once(4, lambda number: got.append((store, other)[number % 2].lease("sweep", MINUTE)))
    assert sorted(got, key=str) == ["", None, None, None]
    store.hand_back("sweep", 0, "acme-7")
    assert other.lease("sweep", 0) == "acme-7"
    assert store.lease("sweep", MINUTE) == "acme-7"
    assert other.lease("sweep", MINUTE) is None
    assert other.lease("another", MINUTE) == ""


def test_boosts_that_expire_are_found_until_they_are_told(store: Store):
    soon = boost("bst_1", expires_at=NOW + 10)
    save(
        store,
        "boosts",
        boosts=[soon, boost("bst_2", expires_at=NOW + 99), boost("bst_3", expires_at=NOW + 5, used=10)],
    )
    assert store.expiring(NOW + 50) == [("acme", "bst_1", 10, NOW + 10)]
    store.tell([event("acme", "boost.expires", "bst_1", NOW, {})])
    assert store.expiring(NOW + 50) == []


def test_spending_is_summed_by_company_and_span(store: Store):
    save(store, "statistics", statistics=[counted(), counted(at=NOW + 900_000), counted(company="beta")])
    assert sorted(store.spent(["acme", "beta"], NOW, 900_000)) == [("acme", 0, 2), ("acme", 1, 2), ("beta", 0, 2)]
    assert store.spent(["acme"], NOW + 900_000, 900_000) == [("acme", 0, 2)]


def test_what_is_old_is_forgotten_and_nothing_that_is_on_its_way(store: Store):
    ready(store, "one")
    store.tell([told(), told("beta"), told(topic="100% of 100")])
    store.spread(10)
    (parcel,) = store.take("me", 1, MINUTE)
    store.settle([Tried(delivery=parcel.delivery, answer=200)], MINUTE)
    late = 9_999_999_999_999
    store.tell([told(topic="50% of 100")])
    store.forget_told(late)
    left = store.told(["acme", "beta"], 0)
    assert sorted(one.topic for one in left if one.is_spread) == sorted(
        event.topic for one, event in store.deliveries("acme", "", 9)
    )
    assert [one.topic for one in left if not one.is_spread] == ["50% of 100"]
    assert statuses(store) == [("one", "waiting")]
