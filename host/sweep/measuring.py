"""Measurement of a sweep's chips in this process."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, groupby

import numpy as np
from threadpoolctl import threadpool_limits

from allspin.host.chips.accuracy import score_chips
from allspin.host.data.datasets import check_fit
from allspin.host.data.extensions import load_extensions
from allspin.host.learn.learning import learn
from allspin.host.learn.parameters import LearnParameters
from allspin.host.learn.result import Learnt
from allspin.host.link.line import Undone
from allspin.host.machines.golden_machine import GoldenMachine
from allspin.host.machines.machine import ATTEMPTS
from allspin.host.show.say import warn
from allspin.host.sweep.job import Job, Row, Rows, make_chip, make_chips
from allspin.host.sweep.kept_machine import board_for, close_machine, kept_machine
from allspin.host.sweep.material import Integers, open_training_set
from allspin.sim.errors import refused

LOT = 100
"""Most chips that are measured together: an interrupted sweep measures at most these again."""

Watch = Callable[[float], None]
"""Callback with the progress of the chips in hand, as a number of chips."""


def _ignore(chips: float) -> None:
    """Take no notice of progress."""


def measure(job: Job) -> Row:
    """Program and measure the chip of a job.

    Raises
    ------
    UserError
        If a file is not the sweep's, the network cannot be programmed, or the machine fails.
    """
    (row,) = _measure_lot([job], _ignore)
    return row


def measure_here(jobs: Sequence[Job], watch: Watch = _ignore) -> Rows:
    """Measure jobs in this process, in their order.

    Parameters
    ----------
    jobs : sequence of Job
        Jobs; the machine gets neighbours of one point together.
    watch : callable
        Called with the progress of chips that the machine measures together.

    Raises
    ------
    UserError
        As of `measure`.
    """
    try:
        for _, group in groupby(jobs, lambda job: job.point):
            same_point = list(group)
            for start in range(0, len(same_point), LOT):
                yield from _measure_lot(same_point[start : start + LOT], watch)
    finally:
        close_machine()


def build_boards(jobs: Sequence[Job]) -> None:
    """Build each virtual board that jobs need, so that no worker has to."""
    try:
        for job in {job.point: job for job in jobs}.values():
            board_for(job.on, make_chip(job))
    finally:
        close_machine()


def golden_answers(job: Job) -> Integers:
    """Compute the class that the chip of a job gives to each image, by the golden model."""
    load_extensions()
    if job.learns:
        return _learn(job).classes
    images, _ = job.test_set()
    machine = GoldenMachine()
    machine.load(make_chip(job))
    return machine.stream(images).classes


def _measure_lot(lot: Sequence[Job], watch: Watch) -> Rows:
    """Measure chips of one point; start again with the rest if the machine may have changed."""
    left = list(lot)
    attempts = ATTEMPTS
    while left:
        try:
            for row in _try_lot(tuple(left), watch):
                left.pop(0)
                attempts = ATTEMPTS
                yield row
        except Undone as error:
            attempts -= 1
            if not attempts:
                raise
            warn(f"{error}".replace("run this again", "it is programmed again"))


def _try_lot(lot: Sequence[Job], watch: Watch) -> Rows:
    """Measure chips of one point in a single attempt."""
    load_extensions()  # a worker's process has not loaded them yet
    job = lot[0]
    if job.learns:
        yield from map(_learnt_row, lot)
        return
    images, labels = job.test_set()
    # One job a core: threads of its own would only take cores from the others.
    with threadpool_limits(1):
        chips = make_chips(lot)
        first = next(chips)
        check_fit(first.network, images.shape[1:], labels)
        with kept_machine(job.on, first) as machine:
            scores = score_chips(
                chain([first], chips),
                (images, labels),
                machine,
                lambda shown: watch(shown / len(images)),
            )
            for score in scores:
                yield Row.from_score(job.point, score)


def _learn(job: Job) -> Learnt:
    """Let the chip of a job learn, and test it."""
    images, labels = job.test_set()
    data, _ = job.material.data
    dataset = open_training_set(data, job.material.calibration)
    dataset = replace(dataset, test_images=images, test_labels=labels)
    device = job.device()
    hidden = tuple(map(int, job.point.network.split(",")))
    with refused("learn: ", kinds=(ValueError, TypeError)):
        parameters = LearnParameters.from_options(
            job.material.learn or {}, device, hidden=hidden, seed=job.chip
        )
        learnt = learn(dataset, parameters, progress=False)
    if learnt.interrupted:
        raise KeyboardInterrupt
    return learnt


def _learnt_row(job: Job) -> Row:
    """Return the row of a chip that learns."""
    _, labels = job.test_set()
    learnt = _learn(job)
    correct = int(np.sum(learnt.classes == labels))
    pulses = learnt.facts["pulses_per_device"]
    return Row(job.point, job.chip, len(labels), correct, pulses, 0.0, 0.0)
