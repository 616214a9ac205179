"""Measured curves, and all of them together: what files are read to, and what is fitted."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from allspin.sim.parameters import Brief
from allspin.sim.synapse.response import Array, Polarity

DEAD = 0.15
"""Of the usual swing of R_AH: pulses that change less do not switch the film."""


@dataclass(frozen=True, eq=False)
class Curve(Brief):
    """One measured curve.

    Attributes
    ----------
    device, cycle : str
        Which device, and which of its cycles.
    polarity : Polarity or None
        Of the pulses; None for a neuron's curve.
    x : ndarray of float64, shape (points,)
        Pulses given so far, current in ampere (or in the file's unit if it names none), or
        seconds since R_AH was written.
    resistance : ndarray of float64, shape (points,)
        R_AH, in ohm (or in the file's unit if it names none); the mean where a state was read
        several times.
    scatter : ndarray of float64, shape (2, points), or None
        What those reads differ by, state by state: the sum of squares about their mean, and how
        many there are beyond the first. None where each state was read once.
    line : int
        Of the file's row with which it begins.
    rows : ndarray of int
        The file's row of each point; -1 for a point at which a run turns, in the part behind, and
        empty for a curve of no file.
    temperature : float
        Of a decay, in kelvin; 0 for other curves.
    path : str
        The file.
    """

    device: str
    cycle: str
    polarity: Polarity | None
    x: Array
    resistance: Array
    scatter: Array | None = None
    line: int = 0
    rows: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    temperature: float = 0.0
    path: str = ""

    @property
    def name(self) -> str:
        """What messages call it."""
        parts = [
            f"device {self.device}",
            f"cycle {self.cycle}" if self.cycle else "",
            "" if self.polarity is None else self.polarity.name.lower(),
            f"{self.temperature:g} K" if self.temperature else "",
        ]
        return ", ".join(filter(None, parts))

    def at(self, places: npt.NDArray[np.integer]) -> "Curve":
        """The curve of some of its points."""
        scatter = None if self.scatter is None else self.scatter[:, places]
        rows = self.rows[places] if self.rows.size else self.rows
        x, resistance = self.x[places], self.resistance[places]
        return replace(self, x=x, resistance=resistance, scatter=scatter, rows=rows)

    @property
    def swing(self) -> float:
        """What R_AH changes by in the way of the polarity, from the first points to the last.

        Of a neuron it is the range of the medians of parts, whose scatter is small.
        """
        if self.polarity is None:
            parts = np.array_split(self.resistance, min(10, self.x.size))
            return float(np.ptp([np.median(part) for part in parts]))
        start, end = ends(self.resistance)
        return (start - end) if self.polarity else (end - start)

    def measured(self) -> "Curve":
        """The curve without points that are missing."""
        return self.at(np.flatnonzero(np.isfinite(self.resistance)))


@dataclass(frozen=True, eq=False)
class Measurement(Brief):
    """All that was measured.

    Attributes
    ----------
    curves : list of Curve
        Pulse curves and neuron curves.
    unit : str
        Unit of R_AH: ``ohm``, ``siemens``, or ``arbitrary``.
    current_unit : str
        Unit of the currents: ``A``, or ``arbitrary``.
    digests : dict of str to str
        SHA-256 of each file, by its name.
    notes : list of str
        What was guessed or left out, a line each.
    given : dict of str to object
        What the user said about the data, for the device file.
    electrical : dict of str to float
        What is known of pulses and reads, as `allspin.sim.device.electrical.Electrical` has it.
    """

    curves: list[Curve]
    unit: str
    current_unit: str
    digests: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    given: dict[str, object] = field(default_factory=dict)
    electrical: dict[str, float] = field(default_factory=dict)

    def of(self, polarity: Polarity | None) -> list[Curve]:
        """Curves of a polarity, or of neurons."""
        return [curve for curve in self.curves if curve.polarity is polarity]


def by_device(curves: Sequence[Curve]) -> dict[str, list[int]]:
    """Places of each device's curves, in the order in which devices came."""
    found: dict[str, list[int]] = {}
    for place, curve in enumerate(curves):
        found.setdefault(curve.device, []).append(place)
    return found


def aligned(xs: Sequence[Array], rows: Sequence[Array]) -> tuple[Array, Array]:
    """Every x, and the rows on it as a table, shape (rows, points); NaN where a row has none."""
    every = np.unique(np.concatenate(xs))
    table = np.full((len(rows), every.size), np.nan)
    for line, x, row in zip(table, xs, rows, strict=True):
        line[np.searchsorted(every, x)] = row
    return every, table


def ends(resistance: Array) -> tuple[float, float]:
    """R_AH at a curve's start and end: medians of some points, which an outlier does not move."""
    few = max(1, min(5, len(resistance) // 5))
    return float(np.median(resistance[:few])), float(np.median(resistance[-few:]))


def usual_swing(curves: Sequence[Curve]) -> float:
    """The largest swing of a device's curves; of devices that of the upper quarter."""
    sizes = [max(abs(curves[n].swing) for n in places) for places in by_device(curves).values()]
    return float(np.quantile(sizes, 0.75))


def trend(resistance: Array) -> float:
    """Change of R_AH from a curve's first points to its last, over its spread."""
    start, end = ends(resistance)
    # A spike is no spread, where there are points enough to tell one.
    rest = 2 if len(resistance) >= 20 else 0
    spread = float(np.subtract(*np.percentile(resistance, [100 - rest, rest])))
    return (end - start) / spread if spread else 0.0
