"""From switching probabilities to a neuron that switches by chance, in a device that is known.

Each use of a current switches the film or does not: counts are binomial, with the probability
``P = Phi((I - I_50) / sigma)`` of `allspin.sim.network.neuron.StochasticNeuron`. The logarithm of
the likelihood is concave in the line's offset and slope, so its maximum is the only one; intervals
are of its curvature there. Where there are probabilities without numbers of trials, their scatter
about the curve stands for these.
"""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import optimize
from scipy.special import log_ndtr, ndtr

from allspin.host.data.catalogue import open_device, several_files
from allspin.host.fit.goodness import Goodness, judge
from allspin.host.fit.response import CONFIDENCE, DeviceCurves, Interval, estimated
from allspin.host.fit.result import COLUMNS, FitOptions, MadeDevice, row
from allspin.host.fit.spread import spread_between
from allspin.host.keywords import takes
from allspin.host.lab.columns import ColumnNames, ReadOptions
from allspin.host.lab.quantities import unit_of
from allspin.host.lab.roles import ColumnMap
from allspin.host.lab.runs import digests
from allspin.host.lab.tables import CsvFile, read_csv
from allspin.host.show.table import Table
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError, refused
from allspin.sim.network.neuron import StochasticNeuron
from allspin.sim.synapse.response import Array

NAMES = (
    ("switched", "switches", "switching_events", "events", "successes", "hits"),
    ("probability", "switching_probability", "p_switch", "p_sw", "prob"),
    ("trials", "uses", "attempts", "number_of_trials", "n_trials"),
)
"""Of columns of counts, of probabilities and of trials, as `allspin.host.lab.roles.plain` has them;
the numbers of uses are those of trials."""
FEWEST = 3
"""Currents of a curve that is fitted."""


def _columns(file: CsvFile, names: ColumnNames) -> list[int | None]:
    """Places of current, device, counts, probabilities and trials; None for no such column."""
    columns = ColumnMap(file, names.of)
    found = [[at for at in map(columns.find, own) if at is not None] for own in NAMES]
    known = columns.place("current"), columns.place("device")
    return [*known, *(places[0] if places else None for places in found)]


def is_switching(file: CsvFile, names: ColumnNames | None = None) -> bool:
    """Whether a file holds switching probabilities or counts of switching against current."""
    current, _, *found = _columns(file, names or ColumnNames())
    return current is not None and found[:2] != [None, None]


def _read(file: CsvFile, names: ColumnNames) -> tuple[list[tuple[DeviceCurves, Array]], str, bool]:
    """A file's devices, the unit of the current, and whether uses were counted.

    Of a device there are the shares of the uses that switched, by magnitudes of the current, and
    the numbers of uses.
    """
    place, own, counts, shares, trials = (-1 if at is None else at for at in _columns(file, names))
    if place < 0 or max(counts, shares) < 0:
        raise UserError(f"{file.path} has no columns of current and of probability, or switched")
    what = shares if counts < 0 else counts
    unit, factor = unit_of(file.columns[place].unit) or ("?", 1.0)
    x, k = file.values(place) * factor, file.values(what)
    if unit not in ("A", "") or x.min() < 0 < x.max():
        raise UserError(f"{file.path}: give the current in A, mA or uA, of one sign only")
    # Of counts without trials each row is one use.
    n = np.ones(x.size) if trials < 0 else file.values(trials)
    if counts < 0:
        k = k * n * (unit_of(file.columns[what].unit) or ("", 1.0))[1]
    for at in np.flatnonzero(~((k >= 0) & (k <= n) & (n > 0) & np.isfinite(x))).tolist():
        raise file.fail(
            file.rows[at][0],
            f"{k[at]:g} of {n[at]:g} uses at a current of {x[at]:g} cannot have switched; give a "
            "probability from 0 to 1, or counts with their column of trials",
        )
    owners = np.array([file.path.stem if own < 0 else cells[own] for _, cells in file.rows])
    found = []
    for device in dict.fromkeys(owners.tolist()):
        rows = owners == device
        current, group = np.unique(np.abs(x[rows]), return_inverse=True)
        uses = np.bincount(group, n[rows])
        share = np.bincount(group, k[rows]) / uses
        found.append((DeviceCurves(device, current, share[np.newaxis]), uses))
    return found, unit, counts >= 0 or trials >= 0


def _fit(device: DeviceCurves, n: Array, counted: bool) -> tuple[Array, Array, float]:
    """I_50 and the logarithm of sigma of a device, their standard errors and these' freedom."""
    name, x, share = device.device, device.pulses, device.mean
    # A step would do where all that ever switched is above all that ever did not.
    if x.size < FEWEST or x[share < 1].max(initial=0) <= x[share > 0].min(initial=np.inf):
        raise UserError(
            f"device {name}: the width of the step is not known; measure at {FEWEST} or more "
            "currents, among them some at which the film switches by chance"
        )
    middle, scale = float(x.mean()), float(np.ptp(x)) / 2
    u = np.stack([np.ones(x.size), (x - middle) / scale])
    a, b = optimize.minimize(
        lambda q: (
            -float(n @ (share * log_ndtr(q @ u) + (1 - share) * log_ndtr(-(q @ u)))) / n.sum()
        ),
        np.array([0.0, 1.0]),
    ).x
    if b <= 0:
        raise UserError(f"device {name}: it switches less often the larger the current is")
    z = a + b * u[1]
    spread = np.exp(log_ndtr(z) + log_ndtr(-z))
    covariance = np.linalg.inv(u * (n * np.exp(-(z**2)) / (2 * math.pi * spread)) @ u.T)
    freedom = math.inf
    if not counted:  # numbers of uses are not known: the scatter is, where there may be any
        points = float(spread.sum() ** 2 / (spread @ spread))
        freedom = max(points - 2, 1.0)
        scatter = float(((share - ndtr(z)) ** 2).sum() / spread.sum())
        covariance *= scatter * points / freedom
    turn = np.array([[-scale / b, scale * a / b**2], [0.0, -1 / b]])
    errors = np.sqrt(np.diag(turn @ covariance @ turn.T))
    return np.array([middle - scale * a / b, math.log(scale / b)]), errors, freedom


@dataclass(frozen=True, eq=False)
class FittedSwitching(MadeDevice):
    """What came of switching probabilities.

    Attributes
    ----------
    data : list of DeviceCurves
        Shares of each device's uses that switched, against current.
    models : list of ndarray
        Probability that each fit has at the device's currents.
    values : dict of str to Interval
        ``I_50`` and ``sigma`` in the unit of the current, of several devices their means;
        ``threshold_spread``, the deviation of I_50 between devices as a fraction of the largest
        current, where there are several.
    goodness : Goodness
        How well the curves are described.
    source : dict
        Largest current, its unit, what intervals rest on, and SHA-256 of each file.
    base : Device
        What the neuron is put into.
    name : str
        The device's.
    """

    data: list[DeviceCurves]
    models: list[Array]
    values: dict[str, Interval]
    goodness: Goodness
    source: dict[str, Any]
    base: Device
    name: str

    @property
    def complaints(self) -> list[str]:
        """What the model does not describe."""
        return [] if self.goodness.described else [f"the switching: {self.goodness}"]

    def device(self) -> Device:
        """The base with this neuron, and where it comes from.

        Raises
        ------
        UserError
            If the neuron cannot be one of full scale at the largest current.
        """
        middle, sigma, *spread = (one.value for one in self.values.values())
        full = self.source["full_current"]
        with refused("the neuron cannot be used: ", "; measure up to about twice I_50"):
            return dataclasses.replace(
                self.base,
                name=self.name,
                neuron=StochasticNeuron(middle / full, sigma / full),
                neuron_variation=NeuronVariation(threshold=sum(spread)),
                source=self.base.source | {"neuron": self.report()},
            )

    def report(self) -> dict[str, Any]:
        """Values with their intervals, as plain data; what was not measured is not there."""
        values = {name: one.plain() for name, one in self.values.items()}
        return {**values, **self.source, "goodness": self.goodness.plain()}

    def to_dict(self, device: Path | None, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it: the device file, if it was written, and pictures."""
        return {
            "device": None if device is None else str(device),
            "kind": "switching",
            "described": not self.complaints,
            "pictures": [str(one) for one in pictures],
            **self.report(),
        }

    def tables(self, device: Device) -> list[Table]:
        """Values and intervals of the neuron."""
        unit = str(self.source["current_unit"])
        rows = [
            row("", name, one, "of the largest current" if "spread" in name else unit)[1:]
            for name, one in self.values.items()
        ]
        return [Table(f"Neuron of {device.name}: values and 95 % intervals", COLUMNS[1:], rows)]

    def notes(self, _: Device) -> list[str]:
        """What the intervals rest on, and whose all else is."""
        return [
            f"Intervals rest on {self.source['intervals_from']}; all but the neuron is that of "
            f"{self.base.name}.",
            f"Full scale is the largest current, {self.source['full_current']:.4g} "
            f"{self.source['current_unit']}.",
        ]

    def plot(self) -> Any:
        """Shares of the uses that switch, and the curve of each device."""
        # Pictures are loaded when somebody asks for them.
        from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
        from allspin.host.draw.style import name_text

        lines = [
            line
            for one, model in zip(self.data, self.models, strict=True)
            for line in (
                ChartLine(
                    name_text(one.device), one.pulses.tolist(), one.mean.tolist(), joined=False
                ),
                ChartLine("", one.pulses.tolist(), model.tolist(), marked=False),
            )
        ]
        unit = self.source["current_unit"]
        panel = ChartPanel(lines, f"current ({unit})", "share of uses that switch")
        return curves(f"{name_text(self.name)}: switching by chance", [panel])


@takes(options=FitOptions, reading=ReadOptions)
def fit_switching(
    files: str | Path | Sequence[str | Path],
    device: str | Path | Device,
    options: FitOptions | None = None,
    reading: ReadOptions | None = None,
    at: str | OperatingPoint | None = None,
    *,
    progress: Any = None,
    **keywords: Any,
) -> FittedSwitching:
    """Fit a neuron that switches by chance to switching probabilities, or counts, by current.

    Parameters
    ----------
    files : str, Path or sequence of these
        CSV files; see ``docs/formats.md``.
    device : str, Path or Device
        What the neuron is put into: a device, its file, or the name of one that ships.
    options : FitOptions, optional
        The device's name; the base's if it is empty. Nothing else of it is of such a neuron.
    reading : ReadOptions, optional
        Names of columns. Nothing else of it is of such files.
    at : str or OperatingPoint, optional
        Where a file's device is taken, such as ``current=9mA``; its own point.
    progress : Display or bool, optional
        As of `allspin.fit`.
    **keywords
        Of `options` and `reading`, as ``allspin fit`` has them.

    Raises
    ------
    UserError
        If a file cannot be read or understood, or the film does not switch by chance.
    """
    base, reading = open_device(device, at), reading or ReadOptions()
    options, paths = options or FitOptions(), several_files(files, "")
    named = dataclasses.replace(reading, columns=ColumnNames()), FitOptions(options.name)
    if named != (ReadOptions(), options):
        raise UserError("of switching probabilities only the name and the columns can be chosen")
    reading.columns.check(paths)
    tables = [read_csv(path) for path in paths]
    read = [_read(table, reading.columns) for table in tables]
    (_, unit, counted), measured = read[0], [one for each in read for one in each[0]]
    data = [one for one, _ in measured]
    if len({each[1:] for each in read}) > 1 or len({one.device for one in data}) < len(data):
        raise UserError(
            "files must have one unit of current, all numbers of uses or none, and each its devices"
        )
    found, own_errors, (freedom, *_) = zip(*(_fit(*one, counted) for one in measured), strict=True)
    fits, errors = np.array(found), np.array(own_errors)
    (middle, log_sigma), basis = estimated(fits, 1, lambda _: fits[0], lambda: (errors[0], freedom))
    full = max(float(one.pulses.max()) for one in data)
    values = {"I_50": middle, "sigma": log_sigma.scaled(math.exp)}
    if len(data) > 1:
        values["threshold_spread"] = spread_between(
            fits[:, 0], errors[:, 0] ** 2, Interval(full, full, full)
        )
    models = [
        ndtr((one.pulses - own[0]) / math.exp(own[1])) for one, own in zip(data, fits, strict=True)
    ]
    source = {
        "method": "maximum of the binomial likelihood",
        "confidence": CONFIDENCE,
        "full_current": full,
        "current_unit": unit or "arbitrary",
        "intervals_from": "counts" if counted and basis == "points" else basis,
        "devices": len(data),
        "uses": float(sum(uses.sum() for _, uses in measured)) if counted else 0.0,
        "sha256": digests(paths, (table.data for table in tables)),
    }
    return FittedSwitching(
        data, models, values, judge(data, models), source, base, options.name or base.name
    )
