"""Results of a report: golden model, chips, simulated gateware, builds, and the comparison."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.accuracy import Lot
from allspin.host.chips.chips_result import ColumnResult
from allspin.host.chips.columns import COLUMNS
from allspin.host.chips.measured import measure_columns
from allspin.host.chips.tiles import calibration_images
from allspin.host.compare.subject import ComparisonSubject
from allspin.host.data.datasets import load_test_set
from allspin.host.report.subject import ReportSubject
from allspin.host.run.traced import TracedRun, run_traced
from allspin.host.show.display import Display
from allspin.sim.cost.liberty import CELLS_45, load_library
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.tiling import tiles_of
from allspin.sim.parameters import Brief
from allspin.sim.programming.schemes import Programming, default_tries
from allspin.sim.systems import MissingPackage, naming_extras


def compared(subject: ReportSubject, progress: Display) -> dict[str, Any] | str:
    """Compare a network's neurons as ``allspin compare`` does by default.

    Parameters
    ----------
    subject : ReportSubject
        Subject of the report.
    progress : Display
        Display of the step.

    Returns
    -------
    dict or str
        Record of ``allspin compare --json``, or the reason why the comparison is not possible.
    """
    # All test images, even in a quick report, so that the command prints the same figures.
    network, (images, labels) = subject.network, load_test_set(subject.data)
    try:
        with naming_extras():
            from allspin.host.compare.comparison import compare
        chosen = calibration_images(network, subject.data) if any(tiles_of(network)) else None
        cells = load_library(CELLS_45)
        whole = ComparisonSubject(
            subject.name, network, subject.device, cells, images, labels, chosen
        )
        return compare(whole, progress=progress).to_dict()
    except UserError as error:
        progress.finish(str(error))
        return str(error)


@dataclass(frozen=True, eq=False)
class Findings(Brief):
    """Results about a subject, from which all sections are made.

    Attributes
    ----------
    subject : ReportSubject
        Subject of the report.
    logits : ndarray of int64, shape (images, classes)
        Logits of the golden model, without variation.
    answers : ndarray of int64, shape (images,)
        Classes of the golden model.
    chips : list of ColumnResult
        Accuracy over chips, one for each of `allspin.host.chips.columns.COLUMNS`.
    engine : TracedRun or str
        Run of the images in the simulated gateware, or the reason why it is not possible here.
    builds : list of dict
        Figures of the boards built on this computer for the network, with `older`.
    comparison : dict or str
        Record of ``allspin compare --json``, or the reason why the comparison is not possible.
    """

    subject: ReportSubject
    logits: npt.NDArray[np.int64]
    answers: npt.NDArray[np.int64]
    chips: list[ColumnResult]
    engine: TracedRun | str
    builds: list[dict[str, Any]]
    comparison: dict[str, Any] | str

    @property
    def mismatches(self) -> int:
        """Number of logits that differ between gateware and golden model."""
        assert not isinstance(self.engine, str)
        return int(np.count_nonzero(self.engine.answers.logits != self.logits))

    @property
    def accuracy(self) -> float:
        """Share of the test images with the right class, without variation."""
        return float(np.mean(self.answers == self.subject.labels))


def why_no_engine(subject: ReportSubject) -> str | None:
    """Return the reason why the gateware cannot run here; None if it can."""
    try:
        with naming_extras():
            from allspin.boards.top import TopParameters
            from allspin.boards.virtual.build import compiler
        compiler()
        TopParameters.from_network(subject.network)
    except (UserError, ValueError) as error:
        return str(error)
    return None


def find(subject: ReportSubject, progress: Display) -> Findings:
    """Compute the results of a report.

    Parameters
    ----------
    subject : ReportSubject
        Subject of the report.
    progress : Display
        Display of the steps.

    Raises
    ------
    UserError
        If the network's levels cannot be programmed into the device, or the machine fails.
    """
    network, images = subject.network, subject.images
    progress.start(f"{len(images):,} images through the golden model")
    logits = GoldenModel(network).logits(images)
    answers = np.argmax(logits, axis=1)
    progress.finish(f"{np.mean(answers == subject.labels):.2%} accuracy")
    lot = Lot(subject.device, range(subject.chips), Programming(tries=default_tries(network)))
    chips = measure_columns(
        subject.title, network, COLUMNS, lot, (images, subject.labels), progress
    )
    engine = why_no_engine(subject) or run_traced(network, images, progress)
    return Findings(
        subject,
        logits,
        answers,
        chips,
        engine,
        _builds(subject, progress),
        compared(subject, progress),
    )


def _builds(subject: ReportSubject, progress: Display) -> list[dict[str, Any]]:
    """Return the figures of the boards built on this computer, in order, with `older`."""
    try:
        with naming_extras():
            from allspin.host.bitstreams.kept import kept_manifests
            from allspin.host.bitstreams.manifest import is_older
    except MissingPackage:
        return []
    records = [record for record in kept_manifests() if record["network"] == subject.name]
    records.sort(key=lambda record: (record["board"], record["part"], record["profile"]))
    if records:
        progress.start("elaborating the machines that were built, once after a change of sources")
        for number, record in enumerate(records):
            progress.advance(number, len(records), record["board"])
            records[number] = {**record, "older": is_older(record, subject.network)}
        progress.finish(f"{len(records)} builds")
    return records
