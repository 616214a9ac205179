"""From files of measured curves to a device, and to how well the models describe them."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np

from allspin.host.data.catalogue import open_device, several_files
from allspin.host.fit.cycles import steadied
from allspin.host.fit.device import (
    lent_rest,
    lent_spreads,
    make_device,
    measured_response,
    with_reference,
    with_rest,
)
from allspin.host.fit.explained import columns_table, curves_table
from allspin.host.fit.goodness import judge, meter_noise
from allspin.host.fit.neuron import NeuronFit, fit_neuron, select
from allspin.host.fit.outliers import Outlier, set_aside
from allspin.host.fit.panels import Panel, PanelCurve
from allspin.host.fit.response import DeviceCurves, fit_response
from allspin.host.fit.result import (
    COLUMNS,
    FitOptions,
    FitResult,
    MadeDevice,
    PolarityResult,
    row,
)
from allspin.host.fit.spread import DEVICE_CHOICES, cycle_spread, deviates_together, device_spread
from allspin.host.keywords import takes
from allspin.host.lab.columns import ReadOptions
from allspin.host.lab.curves import Measurement
from allspin.host.lab.runs import digests, read_measurement
from allspin.host.show.table import Table
from allspin.host.show.terminal import print_tables
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.parameters import make
from allspin.sim.synapse.lookup_table import MAX_BYTES, load_lookup_tables
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.table_synapse import TableSynapse


class Fitted(FitResult):
    """What came of measured curves: values, and the device, picture and JSON made of them."""

    def device(self) -> Device:
        """The device, or a `UserError` where a value is outside what a device can have."""
        return make_device(self)

    def plot(self) -> Any:
        """Data, fit, and what is left."""
        # Pictures are loaded when somebody asks for them.
        from allspin.host.fit.picture import fit_picture

        panels = [self._panel(part) for part in self.polarities.values()]
        panels += [self._neuron_panel(self.neuron)] if self.neuron else []
        return fit_picture(self.options.name, self.unit, panels)

    def _panel(self, part: PolarityResult) -> Panel:
        fit, a, name = part.fit, part.fit.nonlinearity, part.fit.polarity.name.capitalize()
        aside, pulses = self._aside(fit.polarity, 1.0), np.linspace(0, fit.pulses, 400)
        if self.options.table:
            mean = measured_response(fit.devices, fit.pulses).resistance
            models = [np.interp(one.pulses, np.arange(mean.size), mean) for one in fit.devices]
            return Panel(
                f"{name}\nmeasured table",
                "pulses",
                curves=_curves(fit.devices, models, 1.0),
                aside=aside,
            )
        return Panel(
            f"{name}\nA = {a.value:.3g} pulses ({a.low:.3g} to {a.high:.3g})",
            "pulses",
            part.goodness,
            curves=_curves(fit.devices, fit.models, 1.0),
            aside=aside,
            mean=(pulses, fit.mean_curve(pulses)) if len(fit.devices) > 1 else None,
        )

    def _neuron_panel(self, fit: NeuronFit) -> Panel:
        factor, unit = self.current
        at = fit.values["threshold"].scaled(lambda current: current * factor)
        return Panel(
            f"Neuron\nthreshold = {at.value:.3g} {unit} ({at.low:.3g} to {at.high:.3g})",
            f"current ({unit})",
            fit.goodness,
            curves=_curves(fit.devices, fit.models, factor),
            aside=self._aside(None, factor),
            threshold=at.value,
        )

    def explained(self) -> Table:
        """Which curves were found in which lines, and what became of them."""
        gone = [one.curve for one in self.outliers if one.x is None]
        return curves_table(self.measurement.curves, gone)

    def _aside(self, polarity: Polarity | None, factor: float) -> list[tuple[Array, Array]]:
        return [
            (one.curve.x * factor, one.curve.resistance)
            if one.x is None
            else (np.array([one.x * factor]), np.array([one.resistance], float))
            for one in self.outliers
            if one.curve.polarity is polarity
        ]

    def to_dict(self, device: Path | None = None, pictures: Sequence[Path] = ()) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it: the device file, if it was written, and pictures."""
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


def _curves(
    devices: Sequence[DeviceCurves], models: Sequence[Array], factor: float
) -> list[PanelCurve]:
    """What is drawn of each device; x times a factor."""
    return [
        PanelCurve(one.device, one.pulses * factor, one.resistance, model)
        for one, model in zip(devices, models, strict=True)
    ]


def _finite(value: Any) -> Any:
    """The same without infinities, which JSON has not: they become null."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


@takes(options=FitOptions, reading=ReadOptions)
def fit(
    files: Any,
    options: FitOptions | str | None = None,
    reading: ReadOptions | None = None,
    base: str | Path | Device | None = None,
    *,
    at: str | OperatingPoint | None = None,
    explain: bool = False,
    progress: Any = None,
    **keywords: Any,
) -> Fitted:
    """Fit measured curves: R_AH against pulse number, and R_AH against current of a neuron.

    Parameters
    ----------
    files : str, Path or sequence of these
        CSV files, see ``docs/formats.md``; or a `pandas.DataFrame` with the columns of one.
    options : FitOptions or str, optional
        How the curves are fitted, with the device's name; or only the name, by default that of
        the first file.
    reading : ReadOptions, optional
        How the files are read.
    base : str, Path or Device, optional
        A device, its file, or the name of one that ships, whose values are used for what was not
        measured; without it these are left out.
    at : str or OperatingPoint, optional
        Operating point of the base, such as ``current=9mA``; its file's default.
    explain : bool
        Whether to print what each column is taken for, and what becomes of each curve.
    progress : Display or bool, optional
        Told what is odd about the files (`Display.note`), by default by a Python warning;
        ``measurement.notes`` of what is returned has it too.
    **keywords
        Of `FitOptions` and `ReadOptions`, and columns, as ``allspin fit`` has them:
        ``fit("a.csv", states=32, pulse_column="N")``.

    Returns
    -------
    Fitted

    Raises
    ------
    UserError
        If a file cannot be read or understood, only one polarity was measured, or a fit makes
        no sense.
    """
    if hasattr(files, "to_csv"):
        with TemporaryDirectory() as folder:
            cast(Any, files).to_csv(path := Path(folder) / "frame.csv", index=False)
            return fit(path, options, reading, base, at=at, explain=explain, progress=progress)
    if at is not None and base is None:
        raise UserError("`at` needs `base`")
    stand_in = None if base is None else open_device(base, at)
    files = several_files(files, "")
    asked: FitOptions = make(
        *(FitOptions, {} if getattr(options, "name", options) else {"name": files[0].stem}),
        options or None,
    )
    if explain:
        print_tables([columns_table(files, (reading or ReadOptions()).columns)])
    measurement = read_measurement(files, reading)
    if len(set(measurement.digests.values())) < len(files):
        raise UserError("two of the files are the same; give each once")
    outliers: list[Outlier] = []
    try:
        if not asked.keep_outliers:
            measurement, outliers = set_aside(measurement)
            # Of a conductance, which is never negative, no offset is known.
            measurement = steadied(
                measurement, measurement.unit != "siemens" and asked.reading != "range"
            )
    finally:
        for note in measurement.notes:
            progress.note(note)
    fitted = fit_all(measurement, asked, stand_in, outliers)
    if explain:
        print_tables([fitted.explained()])
    return fitted


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
    lent = _lent_readings(options, base, present[0]) if len(present) == 1 else [None, None]
    fits = {polarity: fit_response(measurement.of(polarity), polarity) for polarity in present}
    for polarity, own in fits.items():
        if own.span.value <= 0:
            raise UserError(
                f"R_AH does not {'fall' if polarity else 'rise'} with pulses of "
                f"{polarity.name.lower()}; is it the right column?"
            )
    pulsed = [curve for polarity in present for curve in measurement.of(polarity)]
    meter = meter_noise(pulsed, list(fits.values()), options.meter)
    parts = {}
    for polarity, own in fits.items():
        cycles = cycle_spread(own, meter and meter.point)
        kept = math.exp(-1 / own.nonlinearity.value) if cycles.occasion == "pulse" else 0.0
        parts[polarity] = PolarityResult(
            *(own, cycles, *device_spread(own, cycles)), judge(own.devices, own.models, kept)
        )
    by_write = any(part.cycles.occasion == "write" for part in parts.values())
    occasion = options.occasion or lent[0] or ("write" if by_write else "pulse")
    # The reading of D2D that explains most, unless another is asked for or lent.
    shares = [part.explained for part in parts.values() if part.readings]
    best = max(DEVICE_CHOICES, key=lambda name: sum(share[name] for share in shares))
    reading = (options.reading or lent[1] or best) if shares else lent[1] or ""
    spreads, together = [part.cycles for part in parts.values()], None
    if reading and len(shares) == 2:
        together = deviates_together(list(fits.values()), spreads, reading)
    factor = 1e-3 if measurement.current_unit == "A" else 1.0
    currents = options.currents and (options.currents[0] * factor, options.currents[1] * factor)
    curves = select(measurement.of(None), currents)
    return Fitted(
        *(measurement, options, base, list(outliers)),
        *(parts, fit_neuron(curves) if curves else None, meter),
        *(occasion if parts else "", reading, together),
    )


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
    lent = lent_spreads(base, lacking)
    asked = ("C2C", options.occasion, "--c2c-occasion"), ("D2D", options.reading, "--d2d-reading")
    for (value, reading), (what, wanted, option) in zip(lent, asked, strict=True):
        if value and wanted not in (None, reading):
            raise UserError(
                f"the {what} of {base.name} is read as {reading}, and {name} is that of "
                f"{base.name}; take {option} {reading}, or another --base"
            )
    return [reading if value else None for value, reading in lent]


@dataclass(frozen=True, eq=False)
class LookupDevice(MadeDevice):
    """What lookup tables make.

    Attributes
    ----------
    made : Device
        The device.
    synapse : TableSynapse
        Its synapse.
    devices : int
        Of how many devices it is the mean.
    """

    made: Device
    synapse: TableSynapse
    devices: int
    complaints = ()

    def device(self) -> Device:
        """The device; no model had to describe it."""
        return self.made

    @property
    def pulses(self) -> list[int]:
        """Pulses of potentiation and depression."""
        return [self.synapse.response(polarity).resistance.size - 1 for polarity in Polarity]

    def tables(self, device: Device) -> list[Table]:
        """The figures that a table has."""
        rows = [
            row(polarity.name.lower(), *figure)
            for polarity in Polarity
            for figure in self.synapse.figures(polarity, device.unit)
        ]
        return [Table(f"Device {device.name}: lookup tables", COLUMNS, rows)]

    def notes(self, device: Device) -> list[str]:
        """What was taken, and how its variations are read."""
        (up, down), devices, synapse = self.pulses, self.devices, self.synapse
        return [
            f"These are lookup tables of {up} and {down} pulses between {synapse.low:.3g} and "
            f"{synapse.high:.3g} S, "
            f"{f'the mean of {devices} devices' if devices > 1 else 'taken as they are'}.",
            *device.readings(),
        ]

    def plot(self) -> Any:
        """The mean of each polarity, with C2C of a write and D2D about it."""
        # Pictures are loaded when somebody asks for them.
        from allspin.host.charts.line_charts import ChartLine, ChartPanel as Chart, curves
        from allspin.host.draw.style import SOFT, name_text

        panels = []
        for polarity, pulses in zip(Polarity, self.pulses, strict=True):
            response, n = self.synapse.response(polarity), np.arange(pulses + 1.0).tolist()
            mean, spread = response.resistance, np.hypot(response.cycle, response.device)
            label = "C2C of a write" + (" and D2D" if self.devices > 1 else "")
            lines = [
                ChartLine("mean", n, mean.tolist(), marked=False),
                ChartLine(
                    label, n, (mean + spread).tolist(), marked=False, dashed=True, colour=SOFT
                ),
                ChartLine("", n, (mean - spread).tolist(), marked=False, dashed=True, colour=SOFT),
            ]
            panels.append(Chart(lines, "pulses", "conductance (S)", polarity.name.capitalize()))
        return curves(f"{name_text(self.made.name)}: lookup tables", panels)

    def to_dict(self, path: Path | None, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it."""
        return {
            "device": str(path),
            "kind": "table",
            "pulses": self.pulses,
            "devices": self.devices,
            "pictures": [str(one) for one in pictures],
        }


def take_lookup_tables(
    files: Sequence[Path],
    options: FitOptions,
    reading: ReadOptions | None = None,
    base: str | None = None,
    at: str | OperatingPoint | None = None,
) -> LookupDevice:
    """A device of CrossSim's lookup tables, without any fit.

    Parameters
    ----------
    files : sequence of Path
        A rising and a falling one of each device, in any order.
    options : FitOptions
        The device's name and states.
    reading : ReadOptions, optional
        How files are read, which is nothing that can be chosen here.
    base : str, optional
        A device file, or the name of one that ships: all but its synapse stands in.
    at : str or OperatingPoint, optional
        Where the base is taken; its file's own point.

    Raises
    ------
    UserError
        If a file is missing or no such table, they do not go together, or more is asked for than
        a name, states and a reference.
    """
    taken = FitOptions(
        options.name, states=options.states, table=options.table, reference=options.reference
    )
    if options != taken or reading not in (None, ReadOptions()):
        raise UserError(
            f"{files[0]} is a lookup table, which is taken as it is; leave out what says how "
            "files are read and curves are fitted"
        )
    synapse = load_lookup_tables(files, options.states or 100)
    datas = (read_file(path, "lookup table", MAX_BYTES) for path in files)
    source = {"method": "lookup tables of CrossSim", "sha256": digests(files, datas)}
    device = Device(name=options.name, synapse=synapse, unit="siemens")
    if base is None:
        source["not_measured"] = ["D2D of the synapse", "the neuron and its variation"][
            len(files) > 2 :
        ]
    else:
        stand_in = open_device(base, at)
        device = with_rest(device, stand_in)
        source |= {"base": stand_in.name, "from_base": lent_rest(stand_in, neuron=True)}
    device = with_reference(dataclasses.replace(device, source=source), options.reference)
    return LookupDevice(device, synapse, len(files) // 2)
