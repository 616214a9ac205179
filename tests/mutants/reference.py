"""Digests of the designs without a mutant, and the lines that they execute; made when asked."""

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.tree import Tree, write

AT_ONCE = 8
"""Designs whose lines are looked at together."""


class Reference:
    """The designs of the tree as it is.

    Parameters
    ----------
    path : Path
        File that keeps these for the next run.
    state : str
        Digest of all that the designs are made of; a file of another state is of no use.
    """

    def __init__(self, path: Path, state: str) -> None:
        self._path = path
        self._state = state
        self._lock = threading.Lock()
        self._names: list[str] = []
        self._lines: dict[str, dict[str, list[int]]] = {}
        self._digests: dict[bool, dict[str, str]] = {False: {}, True: {}}
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["state"] == state:
                self._names = kept["names"]
                self._lines = kept["lines"]
                self._digests = {False: kept["digests"], True: kept["optimised"]}

    def digests(self, tree: Tree, names: Sequence[str], optimised: bool = False) -> dict[str, str]:
        """Digests of designs; `tree` has no mutant."""
        with self._lock:
            known = self._digests[optimised]
            missing = [name for name in names if name not in known]
            if missing:
                known |= tree.digests(missing, optimised=optimised)
                self._keep()
            return {name: known[name] for name in names}

    def executing(self, tree: Tree, mutant: Mutant) -> Iterator[str]:
        """The designs that execute a mutant's lines; `tree` is without the mutant."""
        with self._lock:
            if not self._names:
                self._names = tree.design_names()
                self._keep()
        for place, name in enumerate(self._names):
            with self._lock:
                if name not in self._lines:
                    following = self._names[place : place + AT_ONCE]
                    self._lines |= tree.lines([n for n in following if n not in self._lines])
                    self._keep()
                executed = self._lines[name].get(mutant.path)
            # Every design that executes any line of a file executes its top level.
            if executed and (not mutant.in_function or set(mutant.lines) & set(executed)):
                yield name

    def _keep(self) -> None:
        kept = {
            "state": self._state,
            "names": self._names,
            "lines": self._lines,
            "digests": self._digests[False],
            "optimised": self._digests[True],
        }
        write(self._path, json.dumps(kept))
