"""Images/s of the golden model and of other programs, side by side."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.study.bench.peers.forward import FloatForward
from allspin.host.study.bench.peers.simulators import PEERS, USE, WRITE, Classify, Images
from allspin.host.study.bench.timing import Timed, median, timed
from allspin.sim.chip.chip import Chip
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

GOLDEN = "golden model"
PLAIN = "plain NumPy, float32"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Program:
    """A program, and what it runs.

    Parameters
    ----------
    name : str
        `GOLDEN`, `PLAIN` or a peer's.
    network, device : str
        Names of the catalogue.
    images : int
        How many of the test images.
    noisy : bool
        Whether it is a chip of the device; its programming counts.
    """

    name: str
    network: str
    device: str
    images: int
    noisy: bool = False

    def opened(self) -> Classify:
        """Read its files, and return what makes all else anew and classifies."""
        network, device = open_network(self.network), open_device(self.device)

        def golden(images: Images) -> npt.NDArray[np.int64]:
            if not self.noisy:
                return GoldenModel(network).classify(images)
            chip = Chip(device, 0)
            words = program_chip(chip, network, Programming()).words
            return chip.golden(network, words).classify(images)

        def plain(images: Images) -> npt.NDArray[np.int64]:
            write, use = (WRITE, USE) if self.noisy else (0.0, 0.0)
            return FloatForward(network, write, use).classify(images)

        def peers(images: Images) -> npt.NDArray[np.int64]:
            (peer,) = (peer for peer in PEERS if peer.name == self.name)
            return peer.make(FloatForward(network), self.noisy)(images)

        return {GOLDEN: golden, PLAIN: plain}.get(self.name, peers)


@cache
def _test_set() -> tuple[Images, npt.NDArray[np.integer]]:
    return load_test_set(None)


def run(program: Program) -> tuple[Timed, float]:
    """Time of a program in this process, once it has run before, and its accuracy."""
    images, labels = _test_set()
    images, labels = images[: program.images], labels[: program.images]
    classify = program.opened()
    with threadpool_limits(1):
        classify(images)
        took, answers = timed(lambda: classify(images))
    return took, float(np.mean(answers == labels))


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
        processes = [
            stack.enter_context(ProcessPoolExecutor(1, get_context("spawn"))) for _ in names
        ]
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
                rounds.append([process.submit(run, each).result() for process, each in pairs])
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
    absent = {"noisy": programs[0].noisy, "images_per_second": None}
    return rows + [
        {"what": peer.name, **absent, "golden_is_times_as_fast": None}
        for peer in PEERS
        if not peer.installed
    ]
