"""The rotation of keys, as docs/operations.md tells it, line by line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.servers import OPERATOR_KEY, Server, environment, kvota, serving

GUIDE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
KEYS = re.findall(r"```sh\n(.*?)```", GUIDE.partition("\n## Keys\n")[2].partition("\n## ")[0], re.DOTALL)


def run(script: str, store: str, **variables: str) -> str:
    """The script, with `kvota` being the one that is here."""
    called = f'kvota() {{ "{sys.executable}" -m kvota "$@"; }}\n{script}'
    done = subprocess.run(
        ["bash", "-eu", "-c", called],
        env={**environment(store), **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def server(store_url, tmp_path) -> Server:
    with serving(store_url, tmp_path) as server:
        assert (
            server.call("PUT", "/v1/companies/acme", {"name": "Acme", "plan": "small", "time_zone": "UTC"}).status
            == 201
        )
        yield server


def status(server: Server, secret: str) -> int:
    return server.call("GET", "/v1/companies/acme/balance", bearer=secret).status


def until_refused(server: Server, secret: str) -> None:
    """Another process has revoked it: half a second later it opens nothing."""
    for _ in range(10_000):
        if status(server, secret) == 401:
            return
    pytest.fail("a revoked key goes on opening")


def test_a_companys_key_is_rotated_without_a_call_being_refused(server, store_url):
    (script, _) = KEYS
    old = server.call("POST", "/v1/companies/acme/keys", {"role": "app", "label": "CRM, 2026"}).body
    shown = run(script, store_url, OLD=old["id"])
    (new,) = set(re.findall(r"kv_[A-Za-z0-9_-]{20,}", shown))
    assert status(server, new) == 200
    assert old["id"] in shown
    until_refused(server, old["key"])


def test_an_operators_key_is_rotated_on_the_store(server, store_url):
    (_, script) = KEYS
    (old,) = json.loads(kvota("key", "list", "--json", store=store_url).stdout)["items"]
    shown = run(script, store_url, OLD_OPERATOR=old["id"])
    (new,) = set(re.findall(r"kv_[A-Za-z0-9_-]{20,}", shown))
    assert status(server, new) == 200
    until_refused(server, OPERATOR_KEY)
