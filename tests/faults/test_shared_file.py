"""Two servers on one SQLite file: they take turns, and both are exact."""

import pytest

from tests.faults.harness import scene


def shared(store, folder, servers, calls):
    with scene(store, folder, seed=f"shared by {servers}", servers=servers) as it:
        it.callers.wait_for(calls)
        return it.verdict("several servers on one SQLite file")


def test_two_servers_on_one_sqlite_file_are_both_exact_and_refuse_nobody(sqlite_url, tmp_path, report):
    report(shared(sqlite_url, tmp_path, 2, 400))


@pytest.mark.soak
def test_five_servers_on_one_sqlite_file_are_exact_over_thousands_of_calls(sqlite_url, tmp_path, report):
    report(shared(sqlite_url, tmp_path, 5, 20_000))
