"""What some networks reach over many chips, network by network and column by column."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allspin.host.chips.accuracy import COLUMNS, Column, Lot, Measured, known, measure, measure_made
from allspin.host.chips.chip_options import MadeChip, TestSet
from allspin.host.chips.probed_cells import probe_cells
from allspin.host.chips.tiles import cut_network
from allspin.host.data.catalogue import each_network, network_name, open_device
from allspin.host.data.datasets import load_test_set
from allspin.host.show.say import Display, Silent, commit
from allspin.host.show.table import Number, Table, TableColumn as TableColumn
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, check_number, check_range, refused
from allspin.sim.network.network import Network, Tiles
from allspin.sim.parameters import option
from allspin.sim.programming.schemes import DEFAULT_BAND, POLARITIES, Programming, default_tries

CHIPS = 20
MAX_CHIPS = 10_000


@dataclass(frozen=True)
class MeasureOptions:
    """Which chips are measured, and how they are programmed.

    Parameters
    ----------
    chips : int
        How many, 1 to 10,000.
    first : int
        Seed of the first, from 0 on; the next follow.
    columns : tuple of Column
        What they have and which scheme programs them.
    polarity : str
        One of `allspin.sim.programming.schemes.POLARITIES`, for columns that name none.
    tries : int or None
        Writes of a cell that write-verify may take; None for what suits a network's states.
    band : float
        Largest distance from the level that write-verify accepts, as a fraction of the range.
    probed : tuple of str or Path
        Files of cells that a probe station read back, one for each chip.
    missing : float
        Share of such a chip's cells that may be missing.
    tiles : Tiles or None
        What the networks' columns are cut into; None for their own.

    Raises
    ------
    ValueError
        If `chips`, `first` or `missing` is out of its range; the message begins with its name.
    """

    chips: int = field(default=CHIPS, metadata=option(f"how many chips ({CHIPS})", "N"))
    first: int = field(default=0, metadata=option("the first chip; the next follow (0)", "SEED"))
    columns: tuple[Column, ...] = COLUMNS
    polarity: str = "quieter"
    tries: int | None = None
    band: float = DEFAULT_BAND
    probed: tuple[str | Path, ...] = field(
        default=(),
        metadata=option(
            "cells as a probe station read them, CSV or .npz, a file a chip",
            "CELLS",
            flag="--measured",
            nargs="+",
            type=Path,
        ),
    )
    missing: float = 0.0
    tiles: Tiles | None = None

    def __post_init__(self) -> None:
        chips = check_range("chips", self.chips, 1, MAX_CHIPS)
        check_range("first", self.first, 0, 2**32 - max(chips, len(self.probed)))
        check_number("missing", self.missing, 0, 1)

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
class MeasuredChips:
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

    def to_dict(self) -> dict[str, Any]:
        """As ``allspin chips --json`` prints it."""
        return {
            "device": self.device.name,
            "chips": list(self.seeds),
            "images": self.images,
            "results": [result.to_dict() for result in (*self.results, *self.probed)],
            "readings": self.device.readings(),
            "commit": commit(),
        }

    def _repr_html_(self) -> str:
        """What a notebook shows of it: each chip as a point, and the means."""
        # Pictures are loaded when a notebook asks for them.
        from allspin.host.draw.cards import beside
        from allspin.host.draw.curve_charts import Strip, strips

        rows = [
            Strip(f"{one.network}: {one.column.title}", (100 * one.accuracies).tolist(), one.figure)
            for one in (*self.results, *self.probed)
        ]
        return beside(chips_table(self), strips("Accuracy of each chip", rows, "accuracy (%)"))


def measure_chips(
    networks: str | Path | Network | Sequence[str | Path | Network],
    device: str | Path | Device = "paper",
    options: MeasureOptions | None = None,
    *,
    at: str | OperatingPoint | None = None,
    images: int | None = None,
    data: str | Path | None = None,
    display: Display | None = None,
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
    data : str or Path, optional
        Folder of IDX files, or an ``.npz`` archive; the MNIST that ships.
    display : Display, optional
        Shows a step for each column of each network.

    Returns
    -------
    MeasuredChips

    Raises
    ------
    UserError
        If a file cannot be read or does not fit, or the chips cannot be programmed so.
    """
    options, display = options or MeasureOptions(), display or Silent()
    made_of = open_device(device, at)
    opened: dict[str, Network] = {}
    for each in each_network(networks):
        name = network_name(each)
        if isinstance(each, Network) and opened.get(name, each) is not each:
            raise UserError(f"two networks would be called {name}: give their files or names")
        opened[name] = cut_network(each, options.tiles, data, display)
    if options.probed and len(opened) > 1:
        raise UserError("`probed` cells are those of one network: give it alone")
    pixels, labels = load_test_set(data, opened.values(), images)
    test_set = pixels[:images], labels[:images]
    results, probed = [], []
    for name, network in opened.items():
        if options.probed:  # first: a file that cannot be used is told at once
            probed += _measure_files(name, network, made_of, options, test_set, display)
        with refused():
            lot = Lot(made_of, options.seeds, options.programming(network))
        results += measure_columns(name, network, options.columns, lot, test_set, display)
    return MeasuredChips(made_of, options.seeds, len(test_set[0]), results, probed)


def _measure_files(
    name: str,
    network: Network,
    device: Device,
    options: MeasureOptions,
    test_set: TestSet,
    display: Display,
) -> list[Measured]:
    """Measure the chips that were read back: with the mean neuron, and with neurons that vary."""
    count = len(options.probed)
    display.start(f"reading {count} file{'s' * (count > 1)} of cells")
    cells = []
    for path in options.probed:
        cells.append(probe_cells(Path(path), network, device, options.missing))
        display.advance(len(cells), count)
    display.finish()
    title = f"{count} measured chip{'s' * (count > 1)}"
    columns = (
        Column(title, (), ""),
        Column(f"{title}, and the neurons' variation, calibrated", ("neuron",), "", True),
    )
    found = []
    for column in columns:
        made = (
            MadeChip.of(
                each.chip(device, seed if column.calibrated else None),
                network,
                each,
                calibrated=column.calibrated,
            )
            for seed, each in enumerate(cells, options.first)
        )
        with refused():
            found.append(measure_made(name, column, made, count, test_set, display))
    return found


def measure_columns(
    name: str,
    network: Network,
    columns: Sequence[Column],
    lot: Lot,
    test_set: TestSet,
    display: Display,
) -> list[Measured]:
    """Measure some columns for one network, each as a step.

    Parameters
    ----------
    name, network, lot, test_set
        As of `allspin.host.chips.accuracy.measure`.
    columns : sequence of Column
        What the chips have.
    display : Display
        Shows the steps.

    Raises
    ------
    UserError
        If the chips cannot be programmed so.
    """
    with refused():
        return [
            measure(name, network, column, lot, test_set, display)
            for column in known(columns, lot.device)
        ]


def chips_table(measured: MeasuredChips) -> Table:
    """Networks across, columns down: their titles are long."""
    results, chips = [*measured.results, *measured.probed], len(measured.seeds)
    names = list(dict.fromkeys(result.network for result in results))
    rows: dict[str, list[Number]] = {}
    for result in results:
        deviation = None if result.deviation is None else 100 * result.deviation
        share = Number(100 * result.mean, ".2f", deviation)
        rows.setdefault(result.column.title, []).append(share)
    return Table(
        f"Accuracy, {chips} chip{'s' if chips > 1 else ''} of {measured.device.name}, "
        f"{measured.images:,} images",
        (TableColumn("chips with"), *(TableColumn(name, "%") for name in names)),
        [(title, *shares) for title, shares in rows.items()],
    )


def remarks(measured: MeasuredChips) -> list[str]:
    """How the chips were programmed and what their device is read as, line by line."""
    verified, worst = {}, []
    for result in measured.results:
        column, how, counts = result.column, result.programming, result.counts
        if column.scheme == "write-verify":
            line = (
                f"{result.network}, {column.title}: band {how.band:g} of the range, at most "
                f"{how.tries} tries; {counts.reads / counts.cells:.2f} writes and reads a cell, "
                f"{counts.unconverged / counts.cells:.2%} of the cells end outside the band"
            )
            verified.setdefault(result.network, line)
        elif column.scheme == "open-loop" and {"c2c", "d2d", "neuron"} <= set(column.variations):
            place = int(result.accuracies.argmin())
            worst.append(
                f"{result.network}, {column.title}: the worst is chip {measured.seeds[place]} with "
                f"{100 * result.accuracies[place]:.2f} %"
            )
    cells = measured.probed[0].cells if measured.probed else ()
    readings = [line for each in cells for line in each.readings()]
    polarity = measured.results[0].programming.polarity
    return [
        *verified.values(),
        *worst,
        *readings,
        f"polarity {polarity}: {POLARITIES[polarity]}",
        *measured.device.readings(),
    ]
