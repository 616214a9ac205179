"""Change the sources a little, many times over, and see whether the tests notice.

Called by ``make mutants COUNT=300 SEED=0``; see ``docs/verification.md``.
"""

import argparse
import contextlib
import json
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.mutants.mutations import Mutant
from tests.mutants.table import ROOT, TABLE, Table, sample
from tests.mutants.tree import Stopped, Tree, listed_files
from tests.mutants.trial import KILLED, OUTCOMES, SURVIVED, BrokenTest, Outcome, Trials

MARKS = ("<!-- make mutants SEED={} -->", "<!-- end of SEED={} -->")
"""Marks around the part of a document that one seed's result goes into."""
KEPT = ROOT / "build" / "mutants"
"""Git ignores it."""
RESULTS = "results.jsonl"
COLUMNS = ("mutants", *OUTCOMES)
Found = Sequence[tuple[Mutant, Outcome]]


class Results:
    """Outcomes of mutants, in a file that grows by a line for each.

    Parameters
    ----------
    path : Path
        The file; a last line that is not whole is of a run that was killed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Outcome] = {}
        self._kills: dict[str, Counter[str]] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                self._take(json.loads(line))
        if text and not text.endswith("\n"):
            path.write_text(f"{text}\n", encoding="utf-8")

    def _take(self, entry: dict[str, Any]) -> None:
        outcome = Outcome(**entry["outcome"])
        self._found[entry["key"], entry["state"]] = outcome
        if outcome.by:
            path = entry["mutant"].partition(":")[0]
            self._kills.setdefault(path, Counter())[outcome.by] += 1

    def of(self, mutant: Mutant, state: str) -> Outcome | None:
        """Outcome of a mutant for this state of its file and tests; None if it was not tried."""
        return self._found.get((mutant.key, state))

    def kills(self, mutant: Mutant) -> dict[str, int]:
        """Number of mutants of the same file that each test has killed, in any state."""
        with self._lock:
            return dict(self._kills.get(mutant.path, {}))

    def add(self, mutant: Mutant, state: str, outcome: Outcome) -> None:
        """Keep a mutant's outcome."""
        entry = {
            "key": mutant.key,
            "state": state,
            "mutant": str(mutant),
            "outcome": asdict(outcome),
        }
        with self._lock:
            self._take(entry)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


def try_all(
    mutants: Sequence[Mutant],
    table: Table,
    names: Sequence[str],
    results: Results,
    folder: Path,
    jobs: int,
) -> Iterator[tuple[Mutant, Outcome]]:
    """Outcomes of mutants, one by one as they are found; known ones come first."""
    states = {path: table.state(path) for path in {mutant.path for mutant in mutants}}
    waiting = []
    for mutant in mutants:
        known = results.of(mutant, states[mutant.path])
        if known is None:
            waiting.append(mutant)
        else:
            yield mutant, known
    trials = Trials(table, KEPT)
    trees = [
        Tree(table.root, names, folder / str(number), KEPT / "cache")
        for number in range(min(jobs, len(waiting)))
    ]
    free: queue.SimpleQueue[Tree] = queue.SimpleQueue()
    for tree in trees:
        free.put(tree)

    def work(mutant: Mutant) -> tuple[Mutant, Outcome]:
        tree = free.get()
        try:
            outcome = trials.run(tree, mutant, results.kills(mutant))
        finally:
            free.put(tree)
        results.add(mutant, states[mutant.path], outcome)
        return mutant, outcome

    with ThreadPoolExecutor(max(len(trees), 1)) as pool:
        try:
            for future in as_completed([pool.submit(work, mutant) for mutant in waiting]):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for tree in trees:
                tree.stop()


def share(found: Found) -> str:
    """Share of the killed among the killed and the surviving mutants, as a text."""
    counts = Counter(outcome.outcome for _, outcome in found)
    living = counts[KILLED] + counts[SURVIVED]
    return f"{100 * counts[KILLED] / max(living, 1):.1f} % of {living} killed"


def document(found: Found, table: Table, seed: int) -> Iterator[str]:
    """The result as Markdown: a table of files, and the mutants that survived."""
    yield ""
    yield f"`make mutants COUNT={len(found)} SEED={seed}`: {share(found)}."
    yield ""
    yield "| file | " + " | ".join(COLUMNS) + " |"
    yield "| --- |" + " --- |" * len(COLUMNS)
    for name in (*sorted({mutant.path for mutant, _ in found}), "all"):
        counts = Counter(o.outcome for mutant, o in found if name in (mutant.path, "all"))
        numbers = counts.total(), *(counts[outcome] for outcome in OUTCOMES)
        yield f"| {name} | " + " | ".join(map(str, numbers)) + " |"
    yield ""
    for mutant, outcome in found:
        if outcome.outcome == SURVIVED:
            yield f"- `{mutant}`: {table.reason(mutant) or 'no test sees it yet'}"


def main() -> int:
    """Run the command."""
    begun = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=30, help="how many mutants; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at the same time")
    parser.add_argument("--files", nargs="*", default=["*"], help="patterns of files")
    parser.add_argument("--line", type=int, help="only those of this line")
    parser.add_argument("--list", action="store_true", help="name them, and try none")
    parser.add_argument("--document", type=Path, help="write the result into it, between marks")
    arguments = parser.parse_args()
    if arguments.count < 0 or arguments.jobs < 1:
        parser.error("--count must not be negative, and --jobs at least 1")
    KEPT.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="allspin-mutants-") as name:
        folder = Path(name)
        # Edits of the tree meanwhile do not disturb the run.
        names = listed_files(ROOT)
        whole = Tree(ROOT, names, folder / "whole", KEPT / "cache")
        table = Table.read(whole.root / TABLE.relative_to(ROOT), whole.root)
        every = [
            mutant
            for mutant in table.mutants()
            if any(fnmatchcase(mutant.path, pattern) for pattern in arguments.files)
            and arguments.line in (None, mutant.line)
        ]
        chosen = sample(every, arguments.seed, arguments.count or len(every))
        print(f"{len(chosen)} of {len(every)} mutants, seed {arguments.seed}", flush=True)
        if arguments.list:
            print(*chosen, sep="\n")
            return 0
        found = []
        results = Results(KEPT / RESULTS)
        try:
            for mutant, outcome in try_all(chosen, table, names, results, folder, arguments.jobs):
                found.append((mutant, outcome))
                said = outcome.by.rpartition("/")[2] or outcome.said
                print(f"{len(found):4} {outcome.outcome:10} {mutant}  {said}", flush=True)
        except BrokenTest as error:
            print(error, file=sys.stderr)
            return 2
        except (KeyboardInterrupt, Stopped):
            print("stopped; the same command goes on from here", file=sys.stderr)
            return 130
        lines = [*document(found, table, arguments.seed)]
        print(*lines, f"{time.monotonic() - begun:.0f} s", sep="\n")
        if arguments.document is not None:
            # Not at the top: it needs the whole package.
            from allspin.host.show.document import Marks

            marks = Marks(*(mark.format(arguments.seed) for mark in MARKS))
            marks.fill(arguments.document, "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
