"""A network's accuracy over many chips, programmed one way or another."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.chips.chip_options import TestSet
from allspin.host.show.display import Display
from allspin.sim.device.device import Device
from allspin.sim.errors import not_one_of
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief
from allspin.sim.programming.counts import Counts
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming

VARIATIONS = {
    "c2c": "the synapse's C2C",
    "d2d": "the synapse's D2D",
    "neuron": "the neuron's D2D and C2C",
    "gain": "of these, the D2D of gain",
    "threshold": "of these, the D2D of threshold",
    "use": "of these, the C2C",
}
"""Variations of a device that can be told apart."""
NEURON = frozenset({"gain", "threshold", "use"})
"""Those of which "neuron" is made up."""


def only(device: Device, variations: Iterable[str]) -> Device:
    """A device with some of its variations, the others off.

    Parameters
    ----------
    device : Device
        The device; its imperfections stay as they are.
    variations : iterable of str
        Those of `VARIATIONS` that stay on.

    Raises
    ------
    ValueError
        If there is no such variation.
    """
    kept = set(variations)
    for name in sorted(kept - set(VARIATIONS)):
        raise ValueError(not_one_of("a variation", name, VARIATIONS))
    off = {} if "neuron" in kept else dict.fromkeys(NEURON - kept, 0.0)
    return replace(
        device,
        synapse=device.synapse.varied(float("c2c" in kept), float("d2d" in kept)),
        neuron_variation=replace(device.neuron_variation, **off),
    )


@dataclass(frozen=True)
class Lot(Brief):
    """Chips that are made and programmed alike.

    Parameters
    ----------
    device : Device
        What they are made of; `only` leaves out some of its variation.
    seeds : sequence of int
        The chips.
    programming : Programming
        How each is programmed.
    calibrated : bool
        Whether the thresholds of each chip's neurons are calibrated.
    """

    device: Device
    seeds: Sequence[int]
    programming: Programming = field(default_factory=Programming)
    calibrated: bool = False

    def chips(self, network: Network) -> Iterator[ProgrammedChip]:
        """Program each of the chips with a network."""
        for seed in self.seeds:
            yield program(network, self.device, seed, self.programming, calibrated=self.calibrated)


def accuracy_over_chips(network: Network, lot: Lot, test_set: TestSet) -> npt.NDArray[np.float64]:
    """Accuracy of a network on each of some chips.

    Parameters
    ----------
    network : Network
        The network.
    lot : Lot
        The chips.
    test_set : tuple of ndarray
        Images as grey levels, shape (images, height, width), and their classes, shape (images,).

    Returns
    -------
    ndarray of float64, shape (chips,)
        Share of the images that each chip classifies rightly.
    """
    return np.array([chip.accuracy(*test_set) for chip in lot.chips(network)])


# What some chips tell of all that are made alike.

KNOWN = 0.005
"""A mean is known if it is known to this, 0.5 percentage points, in 95 of 100 cases."""
SIDE = 0.975
"""Of its interval's upper end, what lies below."""
LINES = 8
"""Means of which it is told, one by one, that they are not known."""


def chips_needed(deviation: float) -> int:
    """How many chips of a standard deviation make their mean known: by Student's interval."""
    from scipy.special import ndtri, stdtrit

    count = max(2, math.ceil((ndtri(SIDE) * deviation / KNOWN) ** 2))
    while stdtrit(count - 1, SIDE) * deviation > KNOWN * math.sqrt(count):
        count += 1
    return count


def summary(accuracies: npt.NDArray[np.float64]) -> dict[str, Any]:
    """What accuracies of chips come to, as ``--json`` has it.

    Parameters
    ----------
    accuracies : ndarray of float64, shape (chips,)
        Share of the images that each chip classifies rightly.

    Returns
    -------
    dict
        ``accuracy`` (mean), ``deviation``, ``standard_error`` of the mean, ``quantile_5`` (a
        twentieth of all chips is below; the median-unbiased estimate, R. J. Hyndman, Y. Fan, Am.
        Stat. 50, 361, 1996), ``worst``, ``best`` and `chips_needed`. Of a single chip there is no
        deviation, nor what follows from it: these are None.
    """
    deviation = float(accuracies.std(ddof=1)) if len(accuracies) > 1 else None
    return {
        "accuracy": float(accuracies.mean()),
        "deviation": deviation,
        "standard_error": None if deviation is None else deviation / math.sqrt(len(accuracies)),
        "quantile_5": float(np.quantile(accuracies, 0.05, method="median_unbiased")),
        "worst": float(accuracies.min()),
        "best": float(accuracies.max()),
        "chips_needed": None if deviation is None else chips_needed(deviation),
    }


def doubts(named: Iterable[tuple[str, npt.NDArray[np.float64]]]) -> list[str]:
    """Which means are not known to 0.5 points, a line each.

    Parameters
    ----------
    named : iterable of (str, ndarray of float64)
        What each mean is called, and the accuracies.
    """
    lines = []
    for name, accuracies in named:
        needed = summary(accuracies)["chips_needed"]
        if needed is None or needed > len(accuracies):
            some = "several chips" if needed is None else f"about {needed:,} chips"
            lines.append(f"{name}: the mean is not known to 0.5 points (95 %); that takes {some}")
    more = [f"... and {len(lines) - LINES:,} more means are not known to 0.5 points"]
    return lines[:LINES] + (more if len(lines) > LINES else [])


@dataclass(frozen=True)
class Column:
    """Which variations the chips have, and how they are programmed: a row of the table.

    Attributes
    ----------
    title : str
        What it is called.
    variations : tuple of str
        Of `VARIATIONS`, those that are on.
    scheme : str
        Of `allspin.sim.programming.schemes.SCHEMES`.
    calibrated : bool
        Whether the neurons are calibrated.
    polarity : str or None
        Of `allspin.sim.programming.schemes.POLARITIES`; None leaves it as it is.

    Examples
    --------
    >>> Column("all variation", ("c2c", "d2d", "neuron"), "write-verify", calibrated=True).scheme
    'write-verify'
    """

    title: str
    variations: tuple[str, ...]
    scheme: str
    calibrated: bool = False
    polarity: str | None = None

    def lot(self, lot: Lot) -> Lot:
        """Chips as this column has them.

        Parameters
        ----------
        lot : Lot
            The chips with all variations; the column's scheme, and its polarity if it has one,
            take the place of those of their programming.
        """
        how = lot.programming
        return Lot(
            only(lot.device, self.variations),
            lot.seeds,
            replace(how, scheme=self.scheme, polarity=self.polarity or how.polarity),
            self.calibrated,
        )


COLUMNS = (
    Column("open loop", ("c2c",), "open-loop"),
    Column("write-verify", ("c2c",), "write-verify"),
    Column("write-verify, and the synapse's D2D", ("c2c", "d2d"), "write-verify"),
    Column("write-verify, and all D2D, calibrated", ("c2c", "d2d", "neuron"), "write-verify", True),
)
"""What a network of a device reaches: each variation more, and what mends it."""
CAUSES = (
    Column("ideal", (), "pulse-width"),
    Column("C2C, open loop", ("c2c",), "open-loop"),
    Column("C2C, open loop, by halves", ("c2c",), "open-loop", polarity="halves"),
    Column("C2C, open loop, by potentiation", ("c2c",), "open-loop", polarity="potentiation"),
    Column("C2C, pulse width", ("c2c",), "pulse-width"),
    Column("C2C, write-verify", ("c2c",), "write-verify"),
    Column("C2C, incremental", ("c2c",), "incremental"),
    Column("D2D of synapses, open loop", ("d2d",), "open-loop"),
    Column(
        "D2D of synapses, open loop, by depression", ("d2d",), "open-loop", polarity="depression"
    ),
    Column("D2D of synapses, write-verify", ("d2d",), "write-verify"),
    Column("D2D of synapses, incremental", ("d2d",), "incremental"),
    Column("C2C and D2D of synapses, open loop", ("c2c", "d2d"), "open-loop"),
    Column("neurons' gain", ("gain",), "pulse-width"),
    Column("neurons' threshold", ("threshold",), "pulse-width"),
    Column("neurons' threshold, calibrated", ("threshold",), "pulse-width", True),
    Column("neurons' C2C", ("use",), "pulse-width"),
    Column("all variation, open loop", ("c2c", "d2d", "neuron"), "open-loop"),
    Column("all variation, open loop, calibrated", ("c2c", "d2d", "neuron"), "open-loop", True),
)
"""Each variation alone, which one hurts and what mends it; and all where nothing is read."""


def known(columns: Sequence[Column], device: Device) -> Sequence[Column]:
    """The columns that say something of a device.

    A column of variations that the device does not have, most often because they are not known,
    would call something measured that is not, and calibration mends nothing without D2D. Where a
    device has some of a column's variations, the title calls them all that are known.
    """
    neuron = {name for name in NEURON if getattr(device.neuron_variation, name)}
    there = neuron | ({"d2d"} if device.synapse.devices_differ else set())
    kept = []
    for column in columns:
        varied = set(column.variations) - {"c2c", "neuron"}
        if "neuron" in column.variations:
            varied |= NEURON
        found = varied & there - ({"use"} if column.calibrated else set())
        if varied <= there:
            kept.append(column)
        elif found:
            title = column.title.replace("all ", "all known ")
            kept.append(replace(column, title=title))
    return tuple(kept) or columns


@dataclass(frozen=True, eq=False)
class Measured(Brief):
    """What a network reached on some chips: those of a column, or those that were read back.

    Attributes
    ----------
    network : str
        Its name.
    column : Column
        The column; of chips that were read back, what varies of them beside the cells.
    accuracies : ndarray of float64, shape (chips,)
        Share of the images that each chip classifies rightly.
    programming : Programming
        How its chips were programmed.
    counts : Counts
        What programming took, all chips together; nothing of chips that were read back.
    cells : sequence of MeasuredCells
        The chips that were read back.
    energy : float or None
        What programming took, all chips together, in joule; None where it is not known.
    """

    network: str
    column: Column
    accuracies: npt.NDArray[np.float64]
    programming: Programming = field(default_factory=Programming)
    counts: Counts = field(default_factory=Counts)
    cells: Sequence[MeasuredCells] = ()
    energy: float | None = None

    @property
    def mean(self) -> float:
        """Mean accuracy."""
        return float(self.accuracies.mean())

    @property
    def figure(self) -> str:
        """Mean and deviation in percent."""
        spread = "" if self.deviation is None else f" ± {100 * self.deviation:.2f}"
        return f"{100 * self.mean:.2f}{spread}"

    @property
    def deviation(self) -> float | None:
        """Standard deviation over the chips; None for a single one."""
        return float(self.accuracies.std(ddof=1)) if len(self.accuracies) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """As plain values; see ``docs/programming.md``."""
        counts = self.counts
        taken = {
            "pulses_per_cell": counts.pulses,
            "saturations_per_cell": counts.saturations,
            "reads_per_cell": counts.reads,
            "unconverged": counts.unconverged,
            "energy_per_cell": self.energy,
        }
        return {
            "network": self.network,
            "column": self.column.title,
            "variations": list(self.column.variations),
            "calibrated": self.column.calibrated,
            "programming": None if self.cells else asdict(self.programming),
            "measured": [each.to_dict() for each in self.cells] or None,
            **summary(self.accuracies),
            "accuracies": self.accuracies.tolist(),
            **{
                name: None if self.cells or whole is None else whole / counts.cells
                for name, whole in taken.items()
            },
        }


def measure(
    name: str,
    network: Network,
    column: Column,
    lot: Lot,
    test_set: TestSet,
    progress: Display | None = None,
) -> Measured:
    """Measure one column for one network.

    Parameters
    ----------
    name : str
        What the network is called.
    network, test_set
        As of `accuracy_over_chips`.
    column : Column
        What the chips have, and by which scheme they are programmed.
    lot : Lot
        The chips with all variations, as of `Column.lot`.
    progress : Display, optional
        Shows it as a step.
    """
    chips = column.lot(lot)
    programmed = chips.chips(network)
    count = len(lot.seeds)
    return measure_chips_of(name, column, programmed, count, test_set, progress or Display())


def measure_chips_of(
    name: str,
    column: Column,
    chips: Iterable[ProgrammedChip],
    count: int,
    test_set: TestSet,
    progress: Display,
) -> Measured:
    """Measure so many chips of one network and one column, as a step."""
    progress.start(f"{name}, {column.title}")
    shares: list[float] = []
    counts, how, cells, energy = Counts(), Programming(), [], None
    for chip in chips:
        shares.append(chip.accuracy(*test_set))
        counts, how = counts + chip.counts, chip.programming or how
        energy = counts.energy(chip.device.electrical)
        cells += [] if chip.measured is None else [chip.measured]
        progress.advance(len(shares), count, f"{shares[-1]:.2%}")
    measured = Measured(name, column, np.array(shares), how, counts, cells, energy)
    progress.finish(measured.figure)
    return measured
