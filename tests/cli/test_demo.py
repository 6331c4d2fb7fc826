"""`kvota demo`: a store of its own with two months of usage, served with keys that open it."""

import datetime as dt
import json
import re
import shlex
import subprocess

import httpx2
import pytest

from tests.cli.processes import Kvota, Server


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(folder):
    with Server(folder, command="demo") as server:
        server.read_until("The calls are described at")
        yield server


def keys_of(server):
    return {match[1]: match[2] for line in server.lines if (match := re.fullmatch(r"(\w+) key: +(kv_\S+)", line))}


def kept_of(server):
    """What the file keeps: the keys, and the password of the sign-ins."""
    told = next(line for line in server.lines if line.startswith("The dashboard is at"))
    return {**keys_of(server), "password": told.rpartition(" ")[2]}


def get(server, role, path):
    reply = httpx2.get(f"{server.url}/v1/{path}", headers={"Authorization": f"Bearer {keys_of(server)[role]}"})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_it_has_a_believable_past(first):
    balance = get(first, "admin", "companies/acme/balance")
    assert balance["allowance"]["granted"] == 1200
    today = dt.date.fromisoformat(balance["at"][:10])
    days = f"from={today - dt.timedelta(days=70)}&to={today + dt.timedelta(days=2)}"
    usage = get(first, "admin", f"companies/acme/usage?{days}&by=tool")
    assert {row["tool"] for row in usage["rows"]} == {
        "calendar", "chat", "crm", "feed", "flows", "follow_up", "mail", "sites", "tasks",
    }  # fmt: skip
    assert 1000 < usage["total"]["calls"] < 5000
    assert usage["total"]["refunded"] > 0
    assert {one["reason"] for one in usage["declines"]} == {"cap_reached", "insufficient_requests"}
    assert len(get(first, "operator", "companies/acme/holds?status=open")["items"]) == 1
    assert get(first, "admin", "companies/acme/orders")["items"][0]["status"] == "paid"


def test_each_key_opens_what_its_role_may(first):
    assert get(first, "operator", "companies")["items"][0]["id"] == "acme"
    assert get(first, "app", "companies/acme/balance")["company"] == "acme"
    assert "rows" in get(first, "member", "companies/acme/usage?from=2026-01-01&to=2027-01-01&by=user")


def test_the_calls_that_it_prints_work(first):
    calls = [line.strip() for line in first.lines if line.startswith("  curl ")]
    assert len(calls) == 3
    for call in calls:
        done = subprocess.run([*shlex.split(call), "--silent", "--fail"], capture_output=True, check=False)
        assert done.returncode == 0, call
        json.loads(done.stdout)


def test_the_keys_are_for_its_owner_alone(first, folder):
    file = folder / "kvota-demo.keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == kept_of(first)


def test_a_second_run_keeps_everything_and_takes_the_next_free_port(first, folder):
    port = int(first.url.rpartition(":")[2])
    with Server(folder, command="demo", port=port) as second:
        second.read_until("The calls are described at")
        assert kept_of(second) == kept_of(first)
        assert int(second.url.rpartition(":")[2]) > port
        assert not any("Making" in line for line in second.lines)


def test_its_ledger_agrees(first, folder):
    kvota = Kvota(folder, {"KVOTA_STORE": f"sqlite:///{folder}/kvota-demo.db"})
    assert "everything agrees" in kvota.ok("verify").out


def test_keys_that_were_lost_are_made_again(first, folder):
    (folder / "kvota-demo.keys.json").unlink()
    with Server(folder, command="demo") as again:
        again.read_until("The calls are described at")
    made = kept_of(again)
    assert json.loads((folder / "kvota-demo.keys.json").read_text()) == made
    assert not set(made.values()) & set(kept_of(first).values())
    assert get(first, "admin", "companies/acme/balance"), "and the others are still good"
