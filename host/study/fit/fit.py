"""From files of measured curves to a device, and to how well the models describe them."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from allspin.host.data.catalogue import open_device
from allspin.host.study.fit.device import make_device
from allspin.host.study.fit.model.outliers import Outlier, set_aside
from allspin.host.study.fit.options import FitOptions
from allspin.host.study.fit.picture import fit_picture
from allspin.host.study.fit.reading.curve import Measurement
from allspin.host.study.fit.reading.measurement import read_measurement
from allspin.host.study.fit.reading.options import ReadOptions
from allspin.host.study.fit.report import report
from allspin.host.study.fit.result import FitResult, fit_all
from allspin.sim.device.device import Device
from allspin.sim.point.operating_point import OperatingPoint


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of measured curves.

    Attributes
    ----------
    measurement : Measurement
        The curves.
    options : FitOptions
        What was asked for.
    result : FitResult
        Values, intervals, and how well the models describe the curves.
    base : Device or None
        What stands in for what was not measured.
    outliers : list of Outlier
        Points that were set aside.
    """

    measurement: Measurement
    options: FitOptions
    result: FitResult
    base: Device | None
    outliers: list[Outlier]

    @property
    def complaints(self) -> list[str]:
        """What the models do not describe, a line each; a measured table needs no model."""
        return self.result.complaints(neuron_only=self.options.table)

    def device(self) -> Device:
        """The device, whether or not the models describe the curves.

        Raises
        ------
        UserError
            If a value is outside what a device can have.
        """
        device = make_device(self.result, self.measurement, self.options, self.base)
        if not self.outliers:
            return device
        source = device.source | {"outliers": [str(outlier) for outlier in self.outliers]}
        return dataclasses.replace(device, source=source)

    def picture(self) -> Figure:
        """Data, fit, and what is left."""
        return fit_picture(self.result, self.options.name, self.options.table, self.outliers)

    def to_dict(self, device: Path | None, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it; see ``docs/formats.md``.

        Parameters
        ----------
        device : Path or None
            The device file, if it was written.
        pictures : sequence of Path
            The pictures.
        """
        return {
            "device": None if device is None else str(device),
            "kind": "table" if self.options.table else "model",
            "described": not self.complaints,
            "c2c_occasion": self.result.occasion or None,
            "d2d_reading": self.result.reading or None,
            "outliers": [outlier.to_dict() for outlier in self.outliers],
            "pictures": [str(path) for path in pictures],
            **_finite(report(self.result)),
        }


def fit(
    files: Sequence[str | Path],
    options: FitOptions | str,
    reading: ReadOptions | None = None,
    base: str | None = None,
    noted: Callable[[str], None] = lambda note: None,
    *,
    at: str | OperatingPoint | None = None,
) -> Fitted:
    """Fit measured curves: R_AH against pulse number, and R_AH against current of a neuron.

    Parameters
    ----------
    files : sequence of str or Path
        CSV files; see ``docs/formats.md``.
    options : FitOptions or str
        How the curves are fitted, with the device's name; or only the name.
    reading : ReadOptions, optional
        How the files are read.
    base : str, optional
        A device file, or the name of one that ships, whose values are used for what was not
        measured; without it these are left out.
    noted : callable, optional
        Told what is odd about the files, as soon as they are read; ``measurement.notes`` of
        what is returned has it too.
    at : str or OperatingPoint, optional
        Operating point of the base, such as ``current=9mA``; its file's default.

    Returns
    -------
    Fitted

    Raises
    ------
    UserError
        If a file cannot be read or understood, only one polarity was measured, or a fit makes
        no sense.
    """
    stand_in = None if base is None else open_device(base, at)
    options = FitOptions(options) if isinstance(options, str) else options
    measurement = read_measurement([Path(file) for file in files], reading)
    outliers: list[Outlier] = []
    try:
        if not options.keep_outliers:
            measurement, outliers = set_aside(measurement)
    finally:
        for note in measurement.notes:
            noted(note)
    result = fit_all(measurement, options, stand_in)
    return Fitted(measurement, options, result, stand_in, outliers)


def _finite(value: Any) -> Any:
    """The same without infinities, which JSON has not: they become null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
