"""Signing in: invitations, passwords, sessions, and what is left of them in the store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kvota.access import LINK_LIFE, SESSION_LIFE, SESSION_REST, Access, visitor_of
from kvota.errors import Invalid, NotFound
from kvota.stores import open_store

PASSWORD = "correct horse battery"


class Clock:
    now = 1_796_000_400_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(sqlite_url: str, clock: Clock) -> Iterator[Access]:
    store = open_store(sqlite_url)
    store.migrate()
    try:
        yield Access(store, clock=clock)
    finally:
        store.close()


def invited(access: Access, email: str = "ann@example.com") -> str:
    return access.invite(email=email, role="admin", company="acme")[1]


def test_an_invitation_sets_a_password_that_then_signs_in(access: Access):
    token = invited(access)
    assert access.opened(token)[1] == "invitation"
    assert access.by_password("ann@example.com", PASSWORD) is None
    access.use_link(token, PASSWORD)
    found = access.by_password(" Ann@Example.com ", PASSWORD)
    assert found is not None
    assert (found.role, found.company) == ("admin", "acme")
    assert access.by_password("ann@example.com", PASSWORD + "!") is None
    with pytest.raises(NotFound):
        access.use_link(token, "another password")


def test_a_link_ends_at_its_hour(access: Access, clock: Clock):
    token = invited(access)
    clock.now += LINK_LIFE["invitation"] - 1
    access.opened(token)
    clock.now += 1
    with pytest.raises(NotFound):
        access.use_link(token, PASSWORD)


def test_a_password_that_will_not_do_leaves_the_link(access: Access):
    token = invited(access)
    for password in ("short", "x" * 201, "ann@example.com"):
        with pytest.raises(Invalid, match="password"):
            access.use_link(token, password)
    access.use_link(token, PASSWORD)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("email", {"email": "no address", "role": "operator"}),
        ("role", {"email": "a@example.com", "role": "king"}),
        ("company", {"email": "a@example.com", "role": "admin"}),
        ("company", {"email": "a@example.com", "role": "operator", "company": "acme"}),
        ("user", {"email": "a@example.com", "role": "member", "company": "acme"}),
        ("user", {"email": "a@example.com", "role": "member", "company": "acme", "user": "no id"}),
        ("email", {"email": "ANN@example.com", "role": "operator"}),
    ],
)
def test_an_invitation_that_makes_no_sense_names_the_field(access: Access, field: str, given: dict):
    invited(access)
    with pytest.raises(Invalid) as raised:
        access.invite(**given)
    assert [one.field for one in raised.value.errors] == [field]


def test_a_session_is_its_secret_s_alone_and_rests_at_most_a_week(access: Access, clock: Clock):
    visitor = visitor_of(access.use_link(invited(access), PASSWORD))
    session, secret = access.begin(visitor, "Firefox")
    assert access.session(secret) == session
    assert access.session(secret + "x") is None
    clock.now += SESSION_REST - 1
    assert access.session(secret) is not None, "and this was a use"
    clock.now += SESSION_REST - 1
    assert access.session(secret) is not None
    clock.now += SESSION_REST
    assert access.session(secret) is None
    assert access.sessions(visitor.owner) == []


def test_a_session_ends_after_a_month_of_daily_use(access: Access, clock: Clock):
    session, secret = access.begin(visitor_of(access.use_link(invited(access), PASSWORD)))
    while clock.now + SESSION_REST // 7 < session.begun_at + SESSION_LIFE:
        clock.now += SESSION_REST // 7
        assert access.session(secret) is not None
    clock.now = session.begun_at + SESSION_LIFE
    assert access.session(secret) is None


def test_a_new_password_ends_every_session(access: Access):
    one = access.use_link(invited(access), PASSWORD)
    _, secret = access.begin(visitor_of(one))
    access.use_link(access.link(one), PASSWORD + "!")
    assert access.session(secret) is None


def test_a_token_is_for_one_purpose_and_one_secret(access: Access):
    assert access.is_token("form", "secret", access.token("form", "secret"))
    assert not access.is_token("form", "secret", access.token("session", "secret"))
    assert not access.is_token("form", "other", access.token("form", "secret"))
    assert not access.is_token("form", "secret", "ключ")


def test_nothing_secret_lies_in_the_store_or_in_a_representation(access: Access, sqlite_url: str):
    token = invited(access)
    one = access.use_link(token, PASSWORD)
    _, secret = access.begin(visitor_of(one))
    again = access.link(one)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    content = path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()
    assert b"ann@example.com" in content
    for what in (token, again, secret, PASSWORD):
        assert what.encode() not in content
    assert "argon2" not in repr(access.find("ann@example.com"))
