"""The acceptance cases are kept beside the checkout, for whoever has them: without them, nothing here is collected."""

import pytest

from tests.cases import RUNNER

collect_ignore = [] if RUNNER.exists() else ["test_cases.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not RUNNER.exists():
        terminalreporter.section("acceptance cases")
        terminalreporter.line(f"NOT RUN: the acceptance cases are not here ({RUNNER} does not exist).")
