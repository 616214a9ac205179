"""Device of CrossSim's lookup tables, which are taken without a fit."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from allspin.host.data.catalogue import open_device
from allspin.host.fit.device import with_reference
from allspin.host.fit.lending import lent_rest, with_rest
from allspin.host.fit.options import FitOptions
from allspin.host.fit.result import COLUMNS, MadeDevice, row
from allspin.host.lab.measurement import digests
from allspin.host.lab.reading import ReadOptions
from allspin.host.show.table import Table
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.synapse.lookup_table import MAX_BYTES, load_lookup_tables
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.table_synapse import TableSynapse

DEFAULT_STATES = 100


@dataclass(frozen=True, eq=False)
class LookupDevice(MadeDevice):
    """Device of lookup tables.

    Attributes
    ----------
    made : Device
        Device made of the tables.
    synapse : TableSynapse
        Synapse of the device.
    devices : int
        Number of devices that the synapse is the mean of.
    """

    made: Device
    synapse: TableSynapse
    devices: int
    kind = "table"

    def device(self) -> Device:
        """Return the device; no model has to describe it."""
        return self.made

    @property
    def pulses(self) -> list[int]:
        """Pulses of potentiation and depression."""
        return [self.synapse.response(polarity).resistance.size - 1 for polarity in Polarity]

    def tables(self, device: Device) -> list[Table]:
        """Return the figures of the tables."""
        rows = []
        for polarity in Polarity:
            for figure in self.synapse.figures(polarity, device.unit):
                rows.append(row(polarity.name.lower(), *figure))
        return [Table(f"Device {device.name}: lookup tables", COLUMNS, rows)]

    def notes(self, device: Device) -> list[str]:
        """Return the origin of the tables, and the readings of their variations."""
        up, down = self.pulses
        origin = "taken as they are"
        if self.devices > 1:
            origin = f"the mean of {self.devices} devices"
        return [
            f"These are lookup tables of {up} and {down} pulses between {self.synapse.low:.3g} and "
            f"{self.synapse.high:.3g} S, {origin}.",
            *device.readings(),
        ]

    def plot(self) -> Any:
        """Draw the mean of each polarity, with C2C of a write and D2D about it."""
        # Matplotlib takes long to load, and a fit does not need it.
        from allspin.host.charts.line_charts import ChartLine, ChartPanel, curves
        from allspin.host.draw.style import SOFT, name_text

        label = "C2C of a write and D2D" if self.devices > 1 else "C2C of a write"
        panels = []
        for polarity, pulses in zip(Polarity, self.pulses, strict=True):
            response = self.synapse.response(polarity)
            n = np.arange(pulses + 1.0).tolist()
            mean = response.resistance
            spread = np.hypot(response.cycle, response.device)
            dashed: dict[str, Any] = {"marked": False, "dashed": True, "colour": SOFT}
            lines = [
                ChartLine("mean", n, mean.tolist(), marked=False),
                ChartLine(label, n, (mean + spread).tolist(), **dashed),
                ChartLine("", n, (mean - spread).tolist(), **dashed),
            ]
            title = polarity.name.capitalize()
            panels.append(ChartPanel(lines, "pulses", "conductance (S)", title))
        return curves(f"{name_text(self.made.name)}: lookup tables", panels)

    def report(self) -> dict[str, Any]:
        """Return the numbers of pulses and of devices."""
        return {"pulses": self.pulses, "devices": self.devices}

    def to_dict(self, device: Path | None = None, pictures: Sequence[Path] = ()) -> dict[str, Any]:
        """Return the object that ``allspin fit --json`` prints; no model describes the tables."""
        record = super().to_dict(device, pictures)
        del record["described"]
        return record


def take_lookup_tables(
    files: Sequence[Path],
    options: FitOptions,
    reading: ReadOptions | None = None,
    base: str | None = None,
    at: str | OperatingPoint | None = None,
) -> LookupDevice:
    """Make a device of CrossSim's lookup tables, without a fit.

    Parameters
    ----------
    files : sequence of Path
        A rising and a falling table of each device, in any order.
    options : FitOptions
        Name, states and reference of the device.
    reading : ReadOptions, optional
        Options of reading, which must be the defaults.
    base : str, optional
        Device file, or the name of a shipped device, which lends all but its synapse.
    at : str or OperatingPoint, optional
        Operating point of the base (its file's default).

    Raises
    ------
    UserError
        If a file is missing or not a lookup table, the tables do not match, or an option other
        than name, states and reference is given.
    """
    taken = FitOptions(
        options.name, states=options.states, table=options.table, reference=options.reference
    )
    if options != taken or reading not in (None, ReadOptions()):
        raise UserError(
            f"{files[0]} is a lookup table, which is taken as it is; leave out what says how "
            "files are read and curves are fitted"
        )
    synapse = load_lookup_tables(files, options.states or DEFAULT_STATES)
    datas = (read_file(path, "lookup table", MAX_BYTES) for path in files)
    source: dict[str, Any] = {
        "method": "lookup tables of CrossSim",
        "sha256": digests(files, datas),
    }
    device = Device(name=options.name, synapse=synapse, unit="siemens")
    devices = len(files) // 2
    if base is None:
        source["not_measured"] = ["the neuron and its variation"]
        if devices == 1:
            source["not_measured"].insert(0, "D2D of the synapse")
    else:
        stand_in = open_device(base, at)
        device = with_rest(device, stand_in)
        source["base"] = stand_in.name
        source["from_base"] = lent_rest(stand_in, neuron=True)
    device = with_reference(dataclasses.replace(device, source=source), options.reference)
    return LookupDevice(device, synapse, devices)
