"""kill -9 of the server under load: nothing acknowledged is lost, nothing is there twice."""

import pytest

from tests.faults.harness import scene

CALLS_BEFORE_A_KILL = 150


def killed(store, folder, times):
    with scene(store, folder, seed="kill") as it:
        for _ in range(times):
            it.callers.wait_for(CALLS_BEFORE_A_KILL)
            it.server.kill()
            it.server.start()
        return it.verdict("kill -9 of the server", runs=times, may_cut=True)


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_under_load(store_url, tmp_path, report):
    report(killed(store_url, tmp_path, 2))


@pytest.mark.soak
def test_nothing_is_lost_or_doubled_in_twenty_kills_in_a_row(store_url, tmp_path, report):
    report(killed(store_url, tmp_path, 20))
