"""Images/s of the golden model and of other programs, side by side."""

import itertools
import multiprocessing
import os
import signal
import statistics
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from allspin.hdl.cache.process import for_tools_of_others
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.errors import refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.bench.float_forward import USE, WRITE, FloatForward, law
from tests.bench.peers import GOLDEN, PEERS, PLAIN, Classify, Images
from tests.bench.timing import Timed, median, timed
from tests.sim.chip.model import golden


@dataclass(frozen=True)
class Program:
    """A program and its work.

    Parameters
    ----------
    name : str
        `GOLDEN` or a peer's.
    network, device : str
        Names of the catalogue.
    images : int
        Number of test images.
    batch : int
        Number of images that it is given at a time.
    noisy : bool
        True for a chip of the device with the variation of `law`.
    """

    name: str
    network: str
    device: str
    images: int
    batch: int = 1
    noisy: bool = False

    def opened(self) -> Callable[[], Classify]:
        """Read its files, and return a function that makes its classifier anew."""
        network, device = open_network(self.network), law(open_device(self.device))

        def ours() -> Classify:
            if not self.noisy:
                return GoldenModel(network).classify
            chip = Chip(device, 0)
            return golden(
                chip, network, program(network, chip.device, chip.seed, Programming()).words
            ).classify

        def others() -> Classify:
            (peer,) = (peer for peer in PEERS if peer.name == self.name)
            return peer.make(FloatForward(network, WRITE * self.noisy, USE * self.noisy))

        return ours if self.name == GOLDEN else others


@dataclass(frozen=True)
class Run:
    """Times and accuracy of a run of a program.

    Parameters
    ----------
    made, took : Timed
        To program the cells, and to classify the images.
    accuracy : float
        Share of them that are right.
    """

    made: Timed
    took: Timed
    accuracy: float


@cache
def _test_set() -> tuple[Images, npt.NDArray[np.integer]]:
    images, labels = load_test_set(None)
    return images.copy(), labels  # PyTorch warns of read-only arrays


def run(program: Program) -> Run:
    """A run of a program in this process, once it has run before."""
    images, labels = _test_set()
    images, labels = images[: program.images], labels[: program.images]
    make = program.opened()

    def once() -> Run:
        made, classify = timed(make)

        def work() -> npt.NDArray[np.int64]:
            starts = range(0, len(images), program.batch)
            each = [classify(images[start : start + program.batch], start) for start in starts]
            return np.concatenate(each)

        took, answers = timed(work)
        return Run(made, took, float(np.mean(answers == labels)))

    # Some programs print missing parts when they are imported.
    with redirect_stdout(sys.stderr):
        once()
    return once()


BATCHES = (1, 10, 100, 1_000, 10_000)
"""Images that a program is given at a time."""

SAME = 0.003
"""Accuracies that differ by more are those of different machines: no ratio is told."""

TARGETS = {
    (PLAIN, False): 0.9,
    ("plain PyTorch, float32", False): 1.0,
    ("aihwkit-lightning", False): 1.0,
    ("aihwkit-lightning", True): 3.0,
}
"""Least ratio of the golden model's rate to a program's, by program and whether it is noisy."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that give libraries their number of threads."""

Say = Callable[[str], None]


@contextmanager
def apart() -> Iterator[Callable[[Program], Run]]:
    """A process of one thread for one program's runs; yields `run` in that process.

    Raises
    ------
    UserError
        If the process has ended.
    """
    # An interrupt is for this process alone.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    context = multiprocessing.get_context("spawn")
    # Libraries that compute ask the environment when they are loaded, and the process inherits it.
    with (
        patch.dict(os.environ, dict.fromkeys(THREADS, "1")),
        for_tools_of_others(),
        ProcessPoolExecutor(1, context, signal.signal, ignore) as pool,
    ):

        def there(program: Program) -> Run:
            lacking = f"the process of {program.name} ended, perhaps for want of memory: "
            with refused(lacking, kinds=BrokenProcessPool):
                return pool.submit(run, program).result()

        yield there


def ratios(program: Program, repeats: int, say: Say) -> list[dict[str, Any]]:
    """Images/s of one thread, by processor time, ours and others' in turn.

    Each program has a process of its own, so no program works in memory that another one has
    warmed or given back. A first round does not count.

    Parameters
    ----------
    program : Program
        Work of the golden model; the others have the same.
    repeats : int
        Number of runs of each; the median counts.
    say : callable
        Told each round.
    """
    versions = {GOLDEN: ""} | {peer.name: peer.version for peer in PEERS}
    batches = [batch for batch in BATCHES if batch <= program.images]
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(apart())
            for name, version in versions.items()
            if version is not None
        }
        for noisy in (False, True):
            runs: dict[str, dict[int, list[Run]]] = {
                name: {batch: [] for batch in batches} for name in processes
            }
            for number in range(repeats + 1):
                kind = "noisy" if noisy else "ideal"
                say(f"{kind}, run {number} of {repeats}" if number else f"{kind}, each once")
                for batch, (name, process) in itertools.product(batches, processes.items()):
                    found = process(replace(program, name=name, noisy=noisy, batch=batch))
                    runs[name][batch] += [found] if number else []
            golden = None
            for name, version in versions.items():
                each = replace(program, name=name, noisy=noisy)
                row = {"version": version, **_row(each, runs.get(name), golden)}
                golden = golden or row
                rows.append(row)
    return rows


def _row(
    program: Program, runs: dict[int, list[Run]] | None, golden: dict[str, Any] | None
) -> dict[str, Any]:
    """A program's figures by its runs at each batch, and its best rate beside the golden model's.

    A program that is not installed has no figures.
    """
    row: dict[str, Any] = {
        "what": program.name,
        "noisy": program.noisy,
        "images": program.images,
        "target": TARGETS.get((program.name, program.noisy)),
        **dict.fromkeys(("images_per_second", "golden_is_times_as_fast")),
    }
    if runs is None:
        return row
    rates = {
        str(batch): program.images / median([each.took for each in found]).processor
        for batch, found in runs.items()
    }
    every = list(itertools.chain(*runs.values()))
    row |= {
        "images_per_second": max(rates.values()),
        "by_batch": rates,
        "programming_seconds": median([each.made for each in every]).processor,
        "accuracy": statistics.fmean(each.accuracy for each in every),
    }
    golden = golden or row
    if abs(row["accuracy"] - golden["accuracy"]) <= SAME:
        row["golden_is_times_as_fast"] = golden["images_per_second"] / row["images_per_second"]
    return row
