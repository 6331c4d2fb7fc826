"""Appeals in the stores: one open for each person, whoever asks at once, and none is answered twice."""

import threading

from kvota.core.appeals import Appeal
from kvota.store import Store


def asked(name: str, user: str = "ann", text: str = "more", company: str = "acme") -> Appeal:
    return Appeal(company=company, id=name, user=user, text=text, wanted=5, asked_at=7)


def at_once(*calls) -> None:
    barrier = threading.Barrier(len(calls))

    def run(call) -> None:
        barrier.wait(60)
        call()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def closed(store: Store, name: str, status: str = "refused", **more: object) -> Appeal | None:
    given = {"at": 9, "by": "key_1", "answer": None, "set_cap": None, "order": None, **more}
    return store.close_appeal("acme", name, status=status, **given)


def test_two_that_ask_at_once_have_one_open_appeal(store: Store, other: Store):
    for number in range(10):
        user, found = f"u{number}", []
        at_once(
            lambda user=user, found=found: found.append(store.put_appeal(asked(f"a{user}", user))),
            lambda user=user, found=found: found.append(other.put_appeal(asked(f"b{user}", user))),
        )
        assert len({one.id for one in found}) == 1
    with store.snapshot() as view:
        assert len(view.appeals("acme", "open", None, "", 100)) == 10


def test_one_that_is_open_says_what_was_said_last_and_keeps_its_age(store: Store):
    first = store.put_appeal(asked("a1"))
    again = store.put_appeal(Appeal(company="acme", id="a2", user="ann", text="please", asked_at=8))
    assert (again.id, again.asked_at, again.text, again.wanted) == (first.id, 7, "please", None)


def test_of_two_answers_at_once_one_stands(store: Store, other: Store):
    store.put_appeal(asked("a1"))
    found: list[Appeal | None] = []
    at_once(
        lambda: found.append(closed(store, "a1", "granted", set_cap="a1")),
        lambda: found.append(closed(other, "a1")),
    )
    assert len(found) == 2
    assert found[0] == found[1]
    with store.snapshot() as view:
        assert view.appeal("acme", "a1") == found[0]


def test_they_are_listed_by_status_and_user_in_their_company(store: Store):
    for name, user, company in (("a1", "ann", "acme"), ("a2", "bob", "acme"), ("a3", "ann", "beta")):
        store.put_appeal(asked(name, user, company=company))
    closed(store, "a1")
    with store.snapshot() as view:
        assert [one.id for one in view.appeals("acme", None, None, "", 10)] == ["a1", "a2"]
        assert [one.id for one in view.appeals("acme", None, None, "a1", 10)] == ["a2"]
        assert [one.id for one in view.appeals("acme", "refused", "ann", "", 10)] == ["a1"]
        assert view.appeals("acme", "open", "ann", "", 10) == []
        assert view.appeal("acme", "a3") is None
    assert closed(store, "nothing") is None


def test_erasing_a_person_erases_his_appeals_also_where_he_is_in_no_directory(store: Store):
    store.put_appeal(asked("a1"))
    store.put_appeal(asked("a2", company="beta"))
    assert store.erase_person("acme", "ann")
    assert not store.erase_person("acme", "ann")
    with store.snapshot() as view:
        assert (view.appeal("acme", "a1"), view.appeal("beta", "a2") is not None) == (None, True)


def test_a_new_one_is_told_once_and_without_what_is_personal(store: Store):
    store.put_appeal(asked("a1", text="Personal words"))
    store.put_appeal(asked("a2", text="Said again"))
    told = store.told(["acme"], 0)
    assert {one.kind for one in told} == {"appeal.made"}
    assert [(one.company, one.topic, one.data["user"], one.data["wanted"]) for one in told] == [
        ("acme", "a1", "ann", 5)
    ]
    assert "ersonal" not in str(told[0].data)
