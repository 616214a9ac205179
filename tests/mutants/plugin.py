"""Plugin of pytest for a mutant: promising tests first, a limit for each, and a report.

Loaded with ``-p``; two variables of the environment name files. `REPORT` is written when the
session ends: an object with ``failed`` (the first test that failed, or null), ``said`` (in a
line), ``where`` (the file that raised it) and ``passed`` (seconds of processor time of each other
test). `KNOWN` has such seconds from runs before. A third variable, `KILLS`, is an object itself:
the number of such mutants that each test has killed.
"""

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import HealthCheck, Phase, settings

REPORT = "ALLSPIN_MUTANT_REPORT"
KNOWN = "ALLSPIN_MUTANT_KNOWN"
KILLS = "ALLSPIN_MUTANT_KILLS"
UNKNOWN_SECONDS = 30.0
"""Seconds assumed for a test that has not been run before, as many as a long one takes."""
LEAST_SECONDS = 30.0
PATIENCE = 10
"""Limit of processor time, in multiples of a test's known time: a mutant may run for ever."""
TIMERS = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}
"""Signals of the timers of processor time and of wall time."""
SHARE = 10
"""Limit of wall time, in multiples of that of processor time: a mutant may sleep for ever, too."""

# The same examples each time, and the first that fails is enough.
settings.register_profile(
    "mutants",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)


class OutOfTime(BaseException):
    """A test took far longer than it should; no handler of the code under test takes it."""


class Session:
    """One run of pytest."""

    def __init__(self) -> None:
        known = os.environ.get(KNOWN)
        self.known: dict[str, float] = (
            json.loads(Path(known).read_text()) if known and Path(known).exists() else {}
        )
        self.kills: dict[str, int] = json.loads(os.environ.get(KILLS, "{}"))
        self.passed: dict[str, float] = {}
        self.failed: str | None = None
        self.said = ""
        self.where = ""

    def seconds(self, name: str) -> float:
        """Expected processor time of a test."""
        return self.known.get(name, UNKNOWN_SECONDS)

    def price(self, item: pytest.Item) -> float:
        """Seconds that are expected to be spent for a kill, up to a factor."""
        return self.seconds(item.nodeid) / (1 + self.kills.get(item.nodeid, 0))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Cheap tests that kill first."""
        items.sort(key=self.price)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Limit and measure the processor's time, which other processes do not change."""
        limit = max(LEAST_SECONDS, PATIENCE * self.seconds(item.nodeid))

        def stop(number: int, frame: FrameType | None) -> None:
            raise OutOfTime(f"more than {limit:.0f} s")

        before = {number: signal.signal(number, stop) for number in TIMERS.values()}
        signal.setitimer(signal.ITIMER_PROF, limit)
        signal.setitimer(signal.ITIMER_REAL, SHARE * limit)
        start = _seconds()
        try:
            return (yield)
        finally:
            for timer, number in TIMERS.items():
                signal.setitimer(timer, 0)
                signal.signal(number, before[number])
            self.passed[item.nodeid] = round(_seconds() - start, 3)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the first failure."""
        if report.failed and self.failed is None:
            self.failed = report.nodeid
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash is not None else str(report.longrepr)
            self.where = crash.path if crash is not None else ""
            self.said = text.strip().splitlines()[0] if text.strip() else ""

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of tests that cannot even be read."""
        if report.failed and self.failed is None:
            self.failed = report.nodeid
            self.said = str(report.longrepr).strip().splitlines()[-1]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Write the report."""
        if self.failed is not None:
            self.passed.pop(self.failed, None)
        report = {name: getattr(self, name) for name in ("failed", "said", "where", "passed")}
        Path(os.environ[REPORT]).write_text(json.dumps(report))


def _seconds() -> float:
    """Processor time of this process and of those that it has waited for: tools, solvers."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take part in this session, and be the last who chooses examples."""
    settings.load_profile("mutants")
    config.option.all = True  # those that take minutes, too
    config.pluginmanager.register(Session(), "mutants-session")
