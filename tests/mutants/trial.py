"""What becomes of a mutant."""

import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.table import Table
from tests.mutants.tree import SHARES_CACHE, Tree

KILLED, SURVIVED, EQUIVALENT, STILLBORN = OUTCOMES = (
    "killed",
    "survived",
    "equivalent",
    "stillborn",
)
IMPORTS_NOT = "it does not import"


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Parameters
    ----------
    outcome : str
        One of `OUTCOMES`.
    by : str
        The test that failed.
    said : str
        What it said, in a line.
    seconds : float
        How long it took.
    """

    outcome: str
    by: str = ""
    said: str = ""
    seconds: float = 0.0


class BrokenTest(Exception):
    """A test fails without a mutant too."""


class Trials:
    """What the trials of all copies share.

    Parameters
    ----------
    table : Table
        Of the tree that the copies are of.
    kept : Path
        Where figures are kept from one run to the next: seconds of tests, lines of designs.
    """

    def __init__(self, table: Table, kept: Path) -> None:
        self._table = table
        self._known_path = kept / "seconds.json"
        self._known: dict[str, float] = {}
        if self._known_path.exists():
            self._known = json.loads(self._known_path.read_text())
        self._lock = threading.Lock()
        self._sound: set[tuple[str, str]] = set()
        self._designs_path = kept / "designs.json"
        self._designs: dict[str, dict] = {}

    def look_at_designs(self, trees: Sequence[Tree], state: str) -> None:
        """Find out what each design executes and comes to, unless that is known."""
        try:
            kept = json.loads(self._designs_path.read_text())
        except (OSError, ValueError):
            kept = {}
        if kept.get("state") != state:
            with ThreadPoolExecutor(len(trees)) as pool:
                lines, digests = pool.submit(trees[0].lines), pool.submit(trees[-1].digests)
                kept = {"state": state, "lines": lines.result(), "digests": digests.result()}
            write(self._designs_path, json.dumps(kept))
        self._designs = kept

    def run(self, tree: Tree, mutant: Mutant) -> Outcome:
        """Try a mutant in a copy.

        Raises
        ------
        BrokenTest
            If the test that fails does so without the mutant.
        """
        start = time.monotonic()
        tree.put(mutant)
        try:
            outcome, by, said = self._try(tree, mutant)
        finally:
            tree.restore(mutant, self._table.root)
        if outcome == KILLED:
            self._check_soundness(tree, mutant, by)
        return Outcome(outcome, by, said, round(time.monotonic() - start, 1))

    def _try(self, tree: Tree, mutant: Mutant) -> tuple[str, str, str]:
        designs = self._designs_of(mutant)
        if designs:
            [said] = tree.digests(designs[:1]).values() or [IMPORTS_NOT]
            if " " in said:
                return STILLBORN, "", said
        elif not tree.imports(mutant.path):
            return STILLBORN, "", IMPORTS_NOT
        report = self._test(tree, mutant, self._table.tests(mutant.path))
        if report["failed"] is not None:
            return KILLED, report["failed"], report["said"]
        # What is refused, no RTLIL tells.
        if designs and not mutant.refuses:
            expected = self._designs["digests"]
            for name, digest in tree.digests(designs, expected).items():
                if digest != expected[name]:
                    return SURVIVED, "", f"changes the RTLIL of: {name}"
            return EQUIVALENT, "", f"leaves the RTLIL of {len(designs)} designs as it is"
        return SURVIVED, "", ""

    def _test(self, tree: Tree, mutant: Mutant, tests: tuple[str, ...]) -> dict:
        report = tree.test(tests, self._known_path, mutant.path.startswith(SHARES_CACHE))
        with self._lock:
            self._known |= report["passed"]
            write(self._known_path, json.dumps(self._known, sort_keys=True))
        return report

    def _check_soundness(self, tree: Tree, mutant: Mutant, by: str) -> None:
        """See that the test which failed passes without the mutant."""
        tests = (by,) if by else self._table.tests(mutant.path)
        name = by or mutant.path, self._table.state(mutant.path)
        if name in self._sound:
            return
        report = self._test(tree, mutant, tests)
        if report["failed"] is not None:
            raise BrokenTest(f"{report['failed']} fails without a mutant: {report['said']}")
        self._sound.add(name)

    def _designs_of(self, mutant: Mutant) -> list[str]:
        """The designs that execute what is changed; at the top of a file, any of it."""
        changed = set(range(mutant.line, mutant.last_line + 1))
        return [
            name
            for name, lines in self._designs.get("lines", {}).items()
            if (executed := lines.get(mutant.path))
            and (not mutant.in_function or changed.intersection(executed))
        ]


def write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
