"""Tests run on a bare machine: they find only programs that every machine has.

The PATH of tests, and of all processes that they start, holds the programs that
`bare-machine.txt` lists. A test that needs another program is marked
``@pytest.mark.tool("iverilog")``: it finds that program too, and is skipped if it is not
installed. No test is skipped for another reason.
"""

import fnmatch
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

LISTED = Path(__file__).with_name("bare-machine.txt")
"""Patterns of programs that are on every machine."""

LONG = "long"
"""The mark of tests that take minutes."""

FEW_EXAMPLES = 15
"""Examples of a property in a short run; ``--long`` and ``--all`` take Hypothesis' own number."""

FULL_PATH = "full_path"
"""Key under which a pytest-xdist worker receives the machine's PATH: it inherits the bare one."""


class ToolMissing(pytest.skip.Exception):
    """A program that a test asks for is not installed."""


class Machine:
    """The programs of this machine, and the few of them that tests may find.

    Parameters
    ----------
    path : str
        The machine's PATH.
    folder : Path
        An empty folder, for links to programs.
    """

    def __init__(self, path: str, folder: Path) -> None:
        self.path = path
        self._folder = folder
        lines = (line.split("#")[0] for line in LISTED.read_text().splitlines())
        compiler = {Path(word).name for word in os.environ.get("CXX", "").split()}
        self._listed = {*" ".join(lines).split(), *compiler}
        self.bare_path = os.pathsep.join(self._bare_folders())

    def _bare_folders(self) -> Iterator[str]:
        """Yield, for each folder of the PATH in order, a folder of links to its listed programs."""
        for number, place in enumerate(self.path.split(os.pathsep)):
            # All in the environment that tests run in comes from requirements.txt.
            if sys.prefix != sys.base_prefix and place == str(Path(sys.prefix) / "bin"):
                yield place
            elif os.path.isdir(place):
                folder = self._folder / str(number)
                folder.mkdir()
                for name in os.listdir(place):
                    if any(fnmatch.fnmatchcase(name, pattern) for pattern in self._listed):
                        (folder / name).symlink_to(Path(place).absolute() / name)
                yield str(folder)

    def path_with(self, tools: list[str]) -> str:
        """The bare PATH with some programs before it; those that are missing are left out."""
        path = self.bare_path
        for tool in tools:
            if found := shutil.which(tool, path=self.path):
                folder = self._folder / f"tool-{tool}"
                if not folder.exists():
                    folder.mkdir()
                    (folder / tool).symlink_to(Path(found).absolute())
                path = f"{folder}{os.pathsep}{path}"
        return path


MACHINE = pytest.StashKey[Machine]()


def _tools(item: pytest.Item) -> list[str]:
    """The programs that a test asks for."""
    return [name for mark in item.iter_markers("tool") for name in mark.args]


def pytest_configure(config: pytest.Config) -> None:
    """Remove programs that some machines lack from the PATH, before any test is imported."""
    config.addinivalue_line("markers", f"{LONG}: takes minutes; `make long` runs it")
    config.addinivalue_line(
        "markers", "tool(name, ...): programs that a test needs; skipped where one is missing"
    )
    # Tests must pass on a busy machine, so Hypothesis has no deadline.
    patient: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
    settings.register_profile("few", max_examples=FEW_EXAMPLES, **patient)
    settings.register_profile("many", **patient)
    long = config.getoption("--long") or config.getoption("--all")
    settings.load_profile("many" if long else "few")
    path = getattr(config, "workerinput", {}).get(FULL_PATH, os.environ.get("PATH", os.defpath))
    folder = Path(tempfile.mkdtemp(prefix="allspin-bare-"))
    config.add_cleanup(lambda: shutil.rmtree(folder))
    machine = config.stash[MACHINE] = Machine(path, folder)
    os.environ["PATH"] = machine.bare_path


def pytest_unconfigure(config: pytest.Config) -> None:
    """Give the process its PATH back."""
    if machine := config.stash.get(MACHINE, None):
        os.environ["PATH"] = machine.path


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell a worker of pytest-xdist the whole PATH."""
    node.workerinput[FULL_PATH] = node.config.stash[MACHINE].path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test find the tools that it asks for, from its first fixture to its last."""
    machine = item.config.stash[MACHINE]
    os.environ["PATH"] = machine.path_with(_tools(item))
    try:
        return (yield)
    finally:
        os.environ["PATH"] = machine.bare_path


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test that asks for a tool that is not installed."""
    for tool in _tools(item):
        if shutil.which(tool) is None:
            raise ToolMissing(f"{tool} is not installed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that `make long` and `make mutants` pass."""
    parser.addoption("--long", action="store_true", help="tests of minutes; many examples")
    parser.addoption("--all", action="store_true", help="these, and all the others")


def _is_long(item: pytest.Item) -> bool:
    """True if a test takes minutes, or if its duration grows with the number of examples."""
    of_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return of_property or item.get_closest_marker(LONG) is not None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run those that take minutes, with properties on many examples, or all the others."""
    if config.getoption("--all"):
        return
    if config.getoption("--long"):
        chosen = [item for item in items if _is_long(item)]
    else:
        chosen = [item for item in items if item.get_closest_marker(LONG) is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _refuse(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make a skip a failure."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"only a test that asks for a tool may be skipped ({reason})"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that was skipped for another reason."""
    report = yield
    missing = call.excinfo is not None and isinstance(call.excinfo.value, ToolMissing)
    if report.skipped and not missing and not hasattr(report, "wasxfail"):
        _refuse(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a file that was skipped as a whole."""
    report = yield
    if report.skipped:
        _refuse(report)
    return report


@pytest.fixture(autouse=True, scope="session")
def _no_beat() -> Iterator[None]:
    """Suppress the lines that tell that a slow step goes on: the tests' machine may be busy."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLSPIN_TICK", "3600")
        yield


@pytest.fixture(autouse=True, scope="session")
def _interrupts_arrive() -> Iterator[None]:
    """Let processes that tests start be interrupted, even under ``nohup make test &``.

    SIGINT is ignored under it, and children inherit that; a handler becomes the default in them.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
