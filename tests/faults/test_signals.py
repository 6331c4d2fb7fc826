"""SIGTERM: under load every call that was accepted is answered; during the start-up the server just ends.

The short form of the latter is in tests/cli/test_serve.py.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.acceptance.servers import Server, environment, kvota
from tests.faults.harness import CATALOGUE, kind_of, scene
from tests.verdict import Verdict

CALLS_BEFORE_THE_END = 150
END_SECONDS = 30
FOLLOWING_SECONDS = 10


def ended_under_load(store, folder, workers):
    """The callers repeat nothing: a call that was cut must not have been carried out."""
    with scene(store, folder, seed=f"end {workers}", workers=workers, persist=False) as it:
        it.callers.wait_for(CALLS_BEFORE_THE_END)
        it.server.process.send_signal(signal.SIGTERM)
        code = it.server.process.wait(END_SECONDS)
        it.server.start()
        verdict = it.verdict("SIGTERM under load", may_cut=True, may_drop=False)
    problems = () if code == 0 else (f"the server ended with {code}",)
    return verdict + Verdict(fault=verdict.fault, store=verdict.store, runs=0, problems=problems)


def test_a_server_that_ends_under_load_answers_every_call_that_it_accepted(store_url, tmp_path, report):
    report(ended_under_load(store_url, tmp_path, 2))


@pytest.mark.soak
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("workers", [1, 4])
def test_a_server_that_ends_under_load_answers_every_call_in_each_of_twenty_ends(
    store_url, tmp_path, report, workers, number
):
    report(ended_under_load(store_url, tmp_path, workers))


def is_alone(group: int) -> bool:
    """Whether the process group goes; the engine's process follows its server by itself, when its line is closed."""
    deadline = time.monotonic() + FOLLOWING_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def ended_at_the_start(store, folder, workers, times):
    """SIGTERM to the whole group at moments spread over the time that a start takes."""
    chance = random.Random(f"start {workers}")  # noqa: S311 - seeded, for a test
    server = Server(folder, environment(store, catalogue=CATALOGUE), workers=workers)
    begun = time.monotonic()
    server.start()
    seconds = time.monotonic() - begun
    server.kill()
    problems: list[str] = []
    for _ in range(times):
        server.spawn()
        moment = chance.uniform(0, 1.3 * seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(moment)
        os.killpg(server.process.pid, signal.SIGTERM)
        try:
            code = server.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            problems.append(f"SIGTERM after {moment:.2f} s: it hung")
            server.kill()
            continue
        if code not in (0, -signal.SIGTERM):  # before Python has begun, the signal itself ends it
            problems.append(f"SIGTERM after {moment:.2f} s: it ended with {code}")
        if not is_alone(server.process.pid):
            problems.append(f"SIGTERM after {moment:.2f} s: it left processes behind")
            os.killpg(server.process.pid, signal.SIGKILL)
    if "Traceback" in (told := Path(server.log).read_text(errors="replace")):
        problems.append(f"it ended with a traceback: {told[told.index('Traceback') :][:1000]}")
    server.start()
    server.kill()
    if kvota("verify", store=store, catalogue=CATALOGUE).returncode:
        problems.append("verify found something")
    return Verdict(fault="SIGTERM during the start", store=kind_of(store), runs=times, problems=tuple(problems))


@pytest.mark.soak
@pytest.mark.parametrize("workers", [1, 4])
def test_a_server_that_is_ended_while_it_starts_ends_each_of_fifty_times(store_url, tmp_path, report, workers):
    report(ended_at_the_start(store_url, tmp_path, workers, 50))
