"""A portal's year, with faults, duplicates and restarts of every part: a row of the table that ends ``make soak``."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import postgres
from tests.bitrix24.restarts import Restarts
from tests.bitrix24.rig import rigged
from tests.bitrix24.year import Year
from tests.verdict import Verdict

Report = Callable[[Verdict], None]


def lived(kind: str, folder: Path, jobs: int, *, workers: int, times: int, patience: float) -> Verdict:
    with contextlib.ExitStack() as stack:
        cluster, store = None, f"sqlite:///{folder}/kvota.db"
        if kind == "postgresql":
            cluster = stack.enter_context(postgres.cluster())
            store = stack.enter_context(postgres.database(cluster.url))
        rig = stack.enter_context(rigged(folder, store, workers=workers, KVOTA_SANDBOX="1"))
        year = Year(rig, jobs, Restarts(rig, workers, cluster), times=times, patience=patience, seed="a year")
        year.run()
        return year.verdict("a portal's year, every part restarted")


def test_a_short_year_ends_with_each_job_charged_at_most_once(tmp_path: Path, report: Report) -> None:
    report(lived("postgresql", tmp_path, 150, workers=1, times=1, patience=30))


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_year_of_ten_thousand_jobs_with_three_processes(kind: str, tmp_path: Path, report: Report) -> None:
    report(lived(kind, tmp_path, 10_000, workers=3, times=2, patience=90))
