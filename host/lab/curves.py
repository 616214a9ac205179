"""Measured curves, and a measurement, which is all curves of some files."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

from allspin.sim.parameters import Brief
from allspin.sim.synapse.response import Array, Polarity

LEAST_POINTS = 5
"""Points of a curve: three parameters, and two more to judge the fit by."""
DEAD = 0.15
"""Share of the usual swing below which pulses do not switch a device."""


@dataclass(frozen=True, eq=False)
class Curve(Brief):
    """One measured curve.

    Attributes
    ----------
    device, cycle : str
        Names of the device and of the cycle.
    polarity : Polarity or None
        Polarity of the pulses; None for a neuron's curve or a decay.
    x : ndarray of float64, shape (points,)
        Pulses given so far, current in ampere (or in the file's own unit), or
        seconds since R_AH was written.
    resistance : ndarray of float64, shape (points,)
        R_AH, in ohm (or in the file's own unit); the mean where a state was read
        several times.
    scatter : ndarray of float64, shape (2, points), or None
        Scatter of those reads for each state: the sum of squares about their mean, and their
        number less one. None if each state was read once.
    line : int
        Line of the file with the first point.
    rows : ndarray of int
        Row of the file of each point; -1 for a point at which a run turns, in the part behind, and
        empty for a curve that no file has.
    temperature : float
        Temperature of a decay in kelvin; 0 for other curves.
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
        """Name of the curve in messages."""
        parts = [f"device {self.device}"]
        if self.cycle:
            parts.append(f"cycle {self.cycle}")
        if self.polarity is not None:
            parts.append(self.polarity.name.lower())
        if self.temperature:
            parts.append(f"{self.temperature:g} K")
        return ", ".join(parts)

    def at(self, places: npt.NDArray[np.integer]) -> "Curve":
        """Return the curve of some of its points."""
        return replace(
            self,
            x=self.x[places],
            resistance=self.resistance[places],
            scatter=None if self.scatter is None else self.scatter[:, places],
            rows=self.rows[places] if self.rows.size else self.rows,
        )

    @property
    def swing(self) -> float:
        """Change of R_AH along a polarity's way, from the first points to the last.

        A neuron's is the range of the medians of parts, so that scatter adds little.
        """
        if self.polarity is None:
            parts = np.array_split(self.resistance, min(10, self.x.size))
            return float(np.ptp([np.median(part) for part in parts]))
        start, end = ends(self.resistance)
        return start - end if self.polarity else end - start

    def measured(self) -> "Curve":
        """Return the curve without missing points."""
        return self.at(np.flatnonzero(np.isfinite(self.resistance)))


@dataclass(frozen=True, eq=False)
class Measurement(Brief):
    """All curves of some files.

    Attributes
    ----------
    curves : list of Curve
        Pulse curves and neuron curves, or decays.
    unit : str
        Unit of R_AH: ``ohm``, ``siemens``, or ``arbitrary``.
    current_unit : str
        Unit of the currents: ``A``, or ``arbitrary``.
    digests : dict of str to str
        SHA-256 of each file, by its name.
    notes : list of str
        Remarks on guesses and on data that are left out, a line each.
    given : dict of str to object
        The user's options about the data, for the device file.
    electrical : dict of str to float
        Currents and times of pulses and reads; `allspin.sim.device.electrical.Electrical`.
    """

    curves: list[Curve]
    unit: str
    current_unit: str
    digests: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    given: dict[str, object] = field(default_factory=dict)
    electrical: dict[str, float] = field(default_factory=dict)

    def of(self, polarity: Polarity | None) -> list[Curve]:
        """Return curves of a polarity, or of neurons."""
        return [curve for curve in self.curves if curve.polarity is polarity]


def by_device(curves: Sequence[Curve]) -> dict[str, list[int]]:
    """Return places of each device's curves; devices keep their order."""
    found: dict[str, list[int]] = {}
    for place, curve in enumerate(curves):
        found.setdefault(curve.device, []).append(place)
    return found


def align(curves: Sequence[Curve]) -> tuple[Array, Array]:
    """Return every x, and R_AH of the curves there, shape (curves, points); NaN without a point."""
    every = np.unique(np.concatenate([curve.x for curve in curves]))
    table = np.full((len(curves), every.size), np.nan)
    for line, curve in zip(table, curves, strict=True):
        line[np.searchsorted(every, curve.x)] = curve.resistance
    return every, table


def ends(resistance: Array) -> tuple[float, float]:
    """Return R_AH at a curve's start and end: medians of some points, robust to an outlier."""
    few = max(1, min(5, len(resistance) // 5))
    return float(np.median(resistance[:few])), float(np.median(resistance[-few:]))


def usual_swing(curves: Sequence[Curve]) -> float:
    """Return the upper quartile over devices of each device's largest swing."""
    sizes = [max(abs(curves[n].swing) for n in places) for places in by_device(curves).values()]
    return float(np.quantile(sizes, 0.75))


def trend(resistance: Array) -> float:
    """Return the change of R_AH from a curve's first points to its last, over its spread."""
    start, end = ends(resistance)
    # Percentiles exclude a spike where the points are enough to tell one.
    edge = 2 if len(resistance) >= 20 else 0
    spread = float(np.subtract(*np.percentile(resistance, [100 - edge, edge])))
    return (end - start) / spread if spread else 0.0


def scatter_of(values: Sequence[Array]) -> float:
    """Return the standard deviation of a point, from second differences of neighbours."""
    steps = np.concatenate([np.diff(one, n=2) for one in values])
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(6))


def medians(values: Array) -> Array:
    """Return running medians of five, which have no spikes and less noise."""
    return median_filter(values, 5, mode="nearest")
