"""Every command once, on a store of its own and through a server: what it does, its JSON, its exit code."""

from pathlib import Path

import httpx2

import kvota.catalogues
from tests.cli.processes import OPERATOR_KEY

SHIPPED = Path(kvota.catalogues.__file__).parent / "bitrix24.toml"


def balance(kvota, company):
    return kvota.ok("balance", company, "--json").json


def test_a_company_is_created_shown_listed_and_changed(kvota, acme):
    shown = kvota.ok("company", "show", acme, "--json").json
    assert (shown["id"], shown["plan"], shown["time_zone"]) == (acme, "basic", "Europe/Moscow")
    kvota.ok("company", "set", acme, "--allowance-override", "500", "--tool-off", "sites", "--tool-off", "crm")
    changed = kvota.ok("company", "show", acme, "--json").json
    assert (changed["allowance_override"], sorted(changed["tools_off"])) == (500, ["crm", "sites"])
    kvota.ok("company", "set", acme, "--no-allowance-override", "--all-tools-on", "--require-user")
    cleared = kvota.ok("company", "show", acme, "--json").json
    assert (cleared["allowance_override"], cleared["tools_off"], cleared["require_user"]) == (None, [], True)
    assert acme in [one["id"] for one in kvota.ok("company", "list", "--json").json["items"]]
    assert acme in kvota.ok("company", "list").out


def test_creating_a_company_twice_changes_nothing_and_says_how_to_change_it(kvota, acme):
    again = kvota("company", "create", acme, "--name", "Other", "--plan", "free")
    assert again.code == 2
    assert "company set" in again.err
    assert kvota.ok("company", "show", acme, "--json").json["plan"] == "basic"


def test_a_suspended_company_is_declined_until_it_is_resumed(kvota, acme):
    assert kvota.ok("company", "suspend", acme, "--reason", "overdue").out == f"Suspended: {acme}\n"
    declined = kvota("charge", acme, "feed_text", "--json")
    assert (declined.code, declined.json["reason"]) == (1, "company_suspended")
    kvota.ok("company", "resume", acme)
    kvota.ok("charge", acme, "feed_text")


def test_a_plan_is_previewed_scheduled_dropped_and_changed(kvota, acme):
    preview = kvota.ok("plan", "change", acme, "standard", "--dry-run", "--json").json
    assert (preview["from"], preview["to"], preview["after"]["available"]) == ("basic", "standard", 500)
    assert balance(kvota, acme)["plan"] == "basic"
    kvota.ok("plan", "change", acme, "free", "--next-period")
    assert balance(kvota, acme)["scheduled_plan"] == "free"
    assert "free" in kvota.ok("plan", "show", acme).out
    kvota.ok("plan", "drop-scheduled", acme)
    assert kvota("plan", "drop-scheduled", acme).code == 2
    assert "100 -> 500" in kvota.ok("plan", "change", acme, "standard").out
    assert balance(kvota, acme)["plan"] == "standard"


def test_a_key_is_made_listed_and_revoked(kvota, acme):
    made = kvota.ok(
        "key", "create", acme, "--role", "app", "--label", "our CRM", "--action", "feed_text", "--json"
    ).json
    assert (made["role"], made["label"], made["actions"]) == ("app", "our CRM", ["feed_text"])
    assert made["key"].startswith("kv_")
    listed = kvota.ok("key", "list", acme, "--json").json["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert made["key"] not in kvota.ok("key", "list", acme).out
    assert "shown this once" in kvota.ok("key", "create", acme, "--role", "member", "--user", "anna").err
    kvota.ok("key", "revoke", acme, made["id"])
    assert made["id"] not in kvota.ok("key", "list", acme).out


def test_the_directory_is_kept_and_a_person_erased(kvota, acme):
    added = kvota.ok(
        "user", "put", acme, "anna", "--name", "Anna", "--email", "a@b.ru", "--department", "sales", "--json"
    )
    assert added.json == {"id": "anna", "name": "Anna", "email": "a@b.ru", "department": "sales"}
    assert kvota.ok("charge", acme, "feed_text", "--user", "anna", "--json").json["department"] == "sales"
    assert kvota.ok("user", "put", acme, "anna", "--no-email", "--no-department", "--json").json["email"] is None
    assert kvota("user", "put", acme, "anna", "--no-name", "--name", "x").code == 2
    assert "Anna" in kvota.ok("user", "show", acme, "anna").out
    assert "Anna" in kvota.ok("user", "list", acme).out
    assert kvota.ok("user", "erase", acme, "anna").out == "Erased: anna\n"
    assert "Anna" not in kvota.ok("user", "list", acme).out
    assert kvota("user", "erase", acme, "anna").code == 2


def test_a_quote_tells_the_cost_and_changes_nothing(kvota, acme):
    quote = kvota.ok("quote", acme, "site_creation", "--quantity", "images=3", "--json").json
    assert (quote["approved"], quote["cost"], quote["paid_by"]) == (True, 6, {"allowance": 6, "boosts": []})
    assert "would cost 6" in kvota.ok("quote", acme, "site_creation", "-q", "images=3").out
    assert balance(kvota, acme)["available"] == 100


def test_a_charge_is_made_once_for_its_key(kvota, acme):
    call = ("charge", acme, "crm_call_processing", "--subject", "call:1", "--user", "anna", "--department", "sales",
            "--measure", "tokens=5", "--idempotency-key", "k1")  # fmt: skip
    first, again = kvota.ok(*call, "--json"), kvota.ok(*call, "--json")
    assert first.json == again.json
    assert (first.json["cost"], first.json["department"]) == (3, "sales")
    assert balance(kvota, acme)["available"] == 97
    assert "Charged: chg_" in kvota.ok("charge", acme, "follow_up", "--stage", "summary", "-q", "participants=2").out
    assert balance(kvota, acme)["available"] == 96


def test_a_hold_is_captured_at_its_true_cost_or_voided(kvota, acme):
    held = kvota.ok("hold", acme, "site_creation", "--ttl", "60", "--json").json
    assert (held["status"], held["held"]) == ("open", 25)
    captured = kvota.ok("capture", acme, held["id"], "--quantity", "images=3", "--json").json
    assert (captured["status"], captured["cost"], captured["returned"]) == ("captured", 6, 19)
    other = kvota.ok("hold", acme, "feed_text", "--json").json["id"]
    assert "Void: " in kvota.ok("void", acme, other).out
    closed = kvota("capture", acme, other)
    assert (closed.code, closed.out) == (2, "")
    assert balance(kvota, acme)["available"] == 94


def test_a_capture_that_draws_no_more_than_held_writes_the_rest_off(kvota, acme):
    held = kvota.ok("hold", acme, "site_creation", "-q", "images=1", "--json").json["id"]
    captured = kvota.ok("capture", acme, held, "-q", "images=9", "--at-most-held", "--json").json
    assert (captured["cost"], captured["written_off"]) == (5, 7)


def test_a_decline_exits_1_and_names_the_ways_out(kvota, acme):
    kvota.ok("charge", acme, "site_creation", "-q", "images=20")
    kvota.ok("company", "set", acme, "--allowance-override", "25")
    for command in ("charge", "hold", "quote"):
        declined = kvota(command, acme, "site_creation", "-q", "images=20")
        assert declined.code == 1, declined
        assert "insufficient_requests" in declined.out
        assert "boost_100" in declined.out
        assert declined.err == ""
    declined = kvota("charge", acme, "site_creation", "-q", "images=20", "--json")
    assert (declined.code, declined.json["reason"], declined.json["short_by"]) == (1, "insufficient_requests", 21)
    quote = kvota("quote", acme, "site_creation", "-q", "images=20", "--json")
    assert (quote.code, quote.json["approved"], quote.json["decline"]["cost"]) == (1, False, 23)


def test_the_balance_shows_what_there_is(kvota, acme):
    kvota.ok("charge", acme, "feed_text")
    shown = kvota.ok("balance", acme).out
    assert "99 of 100 left (active)" in shown
    assert "Europe/Moscow" in shown
    told = balance(kvota, acme)
    assert (told["company"], told["allowance"]["used"], told["hourly"]["used"]) == (acme, 1, 1)


def test_usage_is_grouped_and_totalled(kvota, acme):
    kvota.ok("charge", acme, "feed_text", "--user", "anna")
    kvota.ok("charge", acme, "site_block_update", "-q", "images=2", "--user", "boris")
    told = kvota.ok("usage", acme, "--by", "tool,user", "--json").json
    assert [(row["tool"], row["user"], row["requests"]) for row in told["rows"]] == [
        ("feed", "anna", 1),
        ("sites", "boris", 3),
    ]
    assert told["total"]["requests"] == 4
    shown = kvota.ok("usage", acme, "--by", "tool").out.splitlines()
    assert shown[-1].split() == ["total", "2", "4", "0", "0"]
    assert "Nothing was used" in kvota.ok("usage", acme, "--from", "2026-01-01", "--to", "2026-01-02").err


def test_entries_are_listed_and_filtered(kvota, acme):
    kvota.ok("charge", acme, "feed_text", "--user", "anna")
    kvota.ok("charge", acme, "mail_text", "--user", "boris")
    told = kvota.ok("entries", acme, "--kind", "charged", "--user", "boris", "--json").json
    assert [(one["kind"], one["user"], one["cost"]) for one in told["items"]] == [("charged", "boris", 1)]
    first = kvota.ok("entries", acme, "--limit", "1")
    assert "company_created" in first.out
    assert "--after 1" in first.err


def test_entries_are_written_to_a_file_whole_or_not_at_all(kvota, acme):
    kvota.ok("charge", acme, "feed_text", "--user", "anna")
    text, book = kvota.folder / "entries.csv", kvota.folder / "entries.xlsx"
    assert kvota.ok("entries", acme, "--kind", "charged", "--csv", str(text)).out == f"Written: {text}\n"
    lines = text.read_text(encoding="utf-8-sig").splitlines()
    assert (len(lines), lines[0][:15], ",anna," in lines[1]) == (2, "company,seq,at,", True)
    kvota.ok("entries", acme, "--xlsx", str(book))
    assert book.read_bytes().startswith(b"PK")
    for wrong in (("nobody",), (acme, "--kind", "x"), (acme, "--xlsx", str(book))):
        assert kvota("entries", *wrong, "--csv", str(kvota.folder / "new.csv")).code == 2
    assert kvota("entries", acme, "--csv", str(kvota.folder / "no" / "folder.csv")).code == 2
    assert not list(kvota.folder.glob("new*")) + list(kvota.folder.glob("*.part"))


def test_a_boost_is_added_listed_and_revoked(kvota, acme):
    added = kvota.ok("boost", "add", acme, "boost_100", "--json").json
    assert (added["boost"], added["remaining"]) == ("boost_100", 100)
    kvota.ok("boost", "add", acme, "--amount", "7", "--expires-at", "2099-01-01T00:00:00Z", "--reason", "thanks")
    assert [one["amount"] for one in kvota.ok("boost", "list", acme, "--json").json["items"]] == [100, 7]
    kvota.ok("boost", "revoke", acme, added["id"])
    assert [one["amount"] for one in kvota.ok("boost", "list", acme, "--json").json["items"]] == [7]
    assert "2099-01-01" in kvota.ok("boost", "list", acme).out


def test_an_order_is_placed_confirmed_once_or_dropped(kvota, acme):
    placed = kvota.ok("order", "place", acme, "boost_100", "--json").json
    assert placed["status"] == "pending"
    for _ in range(2):
        paid = kvota.ok("order", "confirm", acme, placed["id"], "--reference", "invoice 7", "--json").json
        assert (paid["status"], paid["credited"]["amount"]) == ("paid", 100)
    other = kvota.ok("order", "place", acme, "boost_1000", "--json").json["id"]
    assert f"Dropped: {other}" in kvota.ok("order", "drop", acme, other).out
    listed = kvota.ok("order", "list", acme, "--json").json["items"]
    assert [one["status"] for one in listed] == ["paid", "dropped"]
    assert "490.00 RUB" in kvota.ok("order", "list", acme).out
    assert balance(kvota, acme)["boosts"]["remaining"] == 100


def test_the_catalogue_in_force_is_shown_and_said_to_be_an_example(kvota, acme):
    told = kvota.ok("catalogue", "show", "--json").json
    assert told["actions"]["follow_up"]["stages"]["transcription"] == 6
    shown = kvota.ok("catalogue", "show")
    assert "follow_up" in shown.out
    assert "free when participants ≥ 4" in shown.out
    assert "EXAMPLES" in shown.err
    assert "Лента" in kvota.ok("catalogue", "show", "--lang", "ru").out or acme


def test_json_is_exactly_what_the_api_says(server, tmp_path, embedded):
    through = embedded.with_settings(KVOTA_URL=server.url, KVOTA_KEY=OPERATOR_KEY)
    through.ok("company", "create", "exact", "--name", "Exact", "--plan", "free")
    headers = {"Authorization": f"Bearer {OPERATOR_KEY}"}
    for path, command in (
        ("companies/exact", ("company", "show", "exact")),
        ("catalogue", ("catalogue", "show")),
        ("companies/exact/entries", ("entries", "exact")),
        ("companies/exact/boosts", ("boost", "list", "exact")),
    ):
        said = httpx2.get(f"{server.url}/v1/{path}", headers=headers)
        assert through.ok(*command, "--json").out == said.text + "\n"


def test_a_catalogue_is_tried_out_loaded_and_listed(kvota, acme, tmp_path):
    kvota.ok("charge", acme, "feed_text")
    versions = [one["version"] for one in kvota.ok("catalogue", "editions", "--json").json["items"]]
    shipped = SHIPPED.read_text()
    text = shipped.replace(f'version = "{versions[0]}"', f'version = "{versions[-1]}.1"')
    assert text.count("[actions.feed_text]") == 1
    file = tmp_path / "ours.toml"
    file.write_text(text)
    tried = kvota.ok("catalogue", "load", str(file), "--dry-run").out
    assert f"{versions[-1]}.1 could be loaded" in tried
    assert f"Changes since {versions[-1]}:" in tried
    assert kvota.ok("catalogue", "load", str(file), "--dry-run", "--json").json["last_month"]["items"] == []
    assert len(kvota.ok("catalogue", "editions", "--json").json["items"]) == len(versions)
    assert kvota.ok("catalogue", "load", str(file)).out.startswith("Loaded: ")
    assert "nothing has changed" in kvota.ok("catalogue", "load", str(file)).out
    listed = kvota.ok("catalogue", "editions").out
    assert f"{versions[-1]}.1" in listed
    file.write_text(text.replace("allowance = 100 ", "allowance = 99 "))
    refused = kvota("catalogue", "load", str(file))
    assert refused.code == 2
    assert "100 → 99" in refused.err
