"""Each file here has PROOFS, and one test that is run for each question that they ask.

`make prove` asks all of them and prints a line each; `make test` asks of the block as it is, where
the answer comes soon: covers and mutants are about the proofs.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from allspin.host.show.table import Marks
from tests.formal.proof import Proof, Task

LONG = "long_proof"
MARKS = Marks("<!-- make prove -->", "<!-- end of make prove -->")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--prove", action="store_true", help="all proofs, and a line for each")
    parser.addoption("--proofs-into", type=Path, help="a document whose table of them is written")


def _all(config: pytest.Config) -> bool:
    # Unknown where the tests of other folders are run too: then it was not asked for.
    return bool(config.getoption("--prove", default=False))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{LONG}: asked by `make prove` only")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "task" in metafunc.fixturenames:
        proofs: list[Proof] = vars(metafunc.module)["PROOFS"]
        tasks = [task for proof in proofs for task in proof.tasks()]
        metafunc.parametrize(
            "task",
            [pytest.param(t, id=str(t), marks=[pytest.mark.long_proof] * t.long) for t in tasks],
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _all(config):
        long = [item for item in items if item.get_closest_marker(LONG)]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.fixture
def prove(
    task: Task, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Callable[[], None]:
    """Ask what the task asks, and keep what a line about it says."""

    def ask() -> None:
        begun = time.monotonic()
        try:
            task.run(tmp_path)
        finally:
            seconds = time.monotonic() - begun
            record_property("proof", [task.proof.name, task.kind, task.extent, seconds])

    return ask


def _line(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """The line of a proof that has been tried."""
    if not isinstance(report, pytest.TestReport):
        return None
    found = [value for key, value in report.user_properties if key == "proof"]
    if report.when != "call" or not found:
        return None
    name, kind, extent, seconds = cast(tuple[str, str, str, float], found[0])
    result = {"prove": "proved", "bmc": "holds", "cover": "reached", "mutant": "refuted"}[kind]
    if report.failed:
        result = "FAILED"
    return f"{name:<36} {kind:<7} {extent:<11} {seconds:6.1f} s  {result}"


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport, config: pytest.Config
) -> tuple[str, str, str] | None:
    line = _line(report)
    return (report.outcome, f"{line}\n", line) if line and _all(config) else None


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    """Write the table, if everything was as it should be."""
    path = config.getoption("--proofs-into", default=None)
    if path is None or exitstatus != pytest.ExitCode.OK:
        return
    reports = terminalreporter.getreports("passed")
    lines = sorted(filter(None, map(_line, reports)))
    MARKS.fill(path, "\n".join(["", "```", *lines, "```", ""]))
