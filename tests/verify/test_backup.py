"""Backup and restore as docs/operations.md tells them, with a server under load beside them."""

import contextlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests import postgres
from tests.acceptance.servers import Server, kvota, serving

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
UNLIMITED = Path(__file__).parents[1] / "acceptance" / "unlimited.toml"
COMPANIES = ("acme", "beta", "gamma")


def blocks(section: str) -> list[str]:
    """The commands of a section, in order."""
    text = PAGE.split(f"### {section}\n", 1)[1].split("\n### ", 1)[0]
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def run(commands: str, names: dict[str, str]) -> None:
    """Run a block as it stands there, with the names of this test in place of its examples."""
    for name, here in names.items():
        commands = commands.replace(name, here)
    bin_folder = Path(sys.executable).parent
    environment = postgres.environment()
    done = subprocess.run(
        ["bash", "-euxc", commands],
        env={**environment, "PATH": f"{bin_folder}:{environment['PATH']}", "KVOTA_CATALOGUE": "bitrix24"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def loaded(server: Server) -> Iterator[list[tuple[str, int]]]:
    """Callers that charge and hold without a pause; the entries that they were told of."""
    stop, told, failed = threading.Event(), list[tuple[str, int]](), []
    first = threading.Barrier(len(COMPANIES) + 1)

    def call(company: str) -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            kind = "holds" if number % 3 == 0 else "charges"
            reply = server.call(
                "POST", f"/v1/companies/{company}/{kind}", {"action": "chat_question"}, key=f"k{number}"
            )
            if reply.status == 201:
                told.append((company, reply.body["entry"]))
            else:
                failed.append(reply)
            if number == 5:
                first.wait(60)

    for company in COMPANIES:
        body = {"name": company, "plan": "large", "time_zone": "UTC", "allowance_override": 10**6}
        assert server.call("PUT", f"/v1/companies/{company}", body).status == 201
    callers = [threading.Thread(target=call, args=[company]) for company in COMPANIES]
    for caller in callers:
        caller.start()
    try:
        first.wait(60)
        yield told
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert failed == []


def wait_for_more(told: list[tuple[str, int]]) -> None:
    """Some calls that the backup does not hold."""
    count, deadline = len(told), time.monotonic() + 60
    while len(told) < count + 3:
        assert time.monotonic() < deadline, "the callers have stopped"
        threading.Event().wait(0.01)


def entries(store: str) -> int:
    """How many there are, by verifying; everything must agree."""
    done = kvota("verify", store=store)
    assert done.returncode == 0, done.stdout + done.stderr
    return int(re.findall(r"(\d+) entries", done.stdout)[0])


def at_a_head_later(store: str, heads: Path) -> list[str]:
    """What is found against heads that were exported after the backup."""
    done = kvota("verify", "--against", str(heads), store=store)
    assert done.returncode == 1
    return [line for line in done.stdout.splitlines() if "the ledger ends at entry" in line]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("lib", "backups"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_sqlite_is_backed_up_under_load_and_restored_as_the_page_tells(folder):
    store = f"sqlite:///{folder}/lib/kvota.db"
    names = {"/var/lib/kvota": f"{folder}/lib", "/var/backups": f"{folder}/backups"}
    back, restore = blocks("SQLite")
    with serving(store, folder, catalogue=UNLIMITED) as server, loaded(server) as told:
        run(back, names)
        wait_for_more(told)
        later = folder / "later.jsonl"
        assert kvota("verify", "--export", str(later), store=store).returncode == 0
    before = entries(store)
    run(restore, names)
    assert 0 < entries(store) < before
    assert at_a_head_later(store, later)
    with serving(store, folder, catalogue=UNLIMITED) as server:
        assert server.call("GET", "/v1/companies/acme/balance").status == 200


def test_postgresql_is_backed_up_under_load_and_restored_as_the_page_tells(folder, postgres_url):
    restored = postgres_url.rpartition("/")[2] + "_restored"
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{restored}"))
    names = {
        "postgresql://kvota@db.example/kvota_restored": url,
        "postgresql://kvota@db.example/kvota": postgres_url,
        " kvota_restored": f" {restored}",
        "/var/backups": f"{folder}/backups",
    }
    back, restore = blocks("PostgreSQL")
    with contextlib.ExitStack() as stack:
        with serving(postgres_url, folder, catalogue=UNLIMITED) as server, loaded(server) as told:
            run(back, names)
            wait_for_more(told)
            later = folder / "later.jsonl"
            assert kvota("verify", "--export", str(later), store=postgres_url).returncode == 0
        stack.callback(run, f"dropdb --force --maintenance-db {postgres_url} {restored}", {})
        run(restore, names)
        assert 0 < entries(url) < entries(postgres_url)
        assert at_a_head_later(url, later)
        with serving(url, folder, catalogue=UNLIMITED) as server:
            assert server.call("GET", "/v1/companies/acme/balance").status == 200
