"""`kvota sign-in`: links that set a password once, and who may sign in."""

import re

import pytest

INVITED = ("sign-in", "invite", "ann@example.com", "--role", "admin", "--company", "acme")


@pytest.fixture
def kvota(embedded):
    embedded.ok("company", "create", "acme", "--name", "Acme", "--plan", "free", "--time-zone", "UTC")
    return embedded


def test_somebody_is_invited_listed_given_a_new_link_and_removed(kvota):
    link = kvota.ok(*INVITED).out.strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:8024/welcome\?token=\S{43}", link)
    again = kvota.with_settings(KVOTA_PUBLIC_URL="https://kvota.example/").ok("sign-in", "reset", "ann@example.com")
    assert again.out.startswith("https://kvota.example/welcome?token=")
    assert again.out.strip().rpartition("=")[2] != link.rpartition("=")[2]
    (one,) = kvota.ok("sign-in", "list", "acme", "--json").json["items"]
    assert (one["email"], one["role"], one["accepted"]) == ("ann@example.com", "admin", "no")
    assert kvota.ok("sign-in", "list", "--json").json["items"] == []
    kvota.ok("sign-in", "remove", "ann@example.com")
    assert kvota.ok("sign-in", "list", "acme", "--json").json["items"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sign-in", "invite", "ann@example.com", "--role", "admin", "--company", "beta"), "beta"),
        (("sign-in", "invite", "no address", "--role", "operator"), "e-mail address"),
        (("sign-in", "reset", "bob@example.com"), "Nobody signs in as 'bob@example.com'"),
        (("sign-in", "remove", "bob@example.com"), "Nobody signs in as 'bob@example.com'"),
    ],
)
def test_what_cannot_be_says_why(kvota, arguments, said):
    ended = kvota(*arguments)
    assert ended.code == 2
    assert said in ended.err
