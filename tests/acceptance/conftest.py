"""The trace of real calls is kept beside the checkout, for whoever has it: without it, nothing of it is collected."""

import pytest

from tests.acceptance import TRACE

collect_ignore = [] if TRACE.exists() else ["test_trace.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not TRACE.exists():
        terminalreporter.section("trace of real calls")
        terminalreporter.line(f"NOT RUN: the trace of real calls is not here ({TRACE} does not exist).")
