"""The acceptance cases: a real server process, driven over HTTP from outside, on each store."""

import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres
from tests.cases import RUNNER

SHARED = sorted(path for path in RUNNER.parent.glob("*.toml") if not path.name.startswith("catalogue"))
OWN = sorted(path for path in Path(__file__).parent.glob("*/*.toml") if not path.name.startswith("catalogue"))
SERVE = f"{shlex.quote(sys.executable)} -m kvota serve"
CASE_SECONDS = 300


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    return "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_server")


@pytest.mark.parametrize("case", SHARED, ids=lambda path: path.stem)
def test_case_passes(case, store):
    run(case, store)


@pytest.mark.parametrize("case", OWN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_case_of_our_own_passes(case):
    run(case, "sqlite")


@pytest.mark.soak
@pytest.mark.parametrize("case", OWN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_case_of_our_own_passes_on_postgresql(case, postgres_server):
    run(case, postgres_server)


def run(case: Path, store: str) -> None:
    """One case by the runner, in processes of its own."""
    command = [sys.executable, RUNNER, "--serve", SERVE, "--store", store, case]
    with subprocess.Popen(
        command, env=postgres.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as runner:
        try:
            output, _ = runner.communicate(timeout=CASE_SECONDS)
        except subprocess.TimeoutExpired:
            runner.send_signal(signal.SIGINT)  # so it ends its server and drops its database
            output = f"not done within {CASE_SECONDS} s\n{runner.communicate(timeout=CASE_SECONDS)[0]}"
        except BaseException:
            runner.send_signal(signal.SIGINT)
            raise
    if runner.returncode:
        pytest.fail(output, pytrace=False)
