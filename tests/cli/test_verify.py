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


def test_heads_are_exported_and_a_store_of_an_earlier_day_is_found_against_them(used):
    store, earlier = used.folder / "kvota.db", used.folder / "earlier.db"
    assert "earlier.db" in used.ok("backup", "earlier.db").out
    used.ok("charge", "beta", "feed_text")
    assert used.ok("verify", "--export", "heads.jsonl").out == "2 companies, 5 entries: everything agrees.\n"
    assert used.ok("verify", "--against", "heads.jsonl").out == "2 companies, 5 entries: everything agrees.\n"
    ended = used("verify", "--against", "heads.jsonl", "--store", f"sqlite:///{earlier}", "--export", "never.jsonl")
    assert (ended.code, (used.folder / "never.jsonl").exists()) == (1, False)
    first, last = ended.out.splitlines()
    assert first.startswith("beta, entry 3: entries.seq: the ledger ends at entry 2, the exported head is entry 3 (")
    assert last == "2 companies, 4 entries: 1 findings."
    assert used("verify", "acme", "--against", "heads.jsonl", "--store", f"sqlite:///{earlier}").code == 0
    assert used("verify", "beta", "--against", "heads.jsonl", "--store", f"sqlite:///{earlier}").code == 1
    assert store.exists()


def test_a_file_of_heads_that_is_none_is_the_callers_mistake(used):
    (used.folder / "heads.jsonl").write_text("no heads\n")
    ended = used("verify", "--against", "heads.jsonl")
    assert (ended.code, "heads.jsonl, line 1:" in ended.err) == (2, True)


def test_a_damaged_balance_is_told_by_a_check_and_made_again(used):
    store = apsw.Connection(str(used.folder / "kvota.db"))
    store.execute("UPDATE accounts SET used = used + 1 WHERE company = 'acme'")
    store.execute("DELETE FROM statistics")
    store.close()
    ended = used("rebuild", "--check")
    assert ended.code == 1
    assert "acme: accounts.used: the account says 2, the entries give 1" in ended.out
    assert used("verify").code == 1
    assert used.ok("rebuild").out == "2 companies, 4 entries: made again.\n"
    assert used.ok("rebuild", "--check").out == "2 companies, 4 entries: nothing would change.\n"
    assert used.ok("verify", "--json").json["findings"] == []


def test_a_broken_ledger_is_not_rebuilt_from(used):
    store = apsw.Connection(str(used.folder / "kvota.db"))
    store.execute("UPDATE entries SET body = replace(body, 'anna', 'anne') WHERE company = 'acme'")
    store.close()
    ended = used("rebuild", "acme")
    assert (ended.code, ended.out.startswith("acme, entry 2: entries.user: ")) == (1, True)
    assert used("rebuild", "nobody").code == 2


def test_bytes_that_are_no_text_are_told_by_a_rebuild_and_nothing_is_changed(used):
    store = apsw.Connection(str(used.folder / "kvota.db"))
    store.execute("UPDATE entries SET body = CAST(x'ff' AS TEXT) WHERE company = 'acme' AND seq = 2")
    store.close()
    ended = used("rebuild")
    assert (ended.code, ended.err) == (1, "")
    assert "acme: " in ended.out
    assert "is no UTF-8" in ended.out
    assert "beta" not in ended.out


def test_a_backup_does_not_overwrite_and_needs_a_store(used):
    used.ok("backup", "copy.db")
    ended = used("backup", "copy.db")
    assert (ended.code, "copy.db already" in ended.err) == (2, True)
    assert used("backup", "nowhere/copy.db").code == 2
    assert used("backup", "other.db", "--store", "sqlite:///missing.db").code == 2
    assert sorted(one.name for one in used.folder.glob("*.db*")) == ["copy.db", "kvota.db"]


def test_postgresql_is_backed_up_by_its_own_tools(embedded):
    ended = embedded("backup", "copy.db", "--store", "postgresql://nobody@127.0.0.1:1/nothing")
    assert (ended.code, "pg_dump" in ended.err) == (2, True)


def test_a_company_that_is_not_there_is_the_callers_mistake(used):
    ended = used("verify", "nobody")
    assert (ended.code, "nobody" in ended.err) == (2, True)
