"""Images/s of the golden model and of other programs, side by side."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

from allspin.host.study.bench.peers.program import GOLDEN, PLAIN, Program
from allspin.host.study.bench.peers.simulators import PEERS
from allspin.host.study.bench.timing import Timed, median
from allspin.sim.errors import UserError

PROCESS = "allspin.host.study.bench.peers"
"""What a process runs."""

TARGETS = {
    (PLAIN, False): 0.9,
    ("aihwkit-lightning", False): 1.0,
    ("aihwkit-lightning", True): 3.0,
    ("CrossSim", True): 1000.0,
}
"""How many times as fast the golden model shall be, by program and whether it is noisy."""

Say = Callable[[str], None]


class Apart:
    """A process for one program's runs, which ends with this one, however that does."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # an interrupt is for this process alone
        )

    def __enter__(self) -> "Apart":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, program: Program) -> tuple[Timed, float]:
        """What `allspin.host.study.bench.peers.program.run` finds there.

        Raises
        ------
        UserError
            If the process has ended.
        """
        told, answers = self._process.stdin, self._process.stdout
        assert told is not None
        assert answers is not None
        try:
            told.write(json.dumps(asdict(program)) + "\n")
            told.flush()
            answer = answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise UserError(f"the process of {program.name} ended, perhaps for want of memory")
        wall, processor, accuracy = json.loads(answer)
        return Timed(wall, processor), accuracy


def ratios(program: Program, repeats: int, say: Say) -> list[dict[str, Any]]:
    """Images/s of one thread, by processor time, ours and others' in turn.

    Each program has a process of its own, so that none works in memory that another one has warmed
    or given back. A first round does not count.

    Parameters
    ----------
    program : Program
        The golden model's; the others have the same, but that slow ones have fewer images.
    repeats : int
        How many runs of each; the median counts.
    say : callable
        Told each round.
    """
    installed = [peer for peer in PEERS if peer.installed]
    names = [GOLDEN, PLAIN, *(peer.name for peer in installed)]
    few = {peer.name: min(peer.noisy_images, program.images) for peer in installed}
    rows = []
    with ExitStack() as stack:
        processes = [stack.enter_context(Apart()) for _ in names]
        for noisy in (False, True):
            programs = [
                replace(
                    program,
                    name=name,
                    noisy=noisy,
                    images=few.get(name, program.images) if noisy else program.images,
                )
                for name in names
            ]
            rounds = []
            for number in range(repeats + 1):
                kind = "noisy" if noisy else "ideal"
                say(f"{kind}, run {number} of {repeats}" if number else f"{kind}, each once")
                pairs = zip(processes, programs, strict=True)
                rounds.append([process.run(each) for process, each in pairs])
            rows += _rows(programs, rounds[1:])
    return rows


def _rows(programs: list[Program], rounds: list[list[tuple[Timed, float]]]) -> list[dict[str, Any]]:
    """Of each program, by its runs in each round; and of peers that are not installed."""
    rows: list[dict[str, Any]] = []
    for program, runs in zip(programs, zip(*rounds, strict=True), strict=True):
        took = median([took for took, _ in runs])
        rows.append(
            {
                "what": program.name,
                "noisy": program.noisy,
                "images": program.images,
                "images_per_second": program.images / took.processor,
                "accuracy": runs[-1][1],
            }
        )
    for row in rows:
        row["golden_is_times_as_fast"] = rows[0]["images_per_second"] / row["images_per_second"]
    absent = {
        "noisy": programs[0].noisy,
        "images_per_second": None,
        "golden_is_times_as_fast": None,
    }
    rows += [{"what": peer.name, **absent} for peer in PEERS if not peer.installed]
    return [{**row, "target": TARGETS.get((row["what"], row["noisy"]))} for row in rows]
