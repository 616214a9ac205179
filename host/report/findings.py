"""What a report tells: everything that has to be computed for it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine import EngineParameters
from allspin.host.bitstreams.gateware import is_older
from allspin.host.bitstreams.kept import recall
from allspin.host.report.compared import compared
from allspin.host.report.subject import Subject
from allspin.host.show.display import Display
from allspin.host.study.chips.accuracy import COLUMNS, Lot, Measured
from allspin.host.study.chips.measured import measure_columns
from allspin.host.study.running.traced_run import TracedRun, run_traced, traced_clocks
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.schemes import Programming, default_tries


@dataclass(frozen=True, eq=False)
class EngineFindings:
    """What the gateware did.

    Attributes
    ----------
    run : TracedRun
        The images' way through the simulated gateware.
    images : int
        How many they were.
    logits : int
        Logits that were compared with the golden model's.
    mismatches : int
        Those that differed.
    bound : float
        Mean over the images of the clocks of the slowest stage.
    """

    run: TracedRun
    images: int
    logits: int
    mismatches: int
    bound: float

    @property
    def cycles_per_image(self) -> float:
        """Cycles per image, from the hardware's counter."""
        return self.run.cycles / self.images


@dataclass(frozen=True, eq=False)
class Findings:
    """What was found about a subject.

    Attributes
    ----------
    subject : Subject
        What it is about.
    logits : ndarray of int64, shape (images, classes)
        Of the golden model, without variation.
    answers : ndarray of int64, shape (images,)
        Its classes.
    chips : list of Measured
        Accuracy over chips, one for each of `allspin.host.study.chips.accuracy.COLUMNS`.
    engine : EngineFindings or str
        What the gateware did, or why it could not be run here.
    builds : list of dict
        Figures of the boards that were built on this machine for the network, with `older`.
    comparison : dict or str
        With CMOS neurons, as ``allspin compare --json`` prints it, or why there is none.
    """

    subject: Subject
    logits: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]
    chips: list[Measured]
    engine: EngineFindings | str
    builds: list[dict[str, Any]]
    comparison: dict[str, Any] | str

    @property
    def accuracy(self) -> float:
        """Share of the test images that the network classifies rightly, without variation."""
        return float(np.mean(self.answers == self.subject.labels))


def _measure_chips(subject: Subject, display: Display) -> list[Measured]:
    network, chips = subject.network, range(subject.chips)
    lot = Lot(subject.device, chips, Programming(tries=default_tries(network)))
    shown = subject.images, subject.labels
    return measure_columns(subject.title, network, COLUMNS, lot, shown, display)


def why_no_engine(subject: Subject) -> str | None:
    """Why the gateware cannot be run here; None where it can."""
    from allspin.boards.top import TopParameters
    from allspin.boards.virtual.build import compiler

    try:
        compiler()
        TopParameters.from_network(subject.network)
    except (UserError, ValueError) as error:
        return str(error)
    return None


def _run_engine(
    subject: Subject, logits: npt.NDArray[np.int64], display: Display
) -> EngineFindings | str:
    missing = why_no_engine(subject)
    if missing is not None:
        return missing
    network, images = subject.network, subject.images
    bounds = cycle_bounds(network, EngineParameters.from_network(network), images)
    run = run_traced(network, images, traced_clocks(network, bounds), display)
    return EngineFindings(
        run,
        len(images),
        logits.size,
        int(np.count_nonzero(run.answers.logits != logits)),
        float(bounds.mean()),
    )


def _builds(subject: Subject, display: Display) -> list[dict[str, Any]]:
    """What was built on this machine, and whether the sources have changed since."""
    records = [
        record
        for record in recall()
        if isinstance(record, dict) and record.get("network") == subject.name
    ]
    if not records:
        return []
    display.start("elaborating the machines that were built, once after a change of the sources")
    found = []
    for number, record in enumerate(records):
        display.advance(number, len(records), str(record.get("board", "")))
        found.append({**record, "older": is_older(record, subject.network)})
    display.finish(f"{len(found)} builds")
    return found


def find(subject: Subject, display: Display) -> Findings:
    """Compute all that a report tells.

    Parameters
    ----------
    subject : Subject
        What it is about.
    display : Display
        Told of each step.

    Raises
    ------
    UserError
        If the network's levels cannot be programmed into the device, or the machine fails.
    """
    display.start(f"{len(subject.images):,} images through the golden model")
    logits = GoldenModel(subject.network).logits(subject.images)
    answers = np.argmax(logits, axis=1)
    display.finish(f"{np.mean(answers == subject.labels):.2%} accuracy")
    return Findings(
        subject,
        logits,
        answers,
        _measure_chips(subject, display),
        _run_engine(subject, logits, display),
        _builds(subject, display),
        compared(subject, display),
    )
