"""What fails is told at once, beside the dots: whoever reads a run that never came to its end has it all the same."""

import os

import pytest

MOST_LINES = 12
LONGEST_LINE = 300


def pytest_configure(config: pytest.Config) -> None:
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        config.pluginmanager.register(Told(config), "told")


class Told:
    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome in ("passed", "skipped"):
            return
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        assert isinstance(terminal, pytest.TerminalReporter)
        why = report.longreprtext.strip().splitlines()
        said = [line for line in why if line.startswith("E ")] or why
        terminal.write_line(f"\n{report.outcome.upper()} {report.nodeid} [{report.when}]")
        for line in said[:MOST_LINES]:
            terminal.write_line(f"    {line[:LONGEST_LINE]}")
