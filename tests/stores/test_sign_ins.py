"""Who signs in, in the stores: one sign-in for an address, links that are used once, sessions that end."""

import threading
from typing import Any

from kvota.sign_ins import Link, Session, SignIn
from kvota.store import Store

ANN = SignIn(id="sgn_1", email="ann@example.com", role="admin", company="acme", created_at=1)


def session(name: str, owner: str = ANN.id, **fields: Any) -> Session:
    given = {"hash": f"hash of {name}", "name": "ann@example.com", "role": "admin", "company": "acme"}
    return Session(id=name, owner=owner, **(given | {"begun_at": 10, "seen_at": 10, "expires_at": 100} | fields))


def test_a_sign_in_is_found_by_its_address_and_its_id(store: Store, other: Store):
    assert store.add_sign_in(ANN)
    assert other.find_sign_in("ann@example.com") == ANN == other.sign_in("sgn_1")
    assert store.find_sign_in("bob@example.com") is store.sign_in("sgn_2") is None


def test_of_several_that_add_one_address_at_once_one_does(store: Store, other: Store):
    barrier, added = threading.Barrier(2), []

    def add(where: Store, name: str) -> None:
        for number in range(20):
            barrier.wait(60)
            one = SignIn(id=f"{name}{number}", email=f"{number}@example.com", role="operator")
            added.append(where.add_sign_in(one))

    threads = [threading.Thread(target=add, args=pair) for pair in ((store, "a"), (other, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert added.count(True) == added.count(False) == 20
    assert len(store.sign_ins(None, "", 100)) == 20


def test_pages_hold_one_company_or_the_operators(store: Store):
    for number, company in enumerate(["acme", "beta", "acme", None]):
        role = "operator" if company is None else "admin"
        store.add_sign_in(SignIn(id=f"sgn_{number}", email=f"{number}@example.com", role=role, company=company))
    assert [one.id for one in store.sign_ins("acme", "", 10)] == ["sgn_0", "sgn_2"]
    assert [one.id for one in store.sign_ins("acme", "sgn_0", 10)] == ["sgn_2"]
    assert [one.id for one in store.sign_ins("acme", "", 1)] == ["sgn_0"]
    assert [one.id for one in store.sign_ins(None, "", 10)] == ["sgn_3"]


def test_a_link_sets_a_password_once_and_ends_every_session(store: Store):
    store.add_sign_in(ANN)
    store.add_link(Link(hash="old", sign_in=ANN.id, kind="invitation", expires_at=50))
    store.add_link(Link(hash="new", sign_in=ANN.id, kind="reset", expires_at=60))
    assert store.find_link("old") is None, "a newer link ends the older"
    assert store.find_link("new") == Link(hash="new", sign_in=ANN.id, kind="reset", expires_at=60)
    store.add_session(session("ses_1"))
    assert not store.set_password("sgn_2", "hashed", "new")
    assert store.find_link("new") is not None, "a link of somebody else sets nothing, and stays"
    assert store.set_password(ANN.id, "hashed", "new")
    assert not store.set_password(ANN.id, "again", "new")
    found = store.sign_in(ANN.id)
    assert found is not None
    assert found.password == "hashed"
    assert store.sessions(ANN.id) == []


def test_sessions_are_found_seen_listed_and_ended_by_their_owner_alone(store: Store):
    first, second = session("ses_1", frame="https://portal.example", agent="Firefox"), session("ses_2")
    store.add_session(first)
    store.add_session(second)
    assert store.find_session("hash of ses_1") == first
    store.see_session("hash of ses_2", 20)
    assert [one.seen_at for one in store.sessions(ANN.id)] == [10, 20]
    assert not store.end_session("sgn_2", "ses_1")
    assert store.end_session(ANN.id, "ses_1")
    assert not store.end_session(ANN.id, "ses_1")
    assert store.find_session("hash of ses_1") is None


def test_a_new_session_removes_those_that_have_expired(store: Store):
    store.add_session(session("ses_1"))
    store.add_session(session("ses_2", begun_at=99))
    assert [one.id for one in store.sessions(ANN.id)] == ["ses_1", "ses_2"]
    store.add_session(session("ses_3", begun_at=100, expires_at=200))
    assert [one.id for one in store.sessions(ANN.id)] == ["ses_3"]


def test_who_is_removed_leaves_neither_links_nor_sessions(store: Store):
    store.add_sign_in(ANN)
    store.add_link(Link(hash="link", sign_in=ANN.id, kind="invitation", expires_at=50))
    store.add_session(session("ses_1"))
    assert store.remove_sign_in(ANN.id)
    assert not store.remove_sign_in(ANN.id)
    assert store.find_link("link") is store.find_session("hash of ses_1") is store.find_sign_in(ANN.email) is None
