"""A newer version migrates the store: beside servers that go on, on PostgreSQL; and what it held stays as it was."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.servers import environment, kvota, serving
from tests.faults.harness import CATALOGUE, scene

SOURCE = Path(__file__).parents[2] / "src" / "kvota"
NEWER = """
CREATE TABLE newer (company text NOT NULL PRIMARY KEY);
ALTER TABLE accounts ADD COLUMN newer text;
ALTER TABLE entries ADD COLUMN newer text;
CREATE INDEX holds_newer ON holds (company, at);
"""


class Newer:
    """A version of Kvota with one more migration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "newer"
        shutil.copytree(SOURCE, self.folder / "kvota", ignore=shutil.ignore_patterns("__pycache__"))
        for dialect in ("sqlite", "postgres"):
            migrations = self.folder / "kvota" / "stores" / "migrations" / dialect
            number = len(list(migrations.glob("*.sql"))) + 1
            (migrations / f"{number:04}_newer.sql").write_text(NEWER)

    def run(self, *arguments: str, store: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kvota", *arguments],
            env={**environment(store, catalogue=CATALOGUE), "PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def newer(tmp_path: Path) -> Newer:
    return Newer(tmp_path)


def test_servers_go_on_while_a_newer_version_migrates_postgresql_under_load(postgres_url, tmp_path, newer, report):
    with scene(postgres_url, tmp_path, seed="upgrade", servers=2) as it:
        it.callers.wait_for(100)
        migrated = newer.run("migrate", store=postgres_url)
        assert migrated.returncode == 0, migrated.stderr
        assert "newer" in migrated.stdout
        it.callers.wait_for(100)
        verify = lambda: newer.run("verify", store=postgres_url)  # noqa: E731 - the older one cannot
        report(it.verdict("upgrade of a running PostgreSQL", may_refuse=False, verify=verify))


def test_a_store_keeps_what_it_holds_and_the_older_version_says_that_it_is_too_old(store_url, tmp_path, newer):
    with serving(store_url, tmp_path, catalogue=CATALOGUE) as server:
        server.call("PUT", "/v1/companies/acme", {"name": "Acme", "plan": "large", "time_zone": "UTC"})
        server.call("POST", "/v1/companies/acme/charges", {"action": "chat_question"}, key="one")
        before = server.call("GET", "/v1/companies/acme/entries").body
    assert newer.run("migrate", store=store_url).returncode == 0
    shown = newer.run("entries", "acme", "--json", store=store_url)
    assert shown.returncode == 0, shown.stderr
    assert before["items"][-1]["hash"] in shown.stdout
    refused = kvota("migrate", store=store_url)
    assert refused.returncode == 2
    assert "made by a newer version" in refused.stderr
