"""Each file here has PROOFS; one test is run for each question that they ask."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from allspin.host.show.document import Marks
from tests.conftest import LONG
from tests.formal.proof import Task

ASKED_BY_PROVE = "long_proof"
MARKS = Marks("<!-- make prove -->", "<!-- end of make prove -->")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--prove", action="store_true", help="all proofs, and a line for each")
    parser.addoption("--proofs-into", type=Path, help="a document whose table of them is written")


def _all(config: pytest.Config) -> bool:
    # Unknown where the tests of other folders are run too: then it was not asked for.
    return bool(config.getoption("--prove", default=False))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{ASKED_BY_PROVE}: asked by `make prove` only")


def _asking(task: Task) -> Callable[..., None]:
    """Make the test that asks, and that records the figures of its line."""

    def ask(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
        begun = time.monotonic()
        try:
            task.run(tmp_path)
        finally:
            extent = "unbounded" if task.mode == "prove" else f"{task.depth} clocks"
            seconds = time.monotonic() - begun
            record_property("proof", [task.proof.name, task.kind, extent, seconds])

    return ask


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: Any
) -> list[pytest.Item] | None:
    if name != "PROOFS":
        return None
    items: list[pytest.Item] = []
    for task in (task for proof in obj for task in proof.tasks()):
        item = pytest.Function.from_parent(collector, name=str(task), callobj=_asking(task))
        if not _all(collector.config):
            _mark(item, task.command)
        items.append(item)
    return items


def _mark(item: pytest.Item, command: str) -> None:
    """Mark a proof by the shortest command that asks for it."""
    item.add_marker(LONG if command == "long" else ASKED_BY_PROVE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    deselected = [item for item in items if item.get_closest_marker(ASKED_BY_PROVE)]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if not item.get_closest_marker(ASKED_BY_PROVE)]


def _line(report: Any) -> str | None:
    """The line of a proof that has been tried."""
    found = dict(getattr(report, "user_properties", ())).get("proof")
    if found is None or report.when != "call":
        return None
    name, kind, extent, seconds = found
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
    if path is not None and exitstatus == pytest.ExitCode.OK:
        lines = sorted(filter(None, map(_line, terminalreporter.getreports("passed"))))
        MARKS.fill(path, "\n".join(["", "```", *lines, "```", ""]))
