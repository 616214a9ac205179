"""Change the sources a little, many times over, and see whether the tests notice.

Called by ``make mutants COUNT=300 SEED=0``; see ``docs/verification.md``.
"""

import argparse
import json
import os
import queue
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.table import ROOT, TABLE, Table, sample
from tests.mutants.tree import Stopped, Tree, folder_of_copies, listed_files, write
from tests.mutants.trial import KILLED, OUTCOMES, SURVIVED, BrokenTest, Outcome, Trials

MARKS = ("<!-- make mutants SEED={} -->", "<!-- end of SEED={} -->")
"""What is around the part of a document that one seed's result goes into."""
KEPT = ROOT / "build" / "mutants"
"""Git ignores it."""
COLUMNS = ("mutants", *OUTCOMES)
Found = Sequence[tuple[Mutant, Outcome]]


class Results:
    """What has become of mutants, in a file that grows by a line for each.

    Parameters
    ----------
    path : Path
        The file; a last line that is not whole is of a run that was killed.
    """

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        whole = [line for line in lines if line.endswith("}}")]
        write(path, "".join(line + "\n" for line in whole))
        self._entries = [json.loads(line) for line in whole]
        self._path = path
        self._lock = threading.Lock()

    def of(self, mutant: Mutant, state: str) -> Outcome | None:
        """What became of a mutant while everything was as it is now."""
        for entry in reversed(self._entries):
            if (entry["key"], entry["state"]) == (mutant.key, state):
                return Outcome(**entry["outcome"])
        return None

    def kills(self, mutant: Mutant) -> Counter[str]:
        """How many mutants of the same file each test has killed, however everything was then."""
        start = f"{mutant.path}:"
        with self._lock:
            same = [each for each in self._entries if each["mutant"].startswith(start)]
        return Counter(each["outcome"]["by"] for each in same if each["outcome"]["by"])

    def add(self, mutant: Mutant, state: str, outcome: Outcome) -> None:
        """Keep what became of a mutant."""
        entry = {"key": mutant.key, "state": state, "mutant": str(mutant)}
        entry["outcome"] = asdict(outcome)
        with self._lock:
            self._entries.append(entry)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")


def try_all(
    mutants: Sequence[Mutant], table: Table, names: Sequence[str], folder: Path, jobs: int
) -> Iterator[tuple[Mutant, Outcome]]:
    """What becomes of mutants, as it turns out; those that are known come first."""
    results = Results(KEPT / "results.jsonl")
    states = {path: table.state(path) for path in {mutant.path for mutant in mutants}}
    waiting = []
    for mutant in mutants:
        if (known := results.of(mutant, states[mutant.path])) is not None:
            yield mutant, known
        else:
            waiting.append(mutant)
    trials = Trials(table, KEPT)
    trees = [
        Tree(table.root, names, folder / str(number), KEPT / "cache")
        for number in range(min(jobs, len(waiting)))
    ]
    free: queue.SimpleQueue[Tree] = queue.SimpleQueue()
    for tree in trees:
        free.put(tree)

    def work(mutant: Mutant) -> Outcome:
        tree = free.get()
        try:
            outcome = trials.run(tree, mutant, results.kills(mutant))
        finally:
            free.put(tree)
        results.add(mutant, states[mutant.path], outcome)
        return outcome

    with ThreadPoolExecutor(max(1, len(trees))) as pool:
        tasks = {pool.submit(work, mutant): mutant for mutant in waiting}
        try:
            for task in as_completed(tasks):
                yield tasks[task], task.result()
        finally:
            for tree in trees:
                tree.stop()
            pool.shutdown(cancel_futures=True)
            for tree in trees:
                tree.close()


def report(found: Found, table: Table, head: str) -> Iterator[str]:
    """What has become of all: a table in Markdown, and those that survived."""
    counts = Counter(outcome.outcome for _, outcome in found)
    living = counts[KILLED] + counts[SURVIVED]
    yield f"{head}: {100 * counts[KILLED] / max(living, 1):.1f} % of {living} killed."
    yield ""
    yield "| file | " + " | ".join(COLUMNS) + " |"
    yield "| --- |" + " --- |" * len(COLUMNS)
    for name in (*sorted({mutant.path for mutant, _ in found}), "all"):
        of_file = Counter(o.outcome for mutant, o in found if name in (mutant.path, "all"))
        numbers = (of_file.total(), *(of_file[outcome] for outcome in OUTCOMES))
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
    KEPT.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with folder_of_copies() as folder:
        # Whoever edits the tree meanwhile disturbs nothing.
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
        bare = sorted({mutant.path for mutant in chosen if not table.tests(mutant.path)})
        if bare:
            print(f"no tests: {', '.join(bare)}; give them a row in {TABLE.name}", file=sys.stderr)
            return 2
        if arguments.list:
            print(*chosen, sep="\n")
            return 0
        found = []
        try:
            for mutant, outcome in try_all(chosen, table, names, folder, arguments.jobs):
                found.append((mutant, outcome))
                by = outcome.by.rpartition("/")[2] or outcome.said
                print(f"{len(found):4} {outcome.outcome:10} {mutant}  {by}", flush=True)
        except BrokenTest as error:
            print(error, file=sys.stderr)
            return 2
        except (KeyboardInterrupt, Stopped):
            print("stopped; the same command goes on from here", file=sys.stderr)
            return 130
        head = f"`make mutants COUNT={len(found)} SEED={arguments.seed}`"
        lines = [*report(found, table, head)]
        print(*lines, f"{time.monotonic() - begun:.0f} s", sep="\n")
        if arguments.document is not None:
            # Not at the top: it needs the whole package.
            from allspin.host.show.table import Marks

            marks = Marks(*(mark.format(arguments.seed) for mark in MARKS))
            marks.fill(arguments.document, "\n".join(["", *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
