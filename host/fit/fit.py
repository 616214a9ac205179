"""From files of measured curves to a device, and to how well the models describe them."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from allspin.host.data.catalogue import open_device
from allspin.host.draw.style import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    R_AH,
    SKY,
    SOFT,
    VERMILION,
    add_grid,
    name_text,
    new_figure,
    styled,
)
from allspin.host.fit.columns import ReadOptions
from allspin.host.fit.curves import Measurement
from allspin.host.fit.device import lent_spreads, make_device, measured_response
from allspin.host.fit.goodness import Goodness, meter_noise
from allspin.host.fit.neuron import fit_neuron, select
from allspin.host.fit.outliers import Outlier, set_aside
from allspin.host.fit.response import DeviceCurves, fit_response
from allspin.host.fit.result import FitOptions, FitResult, PolarityResult
from allspin.host.fit.runs import read_measurement
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Array, Polarity


class Fitted(FitResult):
    """What came of measured curves: values, and the device, picture and JSON made of them."""

    def device(self) -> Device:
        """The device, whether or not the models describe the curves.

        Raises
        ------
        UserError
            If a value is outside what a device can have.
        """
        return make_device(self)

    def picture(self) -> Figure:
        """Data, fit, and what is left."""
        return fit_picture(self)

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
            "c2c_occasion": self.occasion or None,
            "d2d_reading": self.reading or None,
            "outliers": [outlier.to_dict() for outlier in self.outliers],
            "pictures": [str(path) for path in pictures],
            **_finite(self.report()),
        }


def _finite(value: Any) -> Any:
    """The same without infinities, which JSON has not: they become null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


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
    return fit_all(measurement, options, stand_in, outliers)


def fit_all(
    measurement: Measurement,
    options: FitOptions,
    base: Device | None = None,
    outliers: Sequence[Outlier] = (),
) -> Fitted:
    """Fit whatever was measured.

    Parameters
    ----------
    measurement : Measurement
        The curves.
    options : FitOptions
        What was asked for.
    base : Device, optional
        What stands in for what was not measured.
    outliers : sequence of Outlier
        What was set aside of the measurement.

    Raises
    ------
    UserError
        If only one polarity was measured and nothing stands in for the other, or a fit makes
        no sense.
    """
    present = [polarity for polarity in Polarity if measurement.of(polarity)]
    lent: list[str | None] = [None, None]
    if len(present) == 1:
        lent = _lent_readings(options, base, present[0])
    fits = {polarity: fit_response(measurement.of(polarity), polarity) for polarity in present}
    for polarity, own in fits.items():
        if own.span.value <= 0:
            raise UserError(
                f"R_AH does not {'fall' if polarity else 'rise'} with pulses of "
                f"{polarity.name.lower()}; is it the right column?"
            )
    pulses = [curve for curve in measurement.curves if curve.polarity is not None]
    meter = meter_noise(pulses, list(fits.values()), options.meter)
    polarities = {one: PolarityResult.judge(own, meter) for one, own in fits.items()}
    occasion = reading = ""
    if polarities:
        found = {part.cycles.occasion for part in polarities.values()}
        occasion = options.occasion or lent[0] or ("pulse" if found == {"pulse"} else "write")
        reading = _reading(polarities, options.reading, lent[1])
    factor = 1e-3 if measurement.current_unit == "A" else 1.0
    currents = options.currents and (options.currents[0] * factor, options.currents[1] * factor)
    curves = select(measurement.of(None), currents)
    neuron = fit_neuron(curves) if curves else None
    return Fitted(
        measurement,
        options,
        base,
        list(outliers),
        polarities,
        neuron,
        meter,
        occasion,
        reading,
    )


def _reading(
    polarities: dict[Polarity, PolarityResult], asked: str | None, lent: str | None
) -> str:
    """The reading of D2D: as asked for, as lent, or the one that explains most; or none."""
    shares = [part.devices.explained for part in polarities.values() if part.devices.readings]
    if not shares:
        return lent or ""
    best = max(shares[0], key=lambda name: sum(share[name] for share in shares))
    return asked or lent or best


def _lent_readings(options: FitOptions, base: Device | None, present: Polarity) -> list[str | None]:
    """Readings that the base's other polarity has, where it varies; the measured one takes them.

    Raises
    ------
    UserError
        If there is no base, or others are asked for.
    """
    lacking = next(polarity for polarity in Polarity if polarity is not present)
    name = lacking.name.lower()
    if base is None:
        raise UserError(
            f"there are only curves of {present.name.lower()}; give those of {name} too, or a "
            f"device whose {name} stands in, such as --base paper"
        )
    if options.table:
        return [None, None]
    found: list[str | None] = []
    asked = ("C2C", options.occasion, "--c2c-occasion"), ("D2D", options.reading, "--d2d-reading")
    for (value, reading), (what, wanted, option) in zip(
        lent_spreads(base, lacking), asked, strict=True
    ):
        if value and wanted not in (None, reading):
            raise UserError(
                f"the {what} of {base.name} is read as {reading}, and {name} is that of "
                f"{base.name}; take {option} {reading}, or another --base"
            )
        found.append(reading if value else None)
    return found


# Data, fit and residuals, drawn.

COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY)
"""Of devices, in turn."""
NAMED_DEVICES = 6
"""More devices than these are not named one by one."""


@styled
def fit_picture(result: FitResult) -> Figure:
    """Draw what was measured, what was fitted, and what is left.

    Outliers are crossed out, those beyond the axes at its edge.
    """
    parts: list[PolarityResult | None] = list(result.polarities.values())
    if result.neuron is not None:
        parts.append(None)
    name = name_text(result.options.name)
    figure = new_figure(4.6 * len(parts), 5.4, f"{name}: data, fit and residuals")
    grid = figure.subplots(
        2, len(parts), squeeze=False, sharex="col", gridspec_kw={"height_ratios": (2.2, 1)}
    )
    for (upper, lower), part in zip(grid.T, parts, strict=True):
        factor = 1.0
        if part is not None:
            _draw_polarity(upper, lower, part, result.options.table)
        else:
            factor = result.current[0]
            _draw_neuron(upper, lower, result)
        polarity = None if part is None else part.fit.polarity
        outliers = [one for one in result.outliers if one.curve.polarity is polarity]
        _draw_outliers(upper, outliers, factor)
        upper.set_ylabel(f"{R_AH} ({result.unit})")
        lower.set_ylabel(f"residual of\nthe mean ({result.unit})")
    figure.legend(handles=_legend(result), loc="outside lower center", ncols=5, fontsize=8)
    return figure


def _draw_data(
    upper: Axes,
    lower: Axes,
    devices: Sequence[DeviceCurves],
    models: Sequence[Array],
    factor: float = 1.0,
) -> None:
    """Points, models and residuals of every device; x times a factor."""
    named = 1 < len(devices) <= NAMED_DEVICES
    residuals: dict[str, Any] = {"markersize": 2.5, "linewidth": 0.6, "alpha": 0.8}
    for number, (device, model) in enumerate(zip(devices, models, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        x = device.pulses * factor
        for cycle in device.resistance:
            upper.plot(x, cycle, ".", color=colour, markersize=2, alpha=0.35, zorder=1)
        label = name_text(device.device) if named else None
        upper.plot(x, model, color=colour, linewidth=1.2, zorder=2, label=label)
        lower.plot(x, device.mean - model, ".-", color=colour, **residuals)
    lower.axhline(0, color=INK, linewidth=0.8)
    for axes in (upper, lower):
        add_grid(axes)
    if named:
        upper.legend(fontsize=7, loc="best")


def _draw_outliers(axes: Axes, outliers: Sequence[Outlier], factor: float) -> None:
    """Crosses; what is far beyond the data does not make these small."""
    low, high = axes.get_ylim()
    style: dict[str, Any] = {"color": VERMILION, "markersize": 4, "zorder": 3, "linewidth": 0.5}
    for outlier in outliers:
        x, y = np.array([outlier.x]), np.array([outlier.resistance])
        if outlier.x is None:
            x, y = outlier.curve.x, outlier.curve.resistance
        axes.plot(x * factor, np.clip(y, low, high), "x-", clip_on=False, **style)
    axes.set_ylim(low, high)


def _draw_polarity(upper: Axes, lower: Axes, result: PolarityResult, table: bool) -> None:
    fit = result.fit
    name = fit.polarity.name.capitalize()
    lower.set_xlabel("pulses")
    if table:
        mean = measured_response(fit.devices, fit.pulses).resistance
        grid = np.arange(mean.size)
        models = [np.interp(device.pulses, grid, mean) for device in fit.devices]
        _draw_data(upper, lower, fit.devices, models)
        upper.set_title(f"{name}\nmeasured table", fontsize=9)
        return
    _draw_data(upper, lower, fit.devices, fit.models)
    if len(fit.devices) > 1:
        pulses = np.linspace(0, fit.pulses, 400)
        upper.plot(pulses, fit.mean_curve(pulses), color=INK, linestyle="--")
    a = fit.nonlinearity
    values = f"A = {a.value:.3g} pulses ({a.low:.3g} to {a.high:.3g})"
    _title(upper, lower, f"{name}\n{values}", result.goodness)


def _draw_neuron(upper: Axes, lower: Axes, result: FitResult) -> None:
    assert result.neuron is not None
    fit, (factor, unit) = result.neuron, result.current
    _draw_data(upper, lower, fit.devices, fit.models, factor)
    threshold = fit.values["threshold"].scaled(lambda current: current * factor)
    upper.axvline(threshold.value, color=SOFT, linestyle=":", linewidth=1)
    values = f"{threshold.value:.3g} {unit} ({threshold.low:.3g} to {threshold.high:.3g})"
    lower.set_xlabel(f"current ({unit})")
    _title(upper, lower, f"Neuron\nthreshold = {values}", fit.goodness)


def _title(upper: Axes, lower: Axes, text: str, goodness: Goodness) -> None:
    colour = INK
    if not goodness.described:
        text, colour = text.partition("\n")[0] + "\nnot described by the model", VERMILION
    upper.set_title(text, fontsize=9, color=colour)
    note = str(goodness).replace("R^2", "R²").replace("range, ", "range\n")
    lower.set_title(note, fontsize=7, fontweight="normal")


def _legend(result: FitResult) -> list[Line2D]:
    """What points and lines are."""
    table = result.options.table
    fitted = "measured table" if table else "fit"
    several = any(len(part.fit.devices) > 1 for part in result.polarities.values())
    styles: list[tuple[bool, dict[str, Any]]] = [
        (True, {"color": BLUE, "marker": ".", "linestyle": "", "label": "measured, each cycle"}),
        (True, {"color": BLUE, "label": f"{fitted}, a colour for each device"}),
        (several and not table, {"color": INK, "linestyle": "--", "label": "mean device"}),
        (result.neuron is not None, {"color": SOFT, "linestyle": ":", "label": "threshold"}),
        (
            bool(result.outliers),
            {"color": VERMILION, "marker": "x", "linestyle": "", "label": "set aside"},
        ),
    ]
    return [Line2D([], [], **style) for shown, style in styles if shown]
