"""CrossSim's lookup tables as a device, without any fit."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from allspin.host.data.catalogue import open_device
from allspin.host.draw.curves import Line, Panel, curves
from allspin.host.draw.style import SOFT, name_text
from allspin.host.fit.columns import ReadOptions
from allspin.host.fit.device import lent_rest, with_reference, with_rest
from allspin.host.fit.result import COLUMNS, FitOptions, row
from allspin.host.fit.runs import digests
from allspin.host.show.table import Table
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.synapse.pulse_changes import MAX_BYTES
from allspin.sim.synapse.response import Polarity
from allspin.sim.synapse.table_synapse import TableSynapse, load_lookup_tables


@dataclass(frozen=True, eq=False)
class LookupDevice:
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
    advice = ""

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
        (up, down), devices = self.pulses, self.devices
        taken = f"the mean of {devices} devices" if devices > 1 else "taken as they are"
        ends = f"{self.synapse.low:.3g} and {self.synapse.high:.3g} S"
        return [
            f"These are lookup tables of {up} and {down} pulses between {ends}, {taken}.",
            *device.readings(),
        ]

    def picture(self) -> Figure:
        """The mean of each polarity, with C2C of a write and D2D about it."""
        panels = []
        for polarity, pulses in zip(Polarity, self.pulses, strict=True):
            response, n = self.synapse.response(polarity), np.arange(pulses + 1.0).tolist()
            mean, spread = response.resistance, np.hypot(response.cycle, response.device)
            label = "C2C of a write" + (" and D2D" if self.devices > 1 else "")
            lines = [
                Line("mean", n, mean.tolist(), marked=False),
                Line(label, n, (mean + spread).tolist(), marked=False, dashed=True, colour=SOFT),
                Line("", n, (mean - spread).tolist(), marked=False, dashed=True, colour=SOFT),
            ]
            name = polarity.name.capitalize()
            panels.append(Panel(lines, "pulses", "conductance (S)", name))
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
    datas = [read_file(path, "lookup table", MAX_BYTES) for path in files]
    source = {"method": "lookup tables of CrossSim", "sha256": digests(files, datas)}
    device = Device(name=options.name, synapse=synapse, unit="siemens")
    if base is None:
        unknown = [] if len(files) > 2 else ["D2D of the synapse"]
        source["not_measured"] = [*unknown, "the neuron and its variation"]
    else:
        stand_in = open_device(base, at)
        device = with_rest(device, stand_in)
        source |= {"base": stand_in.name, "from_base": lent_rest(stand_in, neuron=True)}
    device = with_reference(dataclasses.replace(device, source=source), options.reference)
    return LookupDevice(device, synapse, len(files) // 2)
