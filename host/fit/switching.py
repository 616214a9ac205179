"""Fit of switching probabilities: a neuron that switches by chance, in a known device.

Each use of a current switches the device or does not: counts are binomial, with the probability
``P = Phi((I - I_50) / sigma)`` of `allspin.sim.network.neuron.StochasticNeuron`. The logarithm of
the likelihood is concave in the line's offset and slope, so its maximum is unique; intervals
follow from its curvature at the maximum. For probabilities without numbers of trials, their
scatter about the curve replaces the binomial variance.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import log_ndtr, ndtr

from allspin.host.data.catalogue import open_device, several_files
from allspin.host.estimate.goodness import Goodness, judge
from allspin.host.estimate.intervals import CONFIDENCE, Interval, estimated, exactly
from allspin.host.estimate.response import DeviceCurves
from allspin.host.estimate.spread import spread_between
from allspin.host.fit.options import FitOptions
from allspin.host.fit.result import COLUMNS, MadeDevice, row
from allspin.host.lab.column_map import ColumnMap
from allspin.host.lab.measurement import digests
from allspin.host.lab.quantities import unit_of
from allspin.host.lab.reading import ColumnNames, ReadOptions
from allspin.host.lab.tables import CsvFile, read_csv
from allspin.host.show.progress import shows_progress
from allspin.host.show.table import Table
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, refused
from allspin.sim.network.neuron import StochasticNeuron
from allspin.sim.synapse.response import Array

COUNTS = ("switched", "switches", "switching_events", "events", "successes", "hits")
SHARES = ("probability", "switching_probability", "p_switch", "p_sw", "prob")
TRIALS = ("trials", "uses", "attempts", "number_of_trials", "n_trials")
"""Names of columns, as `allspin.host.lab.column_map.plain` has them; trials are uses."""
FEWEST = 3
"""Least number of currents of a curve that is fitted."""


class _Uses(NamedTuple):
    """Uses of one device by magnitudes of the current.

    Attributes
    ----------
    curve : DeviceCurves
        Share of the uses that switched, against current.
    uses : ndarray of float64, shape (currents,)
        Number of uses.
    """

    curve: DeviceCurves
    uses: Array


class _File(NamedTuple):
    """Devices of a file, base unit of its current, and True if uses were counted."""

    devices: list[_Uses]
    unit: str
    counted: bool


class _Fit(NamedTuple):
    """I_50 and the logarithm of sigma, their standard errors, and the freedom of these."""

    parameters: Array
    errors: Array
    freedom: float


def _find(columns: ColumnMap, names: Sequence[str]) -> int | None:
    """Return the place of the first column that has one of some names."""
    places = map(columns.find, names)
    return next((place for place in places if place is not None), None)


def is_switching(file: CsvFile, names: ColumnNames | None = None) -> bool:
    """Return True if a file holds probabilities or counts of switching against current."""
    columns = ColumnMap(file, names or ColumnNames())
    return columns.place("current") is not None and _find(columns, COUNTS + SHARES) is not None


def _read(file: CsvFile, names: ColumnNames) -> _File:
    """Read the devices of a file."""
    columns = ColumnMap(file, names)
    place = columns.place("current")
    counts = _find(columns, COUNTS)
    shares = _find(columns, SHARES)
    trials = _find(columns, TRIALS)
    result = shares if counts is None else counts
    if place is None or result is None:
        raise UserError(f"{file.path} has no columns of current and of probability, or switched")
    unit, factor = unit_of(file.columns[place].unit) or ("?", 1.0)
    x = file.values(place) * factor
    if unit not in ("A", "") or x.min() < 0 < x.max():
        raise UserError(f"{file.path}: give the current in A, mA or uA, of one sign only")
    # Each row of counts without trials is one use.
    uses = np.ones(x.size) if trials is None else file.values(trials)
    switched = file.values(result)
    if counts is None:
        switched = switched * uses * (unit_of(file.columns[result].unit) or ("", 1.0))[1]
    possible = (switched >= 0) & (switched <= uses) & (uses > 0) & np.isfinite(x)
    for at in np.flatnonzero(~possible).tolist():
        raise file.fail(
            file.rows[at][0],
            f"{switched[at]:g} of {uses[at]:g} uses at a current of {x[at]:g} cannot have "
            "switched; give a probability from 0 to 1, or counts with their column of trials",
        )
    own = columns.place("device")
    owners = np.array([file.path.stem] * x.size if own is None else file.cells(own))
    devices = []
    for device in dict.fromkeys(owners.tolist()):
        rows = owners == device
        devices.append(_gather(device, np.abs(x[rows]), switched[rows], uses[rows]))
    return _File(devices, unit, counts is not None or trials is not None)


def _gather(device: str, current: Array, switched: Array, uses: Array) -> _Uses:
    """Return the uses of a device by current."""
    currents, group = np.unique(current, return_inverse=True)
    count = np.bincount(group, uses).astype(np.float64)
    share = np.bincount(group, switched) / count
    return _Uses(DeviceCurves(device, currents, share[np.newaxis]), count)


def _fit(device: _Uses, counted: bool) -> _Fit:
    """Fit one device by maximum likelihood."""
    n = device.uses
    name = device.curve.device
    x = device.curve.pulses
    share = device.curve.mean
    # Below a step the device never switches, and above it always: its width is then unknown.
    if x.size < FEWEST or x[share < 1].max(initial=0) <= x[share > 0].min(initial=np.inf):
        raise UserError(
            f"device {name}: the width of the step is not known; measure at {FEWEST} or more "
            "currents, among them some at which the device switches by chance"
        )
    middle = float(x.mean())
    scale = float(np.ptp(x)) / 2
    u = np.stack([np.ones(x.size), (x - middle) / scale])

    def loss(q: Array) -> float:
        z = q @ u
        return -float(n @ (share * log_ndtr(z) + (1 - share) * log_ndtr(-z))) / n.sum()

    a, b = optimize.minimize(loss, np.array([0.0, 1.0])).x
    if b <= 0:
        raise UserError(f"device {name}: it switches less often the larger the current is")
    z = a + b * u[1]
    variance = np.exp(log_ndtr(z) + log_ndtr(-z))  # of one use
    covariance = np.linalg.inv(u * (n * np.exp(-(z**2)) / (2 * math.pi * variance)) @ u.T)
    freedom = math.inf
    if not counted:
        # The scatter about the curve, at currents with both outcomes, replaces unknown numbers.
        points = float(variance.sum() ** 2 / (variance @ variance))
        freedom = max(points - 2, 1.0)
        scatter = float(((share - ndtr(z)) ** 2).sum() / variance.sum())
        covariance *= scatter * points / freedom
    turn = np.array([[-scale / b, scale * a / b**2], [0.0, -1 / b]])
    errors = np.sqrt(np.diag(turn @ covariance @ turn.T))
    return _Fit(np.array([middle - scale * a / b, math.log(scale / b)]), errors, freedom)


@dataclass(frozen=True, eq=False)
class FittedSwitching(MadeDevice):
    """Result of fitting switching probabilities.

    Attributes
    ----------
    data : list of DeviceCurves
        Shares of each device's uses that switched, against current.
    models : list of ndarray
        Probability of each fit at the device's currents.
    values : dict of str to Interval
        ``I_50`` and ``sigma`` in the unit of the current, of several devices their means;
        ``threshold_spread``, the deviation of I_50 between devices as a fraction of the largest
        current, for several devices.
    goodness : Goodness
        Agreement of the model with the curves.
    source : dict
        Largest current, its unit, basis of the intervals, and SHA-256 of each file.
    base : Device
        Device that the neuron is put into.
    name : str
        Name of the device.
    """

    data: list[DeviceCurves]
    models: list[Array]
    values: dict[str, Interval]
    goodness: Goodness
    source: dict[str, Any]
    base: Device
    name: str
    kind = "switching"

    @property
    def complaints(self) -> list[str]:
        """A line if the model does not describe the curves."""
        return [] if self.goodness.described else [f"the switching: {self.goodness}"]

    def device(self) -> Device:
        """Return the base with this neuron, and the source of its values.

        Raises
        ------
        UserError
            If the neuron cannot have full scale at the largest current.
        """
        full = self.source["full_current"]
        middle = self.values["I_50"].value / full
        sigma = self.values["sigma"].value / full
        spread = 0.0
        if "threshold_spread" in self.values:
            spread = self.values["threshold_spread"].value
        with refused("the neuron cannot be used: ", "; measure up to about twice I_50"):
            return dataclasses.replace(
                self.base,
                name=self.name,
                neuron=StochasticNeuron(middle, sigma),
                neuron_variation=NeuronVariation(threshold=spread),
                source=self.base.source | {"neuron": self.report()},
            )

    def report(self) -> dict[str, Any]:
        """Return values with their intervals, as plain data; values not measured are left out."""
        values = {name: one.plain() for name, one in self.values.items()}
        return {**values, **self.source, "goodness": self.goodness.plain()}

    def tables(self, device: Device) -> list[Table]:
        """Return values and intervals of the neuron."""
        rows = []
        for name, value in self.values.items():
            unit = str(self.source["current_unit"])
            if name == "threshold_spread":
                unit = "of the largest current"
            rows.append(row("", name, value, unit)[1:])
        return [Table(f"Neuron of {device.name}: values and 95 % intervals", COLUMNS[1:], rows)]

    def notes(self, _: Device) -> list[str]:
        """Return the basis of the intervals, full scale, and the source of the other values."""
        return [
            f"Intervals rest on {self.source['intervals_from']}; all but the neuron is that of "
            f"{self.base.name}.",
            f"Full scale is the largest current, {self.source['full_current']:.4g} "
            f"{self.source['current_unit']}.",
        ]

    def plot(self) -> Any:
        """Draw shares of the uses that switch, and the curve of each device."""
        # Matplotlib takes long to load, and a fit does not need it.
        from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
        from allspin.host.draw.style import name_text

        lines = []
        for one, model in zip(self.data, self.models, strict=True):
            x = one.pulses.tolist()
            lines.append(ChartLine(name_text(one.device), x, one.mean.tolist(), joined=False))
            lines.append(ChartLine("", x, model.tolist(), marked=False))
        unit = self.source["current_unit"]
        panel = ChartPanel(lines, f"current ({unit})", "share of uses that switch")
        return curves(f"{name_text(self.name)}: switching by chance", [panel])


@shows_progress
def fit_switching(
    files: str | Path | Sequence[str | Path],
    device: str | Path | Device,
    options: FitOptions | None = None,
    reading: ReadOptions | None = None,
    at: str | OperatingPoint | None = None,
    *,
    progress: Any = None,
) -> FittedSwitching:
    """Fit a neuron that switches by chance to switching probabilities, or counts, against current.

    Parameters
    ----------
    files : str, Path or sequence of these
        CSV files; see ``docs/formats.md``.
    device : str, Path or Device
        Device that the neuron is put into, its file, or the name of a shipped device.
    options : FitOptions, optional
        Name of the device (the base's). Other options raise an error.
    reading : ReadOptions, optional
        Names of columns. Other options raise an error.
    at : str or OperatingPoint, optional
        Operating point of a file's device, such as ``current=9mA`` (its default).
    progress : Display or bool, optional
        As in `allspin.fit`.

    Raises
    ------
    UserError
        If a file cannot be read or understood, or the device does not switch by chance.
    """
    base = open_device(device, at)
    reading = reading or ReadOptions()
    options = options or FitOptions()
    paths = several_files(files, "")
    names = dataclasses.replace(reading.columns, ignore=())
    other = reading != ReadOptions(names)
    if other or options != FitOptions(options.name):
        raise UserError("for switching probabilities only the name and the columns can be chosen")
    reading.columns.check(paths)
    tables = [read_csv(path) for path in paths]
    data = _join([_read(table, reading.columns) for table in tables])
    curves = [device.curve for device in data.devices]
    fits = [_fit(device, data.counted) for device in data.devices]
    full = max(float(curve.pulses.max()) for curve in curves)
    values, basis = _values(fits, full)
    if data.counted and basis == "points":
        basis = "counts"
    models = [_model(curve, result) for curve, result in zip(curves, fits, strict=True)]
    uses = sum(device.uses.sum() for device in data.devices)
    source = {
        "method": "maximum of the binomial likelihood",
        "confidence": CONFIDENCE,
        "full_current": full,
        "current_unit": data.unit or "arbitrary",
        "intervals_from": basis,
        "devices": len(curves),
        "uses": float(uses) if data.counted else 0.0,
        "sha256": digests(paths, (table.data for table in tables)),
    }
    name = options.name or base.name
    return FittedSwitching(curves, models, values, judge(curves, models), source, base, name)


def _join(files: Sequence[_File]) -> _File:
    """Join the devices of several files; raise a `UserError` if these do not match."""
    devices = [device for file in files for device in file.devices]
    kinds = {(file.unit, file.counted) for file in files}
    if len(kinds) > 1 or len({device.curve.device for device in devices}) < len(devices):
        raise UserError(
            "files must have one unit of current, different devices, and numbers of uses in all "
            "files or in no file"
        )
    ((unit, counted),) = kinds
    return _File(devices, unit, counted)


def _model(curve: DeviceCurves, result: _Fit) -> Array:
    """Return the probability of switching at the currents of a curve."""
    middle, log_sigma = result.parameters
    return ndtr((curve.pulses - middle) / math.exp(log_sigma))


def _values(fits: Sequence[_Fit], full: float) -> tuple[dict[str, Interval], str]:
    """Return the values of all devices, and the basis of their intervals."""
    table = np.array([one.parameters for one in fits])
    (middle, log_sigma), basis = estimated(
        table, 1, lambda _: table[0], lambda: (fits[0].errors, fits[0].freedom)
    )
    values = {"I_50": middle, "sigma": log_sigma.scaled(math.exp)}
    if len(fits) > 1:
        variances = np.array([one.errors[0] for one in fits]) ** 2
        values["threshold_spread"] = spread_between(table[:, 0], variances, exactly(full))
    return values, basis
