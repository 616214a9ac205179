"""Change the sources a little, many times over, and see whether the tests notice.

Called by ``make mutants COUNT=300 SEED=0``; see ``docs/verification.md``.
"""

import argparse
import contextlib
import json
import os
import queue
import resource
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.table import ROOT, TABLE, Table, sample
from tests.mutants.tree import Stopped, Tree, folder_of_copies, listed_files
from tests.mutants.trial import KILLED, OUTCOMES, SURVIVED, BrokenTest, Outcome, Trials

MARKS = ("<!-- make mutants SEED={} -->", "<!-- end of SEED={} -->")
"""What is around the part of a document that one seed's result goes into."""
KEPT = ROOT / "build" / "mutants"
"""Git ignores it."""
RESULTS = "results.jsonl"
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
        self._path = path
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], Outcome] = {}
        self._kills: dict[str, Counter[str]] = {}
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(line)
                name = entry["mutant"].partition(":")[0]
                self._take(name, entry["key"], entry["state"], Outcome(**entry["outcome"]))
        if text and not text.endswith("\n"):
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")

    def _take(self, path: str, key: str, state: str, outcome: Outcome) -> None:
        self._found[key, state] = outcome
        if outcome.by:
            self._kills.setdefault(path, Counter())[outcome.by] += 1

    def of(self, mutant: Mutant, state: str) -> Outcome | None:
        """What became of a mutant while everything was as it is now."""
        return self._found.get((mutant.key, state))

    def kills(self, mutant: Mutant) -> dict[str, int]:
        """How many mutants of the same file each test has killed, however everything was then."""
        with self._lock:
            return dict(self._kills.get(mutant.path, {}))

    def add(self, mutant: Mutant, state: str, outcome: Outcome) -> None:
        """Keep what became of a mutant."""
        entry = {"key": mutant.key, "state": state, "mutant": str(mutant)}
        line = json.dumps({**entry, "outcome": asdict(outcome)})
        with self._lock:
            self._take(mutant.path, mutant.key, state, outcome)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())


def try_all(
    mutants: Sequence[Mutant],
    table: Table,
    names: Sequence[str],
    results: Results,
    folder: Path,
    jobs: int,
) -> Iterator[tuple[Mutant, Outcome]]:
    """What becomes of mutants, as it turns out; those that are known come first."""
    states = {mutant.path: "" for mutant in mutants}
    states = {path: table.state(path) for path in states}
    waiting: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    left = 0
    for mutant in mutants:
        known = results.of(mutant, states[mutant.path])
        if known is not None:
            yield mutant, known
        else:
            waiting.put(mutant)
            left += 1
    if not left:
        return
    trials = Trials(table, KEPT)
    trees = [
        Tree(table.root, names, folder / str(number), KEPT / "cache")
        for number in range(min(jobs, left))
    ]
    done: queue.SimpleQueue[tuple[Mutant, Outcome] | BaseException] = queue.SimpleQueue()

    ended = threading.Semaphore(0)

    def work(tree: Tree) -> None:
        try:
            while True:
                mutant = waiting.get_nowait()
                outcome = trials.run(tree, mutant, results.kills(mutant))
                results.add(mutant, states[mutant.path], outcome)
                done.put((mutant, outcome))
        except queue.Empty:
            tree.close()
            ended.release()
        except BaseException as error:
            done.put(error)

    try:
        threads = [threading.Thread(target=work, args=(tree,), daemon=True) for tree in trees]
        for thread in threads:
            thread.start()
        for _ in range(left):
            news = done.get()
            if isinstance(news, BaseException):
                raise news
            yield news
        for _ in threads:
            ended.acquire(timeout=10)
    finally:
        for tree in trees:
            tree.stop()


def share(found: Found) -> str:
    """How many of those that live were killed."""
    counts = Counter(outcome.outcome for _, outcome in found)
    living = counts[KILLED] + counts[SURVIVED]
    return f"{100 * counts[KILLED] / max(living, 1):.1f} % of {living} killed"


def rows(found: Found) -> Iterator[tuple[str, list[int]]]:
    """How many mutants each file had, and of each outcome; in the end those of all."""
    paths = sorted({mutant.path for mutant, _ in found})
    for name in (*paths, "all"):
        counts = Counter(o.outcome for mutant, o in found if name in (mutant.path, "all"))
        yield name, [counts.total(), *(counts[outcome] for outcome in OUTCOMES)]


def report(found: Found, table: Table) -> Iterator[str]:
    """Lines for a terminal."""
    yield f"{'':34}" + "".join(f"{name:>12}" for name in COLUMNS)
    for name, numbers in rows(found):
        yield f"{name:34}" + "".join(f"{number:12}" for number in numbers)
    yield ""
    yield share(found)
    for mutant, outcome in found:
        if outcome.outcome == SURVIVED:
            reason = table.reason(mutant)
            yield f"survived: {mutant}" + (f" ({reason})" if reason else "")


def document(found: Found, table: Table, seed: int) -> Iterator[str]:
    """The same as Markdown."""
    yield ""
    yield f"`make mutants COUNT={len(found)} SEED={seed}`: {share(found)}."
    yield ""
    yield "| file | " + " | ".join(COLUMNS) + " |"
    yield "| --- |" + " --- |" * len(COLUMNS)
    for name, numbers in rows(found):
        yield f"| {name} | " + " | ".join(map(str, numbers)) + " |"
    yield ""
    for mutant, outcome in found:
        if outcome.outcome == SURVIVED:
            yield f"- `{mutant}`: {table.reason(mutant) or 'no test sees it yet'}"


def _processor_seconds() -> float:
    """Of this process, and of those that it has waited for."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


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
        results = Results(KEPT / RESULTS)
        found = []
        try:
            for mutant, outcome in try_all(chosen, table, names, results, folder, arguments.jobs):
                found.append((mutant, outcome))
                by = outcome.by.rpartition("/")[2]
                print(f"{len(found):4} {outcome.outcome:10} {mutant}  {by or outcome.said}")
                sys.stdout.flush()
        except BrokenTest as error:
            print(error, file=sys.stderr)
            return 2
        except (KeyboardInterrupt, Stopped):
            print("stopped; the same command goes on from here", file=sys.stderr)
            return 130
        print(*report(found, table), sep="\n")
        print(f"{time.monotonic() - begun:.0f} s, and {_processor_seconds():.0f} s of processors")
        if arguments.document is not None:
            # Not at the top: it needs the whole package.
            from allspin.host.show.table import Marks

            lines = document(found, table, arguments.seed)
            marks = Marks(*(mark.format(arguments.seed) for mark in MARKS))
            marks.fill(arguments.document, "\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
