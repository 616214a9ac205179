"""Fit of measured curves: a device made from files, and the goodness of its models."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from allspin.host.data.catalogue import open_device, several_files
from allspin.host.estimate.drift import remove_disturbances
from allspin.host.estimate.goodness import judge
from allspin.host.estimate.intervals import Interval
from allspin.host.estimate.meter import MeterNoise, meter_noise
from allspin.host.estimate.neuron import fit_neuron, select
from allspin.host.estimate.outliers import Outlier, set_aside
from allspin.host.estimate.response import ResponseFit, fit_response
from allspin.host.estimate.spread import (
    DEVICE_CHOICES,
    correlation,
    cycle_spread,
    device_spread,
)
from allspin.host.fit.explain import columns_table
from allspin.host.fit.fitted import Fitted
from allspin.host.fit.options import FitOptions
from allspin.host.fit.result import PolarityResult
from allspin.host.lab.curves import Measurement
from allspin.host.lab.measurement import read_measurement
from allspin.host.lab.reading import ReadOptions
from allspin.host.show.display import Display
from allspin.host.show.progress import shows_progress
from allspin.host.show.terminal import print_tables
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import Polarity


@shows_progress
def fit(
    files: Any,
    options: FitOptions | None = None,
    reading: ReadOptions | None = None,
    base: str | Path | Device | None = None,
    *,
    at: str | OperatingPoint | None = None,
    explain: bool = False,
    progress: Any = None,
) -> Fitted:
    """Fit measured curves: R_AH against pulse number, and R_AH against current of a neuron.

    Parameters
    ----------
    files : str, Path or sequence of these
        CSV files, see ``docs/formats.md``; or a `pandas.DataFrame` with the columns of one.
    options : FitOptions, optional
        Options of the fit; the device has the name of the first file by default.
    reading : ReadOptions, optional
        Options of reading.
    base : str, Path or Device, optional
        Device, its file, or the name of a shipped device, whose values are used for all quantities
        that were not measured; without it these are left out.
    at : str or OperatingPoint, optional
        Operating point of the base, such as ``current=9mA`` (the default of its file).
    explain : bool
        True to print the use of each column, and of each curve.
    progress : Display or bool, optional
        Receives notes on the files (`Display.note`), by default as Python warnings;
        ``measurement.notes`` of the result has them too.

    Raises
    ------
    UserError
        If a file cannot be read or understood, a polarity is missing, or a fit fails.
    """
    if hasattr(files, "to_csv"):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "frame.csv"
            cast(Any, files).to_csv(path, index=False)
            return fit(path, options, reading, base, at=at, explain=explain, progress=progress)
    if at is not None and base is None:
        raise UserError("`at` needs `base`")
    stand_in = None if base is None else open_device(base, at)
    files = several_files(files, "")
    asked = options or FitOptions()
    if not asked.name:
        asked = replace(asked, name=files[0].stem)
    if explain:
        print_tables([columns_table(files, (reading or ReadOptions()).columns)])
    measurement = read_measurement(files, reading)
    if len(set(measurement.digests.values())) < len(files):
        raise UserError("two of the files are the same; give each once")
    measurement, outliers = _clean(measurement, asked, progress)
    fitted = fit_all(measurement, asked, stand_in, outliers)
    if explain:
        print_tables([fitted.explained()])
    return fitted


def _clean(
    measurement: Measurement, options: FitOptions, progress: Display
) -> tuple[Measurement, list[Outlier]]:
    """Set outliers aside and remove disturbances, unless outliers are kept; show the notes."""
    outliers: list[Outlier] = []
    try:
        if not options.keep_outliers:
            measurement, outliers = set_aside(measurement)
            # The zero of a conductance is known, since it is never negative.
            offset = measurement.unit != "siemens" and options.reading != "range"
            measurement = remove_disturbances(measurement, offset)
    finally:
        # Notes are shown even if a step raises.
        for note in measurement.notes:
            progress.note(note)
    return measurement, outliers


def fit_all(
    measurement: Measurement,
    options: FitOptions,
    base: Device | None = None,
    outliers: Sequence[Outlier] = (),
) -> Fitted:
    """Fit all curves of a measurement.

    Parameters
    ----------
    measurement : Measurement
        Measured curves.
    options : FitOptions
        Options of the fit.
    base : Device, optional
        Device whose values replace quantities that were not measured.
    outliers : sequence of Outlier
        Outliers that were set aside.

    Raises
    ------
    UserError
        If one polarity was measured without the other, or a fit fails.
    """
    present = [polarity for polarity in Polarity if measurement.of(polarity)]
    if len(present) == 1:
        lacking = next(polarity for polarity in Polarity if polarity is not present[0])
        raise UserError(
            f"there are only curves of {present[0].name.lower()}; give those of "
            f"{lacking.name.lower()} too"
        )
    parts, meter = _fit_polarities(measurement, present, options)
    occasion = ""
    if parts:
        by_write = any(part.cycles.occasion == "write" for part in parts.values())
        occasion = options.occasion or ("write" if by_write else "pulse")
    reading = ""
    if any(part.devices.readings for part in parts.values()):
        reading = options.reading or _best_reading(parts)
    curves = select(measurement.of(None), _neuron_currents(measurement, options))
    return Fitted(
        measurement,
        options,
        base,
        list(outliers),
        parts,
        fit_neuron(curves) if curves else None,
        meter,
        occasion,
        reading,
        _correlation(parts, reading),
    )


def _fit_polarities(
    measurement: Measurement, present: list[Polarity], options: FitOptions
) -> tuple[dict[Polarity, PolarityResult], MeterNoise | None]:
    """Fit both polarities, with C2C, D2D and goodness, and the meter's noise of both."""
    fits: dict[Polarity, ResponseFit] = {}
    pulsed = []
    for polarity in present:
        curves = measurement.of(polarity)
        found = fit_response(curves, polarity)
        if found.span.value <= 0:
            change = "fall" if polarity is Polarity.DEPRESSION else "rise"
            raise UserError(
                f"R_AH does not {change} with pulses of {polarity.name.lower()}; is it the right "
                "column?"
            )
        fits[polarity] = found
        pulsed += curves
    meter = meter_noise(pulsed, options.meter) if pulsed else None
    parts = {}
    for polarity, found in fits.items():
        cycles = cycle_spread(found, meter.point if meter is not None else None)
        kept = 0.0
        if cycles.occasion == "pulse":
            kept = math.exp(-1 / found.nonlinearity.value)
        goodness = judge(found.devices, found.models, kept)
        parts[polarity] = PolarityResult(found, cycles, device_spread(found, cycles), goodness)
    return parts, meter


def _best_reading(parts: dict[Polarity, PolarityResult]) -> str:
    """Return the reading of D2D that explains most of both polarities."""
    shares = [part.devices.explained for part in parts.values() if part.devices.readings]
    return max(DEVICE_CHOICES, key=lambda reading: sum(share[reading] for share in shares))


def _correlation(parts: dict[Polarity, PolarityResult], reading: str) -> Interval | None:
    """Return the correlation of the D2D of both polarities; None if the data do not tell it."""
    several = [part for part in parts.values() if part.devices.readings]
    if not reading or len(several) < 2:
        return None
    return correlation([part.fit for part in several], [part.cycles for part in several], reading)


def _neuron_currents(measurement: Measurement, options: FitOptions) -> tuple[float, float] | None:
    """Return the part of the neuron's curve in the unit of the measurement."""
    if options.currents is None:
        return None
    factor = 1e-3 if measurement.current_unit == "A" else 1.0
    low, high = options.currents
    return low * factor, high * factor
