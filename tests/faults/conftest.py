"""Prints the fault table after the last test, and the logs of the processes with a failure."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.e2e import processes
from tests.faults import table


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Puts the logs of all processes into the report of a failure."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {process.name}", process.log()[-4_000:]) for process in processes.alive]
    processes.alive[:] = [process for process in processes.alive if process.running]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table, for people and for docs/faults.md."""
    if table.rows:
        terminalreporter.section("faults")
        terminalreporter.write_line(table.text())
