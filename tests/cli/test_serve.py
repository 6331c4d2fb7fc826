"""`kvota serve` as a process: what it says at the start, what it refuses, how it ends, and several workers."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import httpx2
import pytest

from kvota.catalogue_file import load
from tests.cli.processes import KVOTA, OPERATOR_KEY, Kvota, Server, environment

SECONDS = 20
SIGNALLED = """
import os, signal, sys, threading, time, uvicorn
from kvota.cli import main
run = uvicorn.Server.run
def late(server, sockets):
    kill = threading.Thread(target=os.kill, args=(os.getpid(), signal.SIGTERM))
    kill.start()
    kill.join()
    time.sleep(0.2)
    run(server, sockets)
uvicorn.Server.run = late
sys.exit(main())
"""
"""A server that is sent a signal just before it listens to any; its other threads are there already."""
OURS = (
    '[catalogue]\nid = "ours"\nversion = "{version}"\neffective_from = 2026-01-01T00:00:00Z\n'
    '[tools]\nchat = {{ en = "Chat", ru = "Чат" }}\n[actions.ask]\ntool = "chat"\nbase = 1\n'
    "[plans.only]\nallowance = {allowance}\n"
)
HEADERS = {"Authorization": f"Bearer {OPERATOR_KEY}"}


def eventually(happens, what):
    """Ask until it is so; there is nothing to wait for that would tell."""
    deadline = time.monotonic() + SECONDS
    while not happens():
        assert time.monotonic() < deadline, f"not within {SECONDS} s: {what}"
        time.sleep(0.02)


def refused(tmp_path, *options, **settings):
    return Kvota(tmp_path, settings)("serve", "--port", "0", *options)


def test_it_says_where_it_is_and_what_it_serves(tmp_path):
    with Server(tmp_path, KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        assert httpx2.get(f"{server.url}/v1/companies", headers=HEADERS).status_code == 200
    catalogue, _ = load("bitrix24")
    assert server.lines == [
        f"Kvota serves on {server.url}",
        "store: sqlite:///kvota.db",
        f"catalogue: bitrix24 {catalogue.version}",
        "sandbox: no",
    ]


def test_the_first_operator_key_is_told_once(tmp_path):
    with Server(tmp_path) as server:
        key = server.read_until("operator key (shown this once, keep it): ")
        assert httpx2.get(f"{server.url}/v1/companies", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert key not in server.errors
    with Server(tmp_path) as again:
        assert httpx2.get(f"{again.url}/v1/companies", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert not any("key" in line for line in again.lines)
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("kvota.db*"))
    assert key.encode() not in stored


def test_a_lost_operator_key_is_replaced_on_the_store_itself(tmp_path):
    kvota = Kvota(tmp_path, {"KVOTA_STORE": f"sqlite:///{tmp_path}/kvota.db"})
    with Server(tmp_path) as server:
        made = kvota.ok("key", "create", "--role", "operator", "--label", "spare", "--json").json
        headers = {"Authorization": f"Bearer {made['key']}"}
        assert httpx2.get(f"{server.url}/v1/companies", headers=headers).status_code == 200
        assert made["id"] in [key["id"] for key in kvota.ok("key", "list", "--json").json["items"]]
        kvota.ok("key", "revoke", made["id"])
        assert made["id"] not in kvota.ok("key", "list").out
        eventually(lambda: httpx2.get(f"{server.url}/v1/companies", headers=headers).status_code == 401, "revoked")


def test_the_password_of_a_store_is_not_shown(postgres_url, tmp_path):
    with_password = postgres_url.replace("postgres@", "postgres:hush@")
    with Server(tmp_path, KVOTA_STORE=with_password, KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        pass
    assert "hush" not in "".join(server.lines) + server.errors
    assert server.lines[1] == "store: " + with_password.replace("hush", "***")


def test_a_port_that_is_taken_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = Kvota(tmp_path, {})("serve", "--port", str(port))
    assert (ended.code, ended.out) == (3, "")
    assert str(port) in ended.err
    assert "--port" in ended.err
    assert list(tmp_path.iterdir()) == [], "nothing is made before the port is ours"


@pytest.mark.parametrize(
    ("options", "settings", "code", "told"),
    [
        (["--store", "mysql://x/y"], {}, 2, "sqlite:///"),
        (["--store", "sqlite:////no/such/folder/kvota.db"], {}, 3, "/no/such/folder"),
        (["--catalogue", "nothing.toml"], {}, 2, "nothing.toml"),
        ([], {"KVOTA_CATALOGUE": "bad.toml"}, 2, "line 1"),
        (["--store", "postgresql://kvota:hush@127.0.0.1:1/kvota"], {}, 3, "127.0.0.1"),
        (["--host", "192.0.2.1"], {}, 3, "192.0.2.1"),
        (["--workers", "0"], {}, 2, "workers"),
    ],
)
def test_what_is_wrong_at_the_start_is_one_readable_message(tmp_path, options, settings, code, told):
    (tmp_path / "bad.toml").write_text("[catalogue\n")
    ended = refused(tmp_path, *options, **settings)
    assert ended.code == code, ended
    assert ended.out == ""
    assert told in ended.err
    assert "Traceback" not in ended.err
    assert "hush" not in ended.err


def test_a_store_made_with_a_set_clock_is_served_only_as_a_sandbox(tmp_path):
    with Server(tmp_path, "--sandbox", KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        clock = {"now": "2026-02-01T00:00:00Z"}
        assert httpx2.put(f"{server.url}/v1/sandbox/clock", json=clock, headers=HEADERS).status_code == 200
    ended = refused(tmp_path)
    assert (ended.code, "--sandbox" in ended.err) == (2, True)
    with Server(tmp_path, KVOTA_SANDBOX="1", KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        assert server.lines[-1] == "sandbox: yes, clients can set the clock"


def test_a_store_with_companies_does_not_become_a_sandbox(embedded):
    embedded.ok("company", "create", "acme", "--name", "Acme", "--plan", "free")
    ended = embedded("serve", "--port", "0", "--sandbox")
    assert (ended.code, ended.out) == (2, "")


def test_a_catalogue_goes_forward_and_never_back(tmp_path):
    kvota = Kvota(tmp_path, {"KVOTA_CATALOGUE": str(tmp_path / "ours.toml")})
    file = Path(kvota.settings["KVOTA_CATALOGUE"])
    file.write_text(OURS.format(version="2026-01", allowance=5))
    with Server(tmp_path, **kvota.settings):
        pass
    file.write_text(OURS.format(version="2026-01", allowance=6))
    different = kvota("serve", "--port", "0")
    assert different.code == 2
    assert "allowance" in different.err
    file.write_text(OURS.format(version="2025-12", allowance=5))
    assert kvota("serve", "--port", "0").code == 2
    file.write_text(OURS.format(version="2026-02", allowance=6))
    with Server(tmp_path, **kvota.settings) as server:
        assert server.lines[2] == "catalogue: ours 2026-02"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_ends_it_in_order(tmp_path, how, group, workers):
    with Server(tmp_path, "--workers", workers, KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        with httpx2.Client(timeout=SECONDS) as client:
            client.get(f"{server.url}/readyz")  # workers that start are waited for; and the connection stays open
            assert server.stop(how, group=group) == 0
        assert_nothing_listens(server.url)
    assert "Traceback" not in server.errors
    assert "worker_killed" not in server.errors


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_during_the_start_ends_it_too(tmp_path, how, workers):
    settings = {"KVOTA_OPERATOR_KEY": OPERATOR_KEY}
    for hundredths in (30, 40, 50, 60, 80):
        server = Server(tmp_path, "--workers", workers, **settings)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(hundredths / 100)
        code = server.stop(how, group=True)
        assert code in (0, 130, -signal.SIGTERM, -signal.SIGINT), server.errors
        assert_group_is_gone(server.process.pid)
        server.process.stdout.close()
    with Server(tmp_path, **settings) as server:
        assert httpx2.get(f"{server.url}/readyz").status_code == 200


def test_a_signal_that_comes_just_before_the_server_listens_to_any_is_not_lost(tmp_path):
    served = subprocess.run(
        [sys.executable, "-c", SIGNALLED, "serve", "--port", "0"],
        env=environment({"KVOTA_STORE": f"sqlite:///{tmp_path}/kvota.db"}),
        cwd=tmp_path,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert served.returncode == 0, served.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_start_that_waits_for_its_store(tmp_path, how):
    file = tmp_path / "kvota.db"
    with contextlib.ExitStack() as stack:
        holder = stack.enter_context(contextlib.closing(apsw.Connection(str(file))))
        holder.execute("BEGIN EXCLUSIVE")
        server = Server(tmp_path, KVOTA_STORE=f"sqlite:///{file}", KVOTA_OPERATOR_KEY=OPERATOR_KEY)
        stack.push(server)
        eventually(lambda: str(file) in files_of(server.process.pid), "it opens the store")
        assert server.stop(how) == -how
    assert server.errors == ""


def test_calls_that_were_accepted_are_answered_before_the_end(tmp_path):
    """Each charge that the store holds has been answered, and each answered one is there."""
    kvota = Kvota(tmp_path, {"KVOTA_STORE": f"sqlite:///{tmp_path}/kvota.db"})
    kvota.ok("company", "create", "acme", "--name", "Acme", "--plan", "enterprise_10000")
    kvota.ok("company", "set", "acme", "--allowance-override", "1000000")
    answered = []
    with Server(tmp_path, KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        many = threading.Event()

        def charge():
            with httpx2.Client(headers=HEADERS) as client, contextlib.suppress(httpx2.TransportError):
                while client.post(f"{server.url}/v1/companies/acme/charges", json={"action": "feed_text"}).is_success:
                    answered.append(1)
                    if len(answered) > 50:
                        many.set()

        threads = [threading.Thread(target=charge) for _ in range(8)]
        for thread in threads:
            thread.start()
        assert many.wait(SECONDS)
        assert server.stop() == 0
        for thread in threads:
            thread.join()
    assert kvota.ok("balance", "acme", "--json").json["allowance"]["used"] == len(answered)
    assert "everything agrees" in kvota.ok("verify").out


def test_several_workers_serve_one_store_and_none_is_lost(bare_store_url, tmp_path):
    kvota = Kvota(tmp_path, {"KVOTA_STORE": bare_store_url})
    with Server(tmp_path, "--workers", "3", KVOTA_STORE=bare_store_url, KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        (tmp_path / "trace.csv").write_text("TIMESTAMP\n" + "2026-01-01 00:00:00\n" * 900)
        through = kvota.with_settings(KVOTA_URL=server.url, KVOTA_KEY=OPERATOR_KEY)
        report = through.ok("replay", "trace.csv", "--companies", "3", "--json", "--connections", "24").json
        assert (report["approved"], report["requests"], report["errors"]) == (900, 900, {})
        workers = children(server.process.pid)
        assert len(workers) == 3
        os.kill(workers[0], signal.SIGKILL)
        eventually(lambda: len(set(children(server.process.pid)) - {workers[0]}) == 3, "started again")
        assert httpx2.get(f"{server.url}/readyz").status_code == 200
        assert server.stop() == 0
        assert_group_is_gone(server.process.pid)
    assert "worker_died" in server.errors
    used = [kvota.ok("balance", f"replay-{n}", "--json").json["allowance"]["used"] for n in (1, 2, 3)]
    assert used == [300, 300, 300]
    assert "everything agrees" in kvota.ok("verify").out


def test_workers_end_when_their_supervisor_is_killed(tmp_path):
    with Server(tmp_path, "--workers", "2", KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        assert httpx2.get(f"{server.url}/readyz", timeout=SECONDS).status_code == 200
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait(SECONDS)
        assert_group_is_gone(server.process.pid)


def test_a_head_that_is_too_large_is_refused_and_others_go_on(tmp_path):
    with Server(tmp_path, KVOTA_OPERATOR_KEY=OPERATOR_KEY) as server:
        many = {f"x-{n}": "y" * 1000 for n in range(40)}
        assert httpx2.get(f"{server.url}/readyz", headers=many).status_code == 431
        assert httpx2.get(f"{server.url}/readyz", headers={"x-large": "y" * 200_000}).status_code == 431
        assert httpx2.get(f"{server.url}/readyz", headers={"x-fair": "y" * 20_000}).status_code == 200
        body = {"name": "x" * 100_000}
        large = httpx2.put(f"{server.url}/v1/companies/acme", json=body, headers=HEADERS)
        assert large.status_code == 422, "the bound is on the head, not on the body"
        with httpx2.Client() as client:  # the count begins anew with each request of a connection
            assert {client.get(f"{server.url}/readyz", headers={"x": "y" * 10_000}).status_code for _ in range(9)} == {
                200
            }


def test_migrating_says_what_was_applied(bare_store_url, tmp_path):
    kvota = Kvota(tmp_path, {"KVOTA_STORE": bare_store_url})
    assert kvota.ok("migrate").out.startswith("applied ")
    assert kvota.ok("migrate").out == "The schema is up to date.\n"
    assert kvota.ok("migrate", "--json").json == {"applied": []}


def test_migrating_an_unknown_store_is_refused(tmp_path):
    ended = subprocess.run(
        [*KVOTA, "migrate", "--store", "mysql://x"], cwd=tmp_path, env=environment({}), capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, b"")


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def files_of(pid):
    """What the process has open, by now."""
    found = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(one.readlink()))
    return found


def assert_nothing_listens(url):
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{url}/readyz")


def assert_group_is_gone(group):
    def is_gone():
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        return False

    eventually(is_gone, "the process group ends")
