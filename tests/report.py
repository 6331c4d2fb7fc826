"""The table at the end of a run: what each fault, and each other long test, has come to.

A test that counts records its own row with the fixture ``report``; any other one marked `soak` gets a row of its name,
with all its parameters counted in it. Rows of the workers of pytest-xdist come home with the tests' reports.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.verdict import Verdict

PROPERTY = "verdict"
HEAD = ("fault", "store", "runs", "acknowledged", "lost", "double", "open holds", "verdict")
SHOWN = 80
"""Of what is wrong, so many letters stand in the table; the failure of the test tells the whole."""


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[Verdict], None]:
    """Record a row; the test fails where it is not good."""

    def record(verdict: Verdict) -> None:
        request.node.user_properties.append((PROPERTY, msgspec.to_builtins(verdict)))
        assert verdict.is_good, f"{verdict.fault}, {verdict.store}: {verdict}"

    return record


class Table:
    """Gathers the rows where the reports of all tests arrive."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Verdict] = {}

    def add(self, row: Verdict) -> None:
        """A row; one of the same fault and store is added to it."""
        present = self.rows.get((row.fault, row.store))
        self.rows[row.fault, row.store] = row if present is None else present + row

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for each phase of each test, also for those of xdist's workers."""
        if report.when != "call" and not report.failed:
            return
        recorded = [msgspec.convert(value, Verdict) for name, value in report.user_properties if name == PROPERTY]
        if report.when == "call":
            for row in recorded:
                self.add(row)
        is_told = any(not row.is_good for row in recorded)
        if report.failed and not is_told and ("soak" in report.keywords or recorded):
            self.add(Verdict(fault=_sentence(report), problems=(f"{report.nodeid} failed ({report.when})",)))
        elif report.passed and not recorded and "soak" in report.keywords:
            self.add(Verdict(fault=_sentence(report)))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """A bad row is a failed run, whatever its test thought of it."""
        if session.exitstatus == pytest.ExitCode.OK and not all(row.is_good for row in self.rows.values()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table."""
        if not self.rows:
            return
        lines = [HEAD, *(_cells(row) for _, row in sorted(self.rows.items()))]
        widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
        terminalreporter.section("faults and other long tests")
        for line in lines:
            columns = [
                cell.rjust(width) if 2 <= place <= 6 else cell.ljust(width)  # numbers to the right
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            terminalreporter.line("  ".join(columns).rstrip())


def _sentence(report: pytest.TestReport) -> str:
    name = report.nodeid.rpartition("::")[2].partition("[")[0]
    return name.removeprefix("test_").replace("_", " ")


def _cells(row: Verdict) -> tuple[str, ...]:
    counts = (row.acknowledged, row.lost, row.double, row.open_holds)
    verdict = "holds"
    if not row.is_good:
        verdict = "BAD"
        if row.problems:
            first, more = row.problems[0], len(row.problems) - 1
            verdict += (
                f": {first[:SHOWN]}" + ("…" if len(first) > SHOWN else "") + (f" and {more} more" if more else "")
            )
    return (row.fault, row.store, str(row.runs), *("-" if n is None else str(n) for n in counts), verdict)


def pytest_configure(config: pytest.Config) -> None:
    """Only where reports come together: a worker of xdist has nothing to print."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(), "kvota-table")
