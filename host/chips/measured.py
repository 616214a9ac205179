"""Accuracy of networks over many chips, network by network and column by column."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from cyclopts import Parameter

from allspin.host.chips.accuracy import Lot, TestSet, score_chips
from allspin.host.chips.chips_result import ColumnResult, MeasuredChips, mean_percent
from allspin.host.chips.columns import COLUMNS, Column, known
from allspin.host.chips.cutting import cut_network
from allspin.host.chips.probed_cells import read_cells
from allspin.host.data.catalogue import network_name, open_device, several
from allspin.host.data.datasets import Data, load_test_set
from allspin.host.options import HIDDEN, SEVERAL, TILES
from allspin.host.show.display import Display
from allspin.host.show.progress import shows_progress
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_range, refused
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles
from allspin.sim.parameters import Brief
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import DEFAULT_BAND, Programming, default_tries

CHIPS = 20
MAX_CHIPS = 10_000


@dataclass(frozen=True)
class MeasureOptions(Brief):
    """Chips to measure, and their programming.

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
        """Seeds of the chips."""
        return range(self.first, self.first + self.chips)

    def programming(self, network: Network) -> Programming:
        """Return the programming of a network's chips; each column sets its scheme.

        Raises
        ------
        ValueError
            If one of the values is out of its range.
        """
        tries = default_tries(network) if self.tries is None else self.tries
        return Programming(polarity=self.polarity, tries=tries, band=self.band)


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
    """Program many chips with networks, and score each chip with test images.

    Parameters
    ----------
    networks : str, Path, Network or sequence of these
        Networks, their files, or names of shipped networks.
    device : str, Path or Device
        A device, its file, or the name of one that ships.
    options : MeasureOptions, optional
        Chips and their programming.
    at : str or OperatingPoint, optional
        Operating point of a device file, such as ``current=9mA,temperature=350`` (its own).
    images : int, optional
        Number of test images, the first ones (all).
    data : str, Path or tuple of array_like, optional
        Test images and labels, as of `allspin.load_dataset` (the MNIST that ships).
    progress : Display or bool, optional
        Display of the steps: by default a bar, in a terminal or a notebook.

    Returns
    -------
    MeasuredChips

    Raises
    ------
    UserError
        If a file cannot be read or does not fit, or the chips cannot be programmed so.
    """
    options = options or MeasureOptions()
    opened_device = open_device(device, at)
    opened = _open_networks(networks, options, data, progress)
    pixels, labels = load_test_set(data, opened.values(), images)
    test_set = (pixels[:images], labels[:images])
    results = []
    probed = []
    for name, network in opened.items():
        if options.probed:  # first, so that a wrong file is refused at once
            probed += _measure_files(name, network, opened_device, options, test_set, progress)
        with refused():
            lot = Lot(opened_device, options.seeds, options.programming(network))
        results += measure_columns(name, network, options.columns, lot, test_set, progress)
    return MeasuredChips(opened_device, options.seeds, len(test_set[0]), results, probed)


def _open_networks(
    networks: str | Path | Network | Sequence[str | Path | Network],
    options: MeasureOptions,
    data: Data | None,
    progress: Display,
) -> dict[str, Network]:
    """Open networks, cut them into tiles, and return them by name."""
    opened: dict[str, Network] = {}
    for each in several(networks):
        name = network_name(each)
        if not isinstance(each, str | Path) and opened.get(name, each) is not each:
            raise UserError(f"two networks would be called {name}: give their files or names")
        opened[name] = cut_network(each, options.tiles, data, progress)
    if options.probed and len(opened) > 1:
        raise UserError("`probed` cells are those of one network: give it alone")
    return opened


def _measure_files(
    name: str,
    network: Network,
    device: Device,
    options: MeasureOptions,
    test_set: TestSet,
    progress: Display,
) -> list[ColumnResult]:
    """Measure chips whose cells were read: with mean neurons, and with neurons that vary."""
    count = len(options.probed)
    plural = "s" if count > 1 else ""
    progress.start(f"reading {count} file{plural} of cells")
    cells: list[MeasuredCells] = []
    for path in options.probed:
        cells.append(read_cells(Path(path), network, device, options.missing or 0.0))
        progress.advance(len(cells), count)
    progress.finish()
    title = f"{count} measured chip{plural}"
    varied = f"{title}, and the neurons' variation, calibrated"
    with refused():
        return [
            _measure_cells(name, network, device, column, cells, options.first, test_set, progress)
            for column in (Column(title, (), ""), Column(varied, ("neuron",), "", True))
        ]


def _measure_cells(
    name: str,
    network: Network,
    device: Device,
    column: Column,
    cells: list[MeasuredCells],
    first: int,
    test_set: TestSet,
    progress: Display,
) -> ColumnResult:
    """Measure chips of measured cells; calibrated neurons are those of the chips' seeds."""
    neurons = column.calibrated
    chips = (
        program(network, device, seed, each, calibrated=neurons, drawn=neurons)
        for seed, each in enumerate(cells, first)
    )
    accuracies, _ = _score_column(f"{name}, {column.title}", chips, len(cells), test_set, progress)
    return ColumnResult(name, column, accuracies, cells=cells)


def measure_columns(
    name: str,
    network: Network,
    columns: Sequence[Column],
    lot: Lot,
    test_set: TestSet,
    progress: Display,
) -> list[ColumnResult]:
    """Measure the columns that apply to a lot's device, each as a step.

    Parameters
    ----------
    name, network, lot, test_set, progress
        As of `measure`.
    columns : sequence of Column
        Variations of the chips, and their programming.

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


def measure(
    name: str,
    network: Network,
    column: Column,
    lot: Lot,
    test_set: TestSet,
    progress: Display | None = None,
) -> ColumnResult:
    """Measure the accuracy of a network on the chips of one column.

    Parameters
    ----------
    name : str
        Name of the network in results.
    network : Network
        States and levels.
    column : Column
        Variations of the chips, and the scheme that programs them.
    lot : Lot
        The chips with all variations, as of `Column.lot`.
    test_set : tuple of ndarray
        As of `allspin.host.chips.accuracy.accuracy_over_chips`.
    progress : Display, optional
        Display of the step.
    """
    own = column.lot(lot)
    title = f"{name}, {column.title}"
    chips = own.chips(network)
    accuracies, counts = _score_column(
        title, chips, len(lot.seeds), test_set, progress or Display()
    )
    energy = counts.energy(own.device.electrical)
    return ColumnResult(name, column, accuracies, own.programming, counts, energy=energy)


def _score_column(
    title: str,
    chips: Iterable[ProgrammedChip],
    count: int,
    test_set: TestSet,
    progress: Display,
) -> tuple[npt.NDArray[np.float64], Counts]:
    """Score chips as a step, and return their accuracies and the cost of programming them all."""
    progress.start(title)
    accuracies = []
    counts = Counts()
    for score in score_chips(chips, test_set):
        accuracies.append(score.accuracy)
        counts += score.counts
        progress.advance(len(accuracies), count, f"{score.accuracy:.2%}")
    shares = np.array(accuracies)
    progress.finish(str(mean_percent(shares)))
    return shares, counts
