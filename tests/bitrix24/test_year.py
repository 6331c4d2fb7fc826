"""A portal's year, with faults, duplicates and restarts of every part."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bitrix24.rig import rigged
from tests.bitrix24.year import Year
from tests.verdict import Verdict

Report = Callable[[Verdict], None]


def lived(store: str, folder: Path, jobs: int, *, workers: int, restarts: int) -> Verdict:
    with rigged(folder, store, workers=workers, KVOTA_SANDBOX="1") as rig:
        year = Year(rig, jobs, workers=workers, restarts=restarts, seed="a year")
        year.run()
        return year.verdict("a portal's year")


def test_a_short_year_ends_with_each_job_charged_at_most_once(sqlite_url: str, tmp_path: Path, report: Report) -> None:
    report(lived(sqlite_url, tmp_path, 150, workers=1, restarts=1))


@pytest.mark.soak
def test_a_year_of_ten_thousand_jobs_with_three_processes(store_url: str, tmp_path: Path, report: Report) -> None:
    report(lived(store_url, tmp_path, 10_000, workers=3, restarts=24))
