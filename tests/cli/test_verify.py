"""`kvota verify`: clean where nothing was touched; what was touched is found, located, and exits 1."""

import apsw
import pytest


@pytest.fixture
def used(embedded):
    for name in ("acme", "beta"):
        embedded.ok("company", "create", name, "--name", name, "--plan", "basic")
        embedded.ok("charge", name, "feed_text", "--user", "anna")
    return embedded


def test_a_store_that_nobody_touched_agrees(used):
    assert used.ok("verify").out == "2 companies, 4 entries: everything agrees.\n"
    told = used.ok("verify", "acme", "--json").json
    assert (told["companies"], told["findings"]) == (1, [])


def test_a_changed_balance_is_found_and_exits_1(used):
    store = apsw.Connection(str(used.folder / "kvota.db"))
    table = "accounts"
    store.execute(f"UPDATE {table} SET used = used + 1 WHERE company = 'acme'")
    store.close()
    ended = used("verify")
    assert ended.code == 1
    assert "acme" in ended.out
    assert "used" in ended.out
    assert "beta" not in ended.out
    found = used("verify", "--json").json["findings"]
    assert {one["company"] for one in found} == {"acme"}
    assert used("verify", "beta").code == 0


def test_a_company_that_is_not_there_is_the_callers_mistake(used):
    ended = used("verify", "nobody")
    assert (ended.code, "nobody" in ended.err) == (2, True)
