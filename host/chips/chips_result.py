"""Results of ``allspin chips``: accuracies of each network over the chips of each column."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.columns import Column
from allspin.host.chips.statistics import BESIDE, doubts, summary
from allspin.host.show.result import Result
from allspin.host.show.table import Cell, Number, Table, TableColumn, frame
from allspin.host.show.version import commit
from allspin.sim.device.device import Device
from allspin.sim.parameters import Brief
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.schemes import POLARITIES, Programming


def mean_percent(accuracies: npt.NDArray[np.float64]) -> Number:
    """Return mean and standard deviation of accuracies in percent."""
    figures = summary(accuracies)
    deviation = figures["deviation"]
    spread = None if deviation is None else 100 * deviation
    return Number(100 * figures["accuracy"], ".2f", spread)


@dataclass(frozen=True, eq=False)
class ColumnResult(Brief):
    """Accuracies of a network on the chips of a column, or on chips whose cells were read.

    Attributes
    ----------
    network : str
        Name of the network.
    column : Column
        The column; for chips whose cells were read, the variation beside the cells.
    accuracies : ndarray of float64, shape (chips,)
        Share of the images that each chip classifies correctly.
    programming : Programming
        Scheme that programmed the chips.
    counts : Counts
        Cost of programming all chips; zero for chips whose cells were read.
    cells : sequence of MeasuredCells
        Cells that were read, chip by chip; empty for chips that were programmed.
    energy : float or None
        Energy of programming all chips in joule; None if it is not known.
    """

    network: str
    column: Column
    accuracies: npt.NDArray[np.float64]
    programming: Programming = field(default_factory=Programming)
    counts: Counts = field(default_factory=Counts)
    cells: Sequence[MeasuredCells] = ()
    energy: float | None = None

    @property
    def name(self) -> str:
        """Names of network and column."""
        return f"{self.network}, {self.column.title}"

    @property
    def mean(self) -> float:
        """Mean accuracy."""
        return float(self.accuracies.mean())

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the chips; None for a single chip."""
        return summary(self.accuracies)["deviation"]

    @property
    def percent(self) -> Number:
        """Mean and deviation in percent."""
        return mean_percent(self.accuracies)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; see ``docs/programming.md``."""
        programmed = not self.cells
        return {
            "network": self.network,
            "column": self.column.title,
            "variations": list(self.column.variations),
            "calibrated": self.column.calibrated,
            "programming": asdict(self.programming) if programmed else None,
            "measured": [each.to_dict() for each in self.cells] or None,
            **summary(self.accuracies),
            "accuracies": self.accuracies.tolist(),
            "pulses_per_cell": self._per_cell(self.counts.pulses),
            "saturations_per_cell": self._per_cell(self.counts.saturations),
            "reads_per_cell": self._per_cell(self.counts.reads),
            "unconverged": self._per_cell(self.counts.unconverged),
            "energy_per_cell": self._per_cell(self.energy),
        }

    def _per_cell(self, total: float | None) -> float | None:
        """Divide a cost of programming by the number of cells; None if there is no such cost."""
        return None if total is None or self.cells else total / self.counts.cells

    def programming_line(self) -> str:
        """Describe the cost of a scheme that reads its cells, in a line."""
        how = self.programming
        counts = self.counts
        cells = counts.cells
        line = (
            f"{self.name}: band {how.band:g} of the range, at most {how.tries} tries; "
            f"{counts.reads / cells:.2f} writes and reads a cell, "
            f"{counts.unconverged / cells:.2%} of the cells end outside the band; "
            f"{counts.pulses / cells:.1f} pulses and "
            f"{counts.saturations / cells:.2f} saturations a cell"
        )
        return line if self.energy is None else f"{line}, {self.energy / cells:.3g} J"


@dataclass(frozen=True, eq=False)
class MeasuredChips(Result):
    """Accuracies of networks over many chips.

    Attributes
    ----------
    device : Device
        Device that the chips are made of.
    seeds : range
        Seeds of the chips.
    images : int
        Number of test images.
    results : list of ColumnResult
        Results by network, and within a network by column.
    probed : list of ColumnResult
        Results of chips whose cells were read.
    """

    device: Device
    seeds: range
    images: int
    results: list[ColumnResult]
    probed: list[ColumnResult] = field(default_factory=list)

    def __iter__(self) -> Iterator[ColumnResult]:
        """Iterate over `results`, then `probed`."""
        yield from self.results
        yield from self.probed

    def worst_chip(self, result: ColumnResult) -> int | None:
        """Return the seed of a result's worst chip; None for chips whose cells were read."""
        return None if result.cells else self.seeds[int(result.accuracies.argmin())]

    @property
    def accuracies(self) -> dict[str, npt.NDArray[np.float64]]:
        """Accuracies of the chips, by the names of network and column."""
        return {result.name: result.accuracies for result in self}

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each of `accuracies`."""
        return {result.name: result.mean for result in self}

    @property
    def std(self) -> dict[str, float | None]:
        """Standard deviation of each of `accuracies`; None for a single chip."""
        return {result.name: result.deviation for result in self}

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``allspin chips --json`` prints."""
        return {
            "device": self.device.name,
            "chips": list(self.seeds),
            "images": self.images,
            "results": [
                {**result.to_dict(), "worst_chip": self.worst_chip(result)} for result in self
            ],
            "readings": self.device.readings(),
            "commit": commit(),
        }

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame` with network, column, seed and accuracy of each chip."""
        rows = []
        for result in self:
            for seed, share in enumerate(result.accuracies.tolist(), self.seeds.start):
                rows.append(
                    {
                        "network": result.network,
                        "column": result.column.title,
                        "chip": seed,
                        "accuracy": share,
                    }
                )
        return frame(rows)

    def tables(self) -> list[Table]:
        """Return a table with a row for each column, since titles are long."""
        rows: dict[str, list[Cell]] = {}
        for result in self:
            cells = rows.setdefault(result.column.title, [result.column.title])
            cells.append(result.percent)
            figures = summary(result.accuracies)
            for key in BESIDE:
                figure = figures[key]
                cells.append(None if figure is None else Number(100 * figure, ".2f"))
        columns = [TableColumn("chips with")]
        for network in dict.fromkeys(result.network for result in self):
            columns.append(TableColumn(network, "%"))
            columns += [TableColumn(f"{title} of {network}", "%") for title in BESIDE.values()]
        chips = f"{len(self.seeds)} chip{'s' if len(self.seeds) > 1 else ''}"
        title = f"Accuracy, {chips} of {self.device.name}, {self.images:,} images"
        return [Table(title, columns, list(rows.values()))]

    def notes(self) -> list[str]:
        """Return cost of programming, worst chips, uncertain means and the device's readings."""
        verified: dict[tuple[str, str], str] = {}
        worst = []
        for result in self.results:
            if result.programming.verifies:
                key = (result.network, result.programming.scheme)
                verified.setdefault(key, result.programming_line())
            if {"c2c", "d2d", "neuron"} <= set(result.column.variations):
                worst.append(
                    f"{result.name}: the worst is chip {self.worst_chip(result)} with "
                    f"{100 * result.accuracies.min():.2f} %"
                )
        cells = self.probed[0].cells if self.probed else ()
        polarity = self.results[0].programming.polarity
        return [
            *verified.values(),
            *worst,
            *doubts(self.accuracies.items()),
            *(line for each in cells for line in each.readings()),
            f"polarity {polarity}: {POLARITIES[polarity]}",
            *self.device.readings(),
        ]

    def plot(self) -> Any:
        """Draw each chip as a point, and the means."""
        from allspin.host.charts.row_charts import Strip, strips  # Matplotlib

        rows = []
        for result in self:
            percent = (100 * result.accuracies).tolist()
            title = f"{result.network}: {result.column.title}"
            rows.append(Strip(title, percent, str(result.percent)))
        return strips("Accuracy of each chip", rows, "accuracy (%)")
