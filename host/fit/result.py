"""Result of a fit: values, intervals and readings of polarities, neuron and meter."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from allspin.host.estimate.goodness import Goodness
from allspin.host.estimate.intervals import Interval
from allspin.host.estimate.meter import MeterNoise
from allspin.host.estimate.neuron import NeuronFit
from allspin.host.estimate.outliers import Outlier
from allspin.host.estimate.response import DeviceCurves, ResponseFit
from allspin.host.estimate.spread import CycleSpread, DeviceSpread
from allspin.host.fit.explain import curves_table
from allspin.host.fit.options import FitOptions
from allspin.host.lab.curves import Measurement
from allspin.host.show.table import Cell, Number, Table, TableColumn
from allspin.sim.device.device import Device
from allspin.sim.parameters import Brief, Shown
from allspin.sim.synapse.response import Polarity

COLUMNS = (
    TableColumn("part", group=True),
    TableColumn("what"),
    TableColumn("value", number=True),
    TableColumn("from"),
    TableColumn("to"),
    TableColumn("unit"),
)
"""Columns of the table of a fitted device."""


def row(
    part: str, name: str, value: Cell | Interval, unit: str = "", scale: float = 1.0
) -> tuple[Cell, ...]:
    """Return a row of a value, with the interval if the value has one."""
    if not isinstance(value, Interval):
        return part, name, value, None, None, unit
    # Value and interval often differ in the third digit.
    edges = (value.value, value.low, value.high)
    return part, name, *(Number(scale * edge, "#.4g") for edge in edges), unit


class MadeDevice(Shown):
    """Base class of results that make a device; they define `device` and `plot`.

    Attributes
    ----------
    kind : str
        Kind of the result in its record.
    complaints : list of str
        Curves that the model does not describe, a line each.
    """

    kind = "model"
    complaints: Any = ()

    def report(self) -> dict[str, Any]:
        """Return the values with their intervals, as plain data."""
        raise NotImplementedError

    def to_dict(self, device: Path | None = None, pictures: Sequence[Path] = ()) -> dict[str, Any]:
        """Return the object that ``allspin fit --json`` prints.

        Parameters
        ----------
        device : Path or None
            Device file, if it was written.
        pictures : sequence of Path
            Files of the pictures.
        """
        return {
            "device": None if device is None else str(device),
            "kind": self.kind,
            "described": not self.complaints,
            "pictures": [str(path) for path in pictures],
            **self.report(),
        }

    def explained(self) -> Table:
        """Return the table of curves: file and line of each, and its use."""
        return curves_table()

    def save(self, path: str | Path) -> None:
        """Write the device's file; see `allspin.save_device`."""
        cast(Any, self).device().save(path)


@dataclass(frozen=True, eq=False)
class PolarityResult(Brief):
    """Fit, C2C and D2D of one polarity, and the goodness of its model."""

    fit: ResponseFit
    cycles: CycleSpread
    devices: DeviceSpread
    goodness: Goodness


@dataclass(frozen=True, eq=False)
class FitResult(MadeDevice):
    """All values of a fit.

    Attributes
    ----------
    measurement : Measurement
        Measured curves.
    options : FitOptions
        Options of the fit.
    base : Device or None
        Device whose values replace quantities that were not measured.
    outliers : list of Outlier
        Points and cycles that were set aside.
    polarities : dict of Polarity to PolarityResult
        Results of the polarities that were measured.
    neuron : NeuronFit or None
        Fit of the neuron, if its curves were given.
    meter : MeterNoise or None
        Noise of the meter that read the pulse curves, if the data tell it.
    occasion, reading : str
        Readings of C2C and D2D; empty if they are not measured.
    together : Interval or None
        Correlation of the D2D of both polarities, if the data tell it.
    """

    measurement: Measurement
    options: FitOptions
    base: Device | None
    outliers: list[Outlier]
    polarities: dict[Polarity, PolarityResult]
    neuron: NeuronFit | None
    meter: MeterNoise | None
    occasion: str
    reading: str
    together: Interval | None = None

    @property
    def unit(self) -> str:
        """Unit of R_AH."""
        return self.measurement.unit

    @property
    def range(self) -> tuple[float, float]:
        """Lowest and highest R_AH that was fitted."""
        fits = [part.fit for part in self.polarities.values()]
        return min(fit.low.value for fit in fits), max(fit.high.value for fit in fits)

    @property
    def correlation(self) -> float:
        """Correlation of the device: 0 if its interval has both signs."""
        if self.together is None or self.together.low * self.together.high <= 0:
            return 0.0
        return self.together.value

    @property
    def complaints(self) -> list[str]:
        """Curves that the models do not describe, a line each; a table needs no model."""
        parts = {}
        if not self.options.table:
            for polarity, part in self.polarities.items():
                parts[polarity.name.lower()] = part.goodness
        if self.neuron is not None:
            parts["the neuron"] = self.neuron.goodness
        return [f"{name}: {one}" for name, one in parts.items() if not one.described]

    def report(self) -> dict[str, Any]:
        """Return every value with its interval, by polarity and neuron, as plain data."""
        whole: dict[str, Any] = {}
        for polarity, part in self.polarities.items():
            whole[polarity.name.lower()] = _polarity_report(part)
        if self.together is not None:
            whole["d2d_correlation"] = self.together.plain()
        if self.meter is not None:
            whole["meter_noise"] = self.meter.deviation.plain() | {"from": "reads"}
        if self.neuron is not None:
            whole["neuron"] = _neuron_report(self.neuron)
        return whole


def _polarity_report(part: PolarityResult) -> dict[str, Any]:
    fit = part.fit
    return {
        "A": fit.nonlinearity.plain(),
        "P_max": fit.pulses,
        "R_min": fit.low.plain(),
        "R_max": fit.high.plain(),
        **_basis(fit.basis, fit.devices),
        "c2c": {
            "write": part.cycles.write.plain(),
            "pulse": part.cycles.pulse.plain(),
            "from": part.cycles.basis,
        },
        "d2d": {name: one.plain() for name, one in part.devices.readings.items()},
        "d2d_explained": {name: float(share) for name, share in part.devices.explained.items()},
        "goodness": part.goodness.plain(),
    }


def _neuron_report(neuron: NeuronFit) -> dict[str, Any]:
    report: dict[str, Any] = {name: one.plain() for name, one in neuron.values.items()}
    report |= {
        "full_current": neuron.full_current,
        "full_resistance": neuron.full_resistance,
        "use": neuron.use.plain(),
        **_basis(neuron.basis, neuron.devices),
        "goodness": neuron.goodness.plain(),
    }
    if neuron.gain is not None:
        report["gain"] = neuron.gain.plain()
    if neuron.threshold_spread is not None:
        report["threshold_spread"] = neuron.threshold_spread.plain()
    return report


def _basis(basis: str, devices: Sequence[DeviceCurves]) -> dict[str, object]:
    """Return the basis of intervals, for a report."""
    return {
        "intervals_from": basis,
        "devices": len(devices),
        "cycles": sum(len(device.resistance) for device in devices),
    }
