"""What some networks reach over many chips, network by network and column by column."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from cyclopts import Parameter

from allspin.host.chips.accuracy import (
    COLUMNS,
    Column,
    Lot,
    Measured,
    doubts,
    known,
    measure,
    measure_chips_of,
    summary,
)
from allspin.host.chips.chip_options import TestSet
from allspin.host.chips.probed_cells import read_cells
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import network_name, open_device, several
from allspin.host.data.datasets import Data, load_test_set
from allspin.host.options import HIDDEN, SEVERAL, TILES
from allspin.host.show.display import Display
from allspin.host.show.progress import shows_progress
from allspin.host.show.table import Number, Table, TableColumn as TableColumn, frame
from allspin.host.show.version import commit
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_range, refused
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief, Shown
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import DEFAULT_BAND, POLARITIES, Programming, default_tries

CHIPS = 20
MAX_CHIPS = 10_000


@dataclass(frozen=True)
class MeasureOptions(Brief):
    """Which chips are measured, and how they are programmed.

    Parameters
    ----------
    chips : int
        Number of chips, 1 to 10,000.
    first : int
        Seed of the first chip; the next follow.
    columns : tuple of Column
        Variation of the chips, and the scheme that programs them.
    polarity : str
        Polarity of the pulse trains: quieter, potentiation, depression or halves.
    tries : int or None
        Writes of a cell that write-verify may take: 8 up to 16 states, else 32.
    band : float
        Largest distance from the level that write-verify accepts, as a fraction of the range.
    probed : tuple of str or Path
        Files of cells as a probe station read them, CSV or .npz, one for each chip.
    missing : float, optional
        Share of such a chip's cells that may be missing, 0 to 1: 0 unless given.
    tiles : Tiles or None
        Tiles that the networks' columns are cut into; None for their own.

    Raises
    ------
    ValueError
        If `chips`, `first` or `missing` is out of its range; the message begins with its name.
    """

    chips: int = CHIPS
    first: Annotated[int, Parameter(name="--chip", metavar="SEED")] = 0
    columns: Annotated[tuple[Column, ...], HIDDEN] = COLUMNS
    polarity: Annotated[str, HIDDEN] = "quieter"
    tries: Annotated[int | None, HIDDEN] = None
    band: Annotated[float, HIDDEN] = DEFAULT_BAND
    probed: Annotated[
        tuple[str | Path, ...], Parameter(name="--measured", metavar="CELLS"), SEVERAL
    ] = ()
    missing: float | None = None
    tiles: Annotated[Tiles | None, TILES] = None

    def __post_init__(self) -> None:
        chips = check_range("chips", self.chips, 1, MAX_CHIPS)
        check_range("chip", self.first, 0, 2**32 - max(chips, len(self.probed)))
        check_number("missing", self.missing or 0.0, 0, 1)
        if self.missing is not None and not self.probed:
            raise UserError("`missing` needs `measured`")

    def check_programming(self) -> None:
        """Raise a `ValueError` or `TypeError` if `polarity`, `tries` or `band` is not legal."""
        tries = 1 if self.tries is None else self.tries
        Programming(polarity=self.polarity, tries=tries, band=self.band)

    @property
    def seeds(self) -> range:
        """The chips."""
        return range(self.first, self.first + self.chips)

    def programming(self, network: Network) -> Programming:
        """How a network's chips are programmed, but for the scheme.

        Raises
        ------
        ValueError
            If one of the values is out of its range.
        """
        tries = default_tries(network) if self.tries is None else self.tries
        return Programming(polarity=self.polarity, tries=tries, band=self.band)


@dataclass(frozen=True, eq=False)
class MeasuredChips(Shown):
    """What came of it.

    Attributes
    ----------
    device : Device
        What the chips are made of.
    seeds : range
        The chips.
    images : int
        How many test images each was shown.
    results : list of Measured
        By network, and within a network by column.
    probed : list of Measured
        Of chips that were read back.
    """

    device: Device
    seeds: range
    images: int
    results: list[Measured]
    probed: list[Measured] = field(default_factory=list)

    def worst_chip(self, result: Measured) -> int | None:
        """Seed of the worst of its chips; None of chips that were read back."""
        return None if result.cells else self.seeds[int(result.accuracies.argmin())]

    @property
    def accuracies(self) -> dict[str, npt.NDArray[np.float64]]:
        """Of each chip, by what its network and column are called."""
        return {
            f"{one.network}, {one.column.title}": one.accuracies
            for one in (*self.results, *self.probed)
        }

    mean = property(
        lambda self: {name: summary(each)["accuracy"] for name, each in self.accuracies.items()},
        doc="Of each of `accuracies`.",
    )
    std = property(
        lambda self: {name: summary(each)["deviation"] for name, each in self.accuracies.items()},
        doc="Standard deviation of each of `accuracies`; None of a single chip's.",
    )

    def to_dict(self) -> dict[str, Any]:
        """As ``allspin chips --json`` prints it."""
        return {
            "device": self.device.name,
            "chips": list(self.seeds),
            "images": self.images,
            "results": [
                {**result.to_dict(), "worst_chip": self.worst_chip(result)}
                for result in (*self.results, *self.probed)
            ],
            "readings": self.device.readings(),
            "commit": commit(),
        }

    def to_pandas(self) -> Any:
        """A row for each chip: `pandas.DataFrame` of network, column, chip and accuracy."""
        return frame(
            {"network": one.network, "column": one.column.title, "chip": chip, "accuracy": share}
            for one in (*self.results, *self.probed)
            for chip, share in enumerate(one.accuracies.tolist(), self.seeds.start)
        )

    def remarks(self) -> list[str]:
        """How the chips were programmed and what their device is read as, line by line."""
        verified, worst = {}, []
        for result in self.results:
            column, how, counts = result.column, result.programming, result.counts
            if how.verifies:
                energy = "" if result.energy is None else f", {result.energy / counts.cells:.3g} J"
                line = (
                    f"{result.network}, {column.title}: band {how.band:g} of the range, at most "
                    f"{how.tries} tries; {counts.reads / counts.cells:.2f} writes and reads a "
                    f"cell, {counts.unconverged / counts.cells:.2%} of the cells end outside the "
                    f"band; {counts.pulses / counts.cells:.1f} pulses and "
                    f"{counts.saturations / counts.cells:.2f} saturations a cell{energy}"
                )
                verified.setdefault((result.network, how.scheme), line)
            if {"c2c", "d2d", "neuron"} <= set(column.variations):
                worst.append(
                    f"{result.network}, {column.title}: the worst is chip "
                    f"{self.worst_chip(result)} with {100 * result.accuracies.min():.2f} %"
                )
        cells = self.probed[0].cells if self.probed else ()
        readings = [line for each in cells for line in each.readings()]
        polarity = self.results[0].programming.polarity
        return [
            *verified.values(),
            *worst,
            *doubts(self.accuracies.items()),
            *readings,
            f"polarity {polarity}: {POLARITIES[polarity]}",
            *self.device.readings(),
        ]

    def plot(self) -> Any:
        """Each chip as a point, and the means."""
        # Pictures are loaded when somebody asks for them.
        from allspin.host.charts.row_charts import Strip, strips

        rows = [
            Strip(f"{one.network}: {one.column.title}", (100 * one.accuracies).tolist(), one.figure)
            for one in (*self.results, *self.probed)
        ]
        return strips("Accuracy of each chip", rows, "accuracy (%)")

    def _repr_html_(self) -> str:
        from allspin.host.draw.html import card_of

        return card_of([chips_table(self)], self.plot())


@shows_progress
def measure_chips(
    networks: str | Path | Network | Sequence[str | Path | Network],
    device: str | Path | Device = "paper",
    options: MeasureOptions | None = None,
    *,
    at: str | OperatingPoint | None = None,
    images: int | None = None,
    data: Data | None = None,
    progress: Any = None,
) -> MeasuredChips:
    """Program many chips with networks, and count what they classify rightly.

    Parameters
    ----------
    networks : str, Path, Network or sequence of these
        Each a network, its file, or the name of one that ships.
    device : str, Path or Device
        A device, its file, or the name of one that ships.
    options : MeasureOptions, optional
        Which chips, and how they are programmed.
    at : str or OperatingPoint, optional
        Where a file's device is taken, such as ``current=9mA,temperature=350``; its own point.
    images : int, optional
        The first so many test images; all of them.
    data : str, Path or tuple of array_like, optional
        As of `allspin.load_dataset`; the MNIST that ships.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook.

    Returns
    -------
    MeasuredChips

    Raises
    ------
    UserError
        If a file cannot be read or does not fit, or the chips cannot be programmed so.
    """
    options = options or MeasureOptions()
    made_of = open_device(device, at)
    opened: dict[str, Network] = {}
    for each in several(networks):
        name = network_name(each)
        if not isinstance(each, str | Path) and opened.get(name, each) is not each:
            raise UserError(f"two networks would be called {name}: give their files or names")
        opened[name] = cut_network(each, options.tiles, data, progress)
    if options.probed and len(opened) > 1:
        raise UserError("`probed` cells are those of one network: give it alone")
    pixels, labels = load_test_set(data, opened.values(), images)
    test_set = pixels[:images], labels[:images]
    results, probed = [], []
    for name, network in opened.items():
        if options.probed:  # first: a file that cannot be used is told at once
            probed += _measure_files(name, network, made_of, options, test_set, progress)
        with refused():
            lot = Lot(made_of, options.seeds, options.programming(network))
        results += measure_columns(name, network, options.columns, lot, test_set, progress)
    return MeasuredChips(made_of, options.seeds, len(test_set[0]), results, probed)


def _measure_files(
    name: str,
    network: Network,
    device: Device,
    options: MeasureOptions,
    test_set: TestSet,
    progress: Display,
) -> list[Measured]:
    """Measure the chips that were read back: with the mean neuron, and with neurons that vary."""
    count = len(options.probed)
    progress.start(f"reading {count} file{'s' * (count > 1)} of cells")
    cells = []
    for path in options.probed:
        cells.append(read_cells(Path(path), network, device, options.missing or 0.0))
        progress.advance(len(cells), count)
    progress.finish()
    title = f"{count} measured chip{'s' * (count > 1)}"
    columns = (
        Column(title, (), ""),
        Column(f"{title}, and the neurons' variation, calibrated", ("neuron",), "", True),
    )
    found = []
    for column in columns:
        made = (
            program(
                network,
                device,
                seed,
                each,
                calibrated=column.calibrated,
                drawn=column.calibrated,
            )
            for seed, each in enumerate(cells, options.first)
        )
        with refused():
            found.append(measure_chips_of(name, column, made, count, test_set, progress))
    return found


def measure_columns(
    name: str,
    network: Network,
    columns: Sequence[Column],
    lot: Lot,
    test_set: TestSet,
    progress: Display,
) -> list[Measured]:
    """Measure some columns for one network, each as a step.

    Parameters
    ----------
    name, network, lot, test_set
        As of `allspin.host.chips.accuracy.measure`.
    columns : sequence of Column
        What the chips have.
    progress : Display
        Shows the steps.

    Raises
    ------
    UserError
        If the chips cannot be programmed so.
    """
    with refused():
        return [
            measure(name, network, column, lot, test_set, progress)
            for column in known(columns, lot.device)
        ]


BESIDE = {"standard_error": "standard error", "quantile_5": "5 % quantile", "worst": "worst"}
"""What a table of accuracies has beside mean and deviation, by its key in ``--json``."""


def chips_table(measured: MeasuredChips) -> Table:
    """Networks across, columns down: their titles are long."""
    results, chips = [*measured.results, *measured.probed], len(measured.seeds)
    names = list(dict.fromkeys(result.network for result in results))
    rows: dict[str, list[Number | None]] = {}
    for result in results:
        found = summary(result.accuracies)
        percent = {name: each and 100 * each for name, each in found.items()}
        share = Number(percent["accuracy"], ".2f", percent["deviation"])
        beside = (percent[name] for name in BESIDE)
        cells = [share, *(None if each is None else Number(each, ".2f") for each in beside)]
        rows.setdefault(result.column.title, []).extend(cells)
    return Table(
        f"Accuracy, {chips} chip{'s' if chips > 1 else ''} of {measured.device.name}, "
        f"{measured.images:,} images",
        (
            TableColumn("chips with"),
            *(
                TableColumn(f"{before}{name}", "%")
                for name in names
                for before in ("", *(f"{words} of " for words in BESIDE.values()))
            ),
        ),
        [(title, *shares) for title, shares in rows.items()],
    )
