"""Trials of mutants by tests, and of survivors by the RTLIL of designs."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.mutants.mutations import Mutant
from tests.mutants.reference import Reference
from tests.mutants.table import Table
from tests.mutants.tree import GATEWARE, SHARES_CACHE, Tree, write

KILLED, SURVIVED, EQUIVALENT, STILLBORN = OUTCOMES = (
    "killed",
    "survived",
    "equivalent",
    "stillborn",
)
COMPLAIN = ("tests", "hdl/bench")
"""Folders of checks: an error that they raise is about the code that they check."""
IMPORTS_NOT = "it does not import"


@dataclass(frozen=True)
class Outcome:
    """Outcome of a mutant.

    Parameters
    ----------
    outcome : str
        One of `OUTCOMES`.
    by : str
        The test that failed.
    said : str
        Message of the test, or finding about the designs, in a line.
    seconds : float
        Duration of the trial.
    """

    outcome: str
    by: str = ""
    said: str = ""
    seconds: float = 0.0


class BrokenTest(Exception):
    """A test fails without a mutant too."""


class Trials:
    """Figures and designs that the trials of all copies share.

    Parameters
    ----------
    table : Table
        Table of the tree that the copies are of.
    kept : Path
        Folder that keeps figures from one run to the next: seconds and soundness of tests, lines
        of designs.
    """

    def __init__(self, table: Table, kept: Path) -> None:
        self._table = table
        self._known_path = kept / "seconds.json"
        self._known: dict[str, float] = _read(self._known_path)
        # State in which a test passed; a test that passes with some mutant passes without one.
        self._sound_path = kept / "sound.json"
        self._sound: dict[str, str] = _read(self._sound_path)
        self._states: dict[str, str] = {}
        self._lock = threading.Lock()
        self._reference = Reference(kept / "designs.json", table.state_of_designs())

    def run(self, tree: Tree, mutant: Mutant, kills: Mapping[str, int]) -> Outcome:
        """Try a mutant in a copy, which is then as it was.

        Parameters
        ----------
        tree : Tree
            The copy.
        mutant : Mutant
            The mutant.
        kills : mapping of str to int
            Number of mutants of the same file that each test has killed.

        Raises
        ------
        BrokenTest
            If the test that fails does so without the mutant.
        """
        start = time.monotonic()
        with tree.changed(mutant):
            report = self._test(tree, self._table.tests(mutant.path), mutant, kills)
        if report["failed"] is None:
            outcome, said = self._survivor(tree, mutant)
        else:
            outcome, said = KILLED, report["said"]
            if not self._complains(tree, report["where"]):
                outcome, said = self._stillborn(tree, mutant) or (outcome, said)
            if outcome == KILLED:
                self._check_soundness(tree, mutant, report["failed"])
        by = (report["failed"] or "") if outcome == KILLED else ""
        return Outcome(outcome, by, said, round(time.monotonic() - start, 1))

    @staticmethod
    def _complains(tree: Tree, where: str) -> bool:
        """True if a test or a bench raised the error itself, which shows that the mutant ran."""
        return any(Path(where).is_relative_to(tree.root / part) for part in COMPLAIN)

    def _stillborn(self, tree: Tree, mutant: Mutant) -> tuple[str, str] | None:
        """Outcome if the first design that executes the mutant's lines cannot be elaborated."""
        design = None
        if mutant.path.startswith(GATEWARE):
            design = next(self._reference.executing(tree, mutant), None)
        with tree.changed(mutant):
            if design is None:
                return None if tree.imports(mutant.path) else (STILLBORN, IMPORTS_NOT)
            [said] = tree.digests([design]).values() or [IMPORTS_NOT]
        return (STILLBORN, said) if " " in said else None

    def _survivor(self, tree: Tree, mutant: Mutant) -> tuple[str, str]:
        """Outcome by the RTLIL of the designs that execute the mutant's lines."""
        # RTLIL does not show refusals.
        if mutant.refuses or not mutant.path.startswith(GATEWARE):
            return SURVIVED, ""
        names = list(self._reference.executing(tree, mutant))
        if not names:
            return SURVIVED, "no design executes it"
        if self._first_that_differs(tree, mutant, names) is None:
            return EQUIVALENT, f"leaves the RTLIL of {len(names)} designs as it is"
        name = self._first_that_differs(tree, mutant, names, optimised=True)
        if name is None:
            return EQUIVALENT, f"leaves the optimised RTLIL of {len(names)} designs as it is"
        return SURVIVED, f"changes the RTLIL of: {name}"

    def _first_that_differs(
        self, tree: Tree, mutant: Mutant, names: list[str], optimised: bool = False
    ) -> str | None:
        # Most differ in the first already.
        for some in (names[:1], names[1:]):
            expected = self._reference.digests(tree, some, optimised)
            with tree.changed(mutant):
                found = tree.digests(some, expected, optimised) if some else {}
            for name, digest in found.items():
                if digest != expected[name]:
                    return name
        return None

    def _test(
        self,
        tree: Tree,
        tests: tuple[str, ...],
        mutant: Mutant,
        kills: Mapping[str, int] = MappingProxyType({}),
    ) -> dict:
        report = tree.test(tests, self._known_path, kills, mutant.path.startswith(SHARES_CACHE))
        with self._lock:
            self._known |= report["passed"]
            self._sound |= {test: self._state(test) for test in report["passed"]}
            write(self._known_path, json.dumps(self._known, sort_keys=True))
            write(self._sound_path, json.dumps(self._sound, sort_keys=True))
        return report

    def _state(self, test: str) -> str:
        """Digest of all that decides whether a test passes without a mutant."""
        file = test.partition("::")[0]
        if file not in self._states:
            self._states[file] = self._table.state(file)
        return self._states[file]

    def _check_soundness(self, tree: Tree, mutant: Mutant, by: str) -> None:
        """See that the test which failed passes without the mutant."""
        tests = (by,) if by else self._table.tests(mutant.path)
        if not all(self._sound.get(test) == self._state(test) for test in tests):
            report = self._test(tree, tests, mutant)
            if report["failed"] is not None:
                raise BrokenTest(f"{report['failed']} fails without a mutant: {report['said']}")


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
