"""CrossSim's lookup tables as a device, without any fit."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from allspin.host.data.catalogue import open_device
from allspin.host.draw.style import BLUE, SOFT, add_grid, name_text, new_figure, styled
from allspin.host.fit.device import lent_rest, with_reference, with_rest
from allspin.host.fit.result import FitOptions
from allspin.host.fit.runs import digests
from allspin.sim.device.device import Device
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.synapse.pulse_changes import MAX_BYTES
from allspin.sim.synapse.response import Array, Polarity
from allspin.sim.synapse.table_synapse import (
    TableSynapse,
    load_lookup_table,
    load_lookup_tables,
)

LOOKUP_STATES = 100
"""States of a synapse of lookup tables, if no number is asked for."""


@dataclass(frozen=True, eq=False)
class LookupDevice:
    """What lookup tables make.

    Attributes
    ----------
    device : Device
        The device.
    synapse : TableSynapse
        Its synapse.
    ways : dict of Polarity to list of ndarray
        Conductance along the pulses of each device.
    """

    device: Device
    synapse: TableSynapse
    ways: dict[Polarity, list[Array]]

    @property
    def pulses(self) -> list[int]:
        """Pulses of potentiation and depression."""
        return [self.synapse.response(polarity).resistance.size - 1 for polarity in Polarity]

    @styled
    def picture(self) -> Figure:
        """Each device's curve, and the mean with C2C of a write and D2D about it."""
        figure = new_figure(9.2, 3.8, f"{name_text(self.device.name)}: lookup tables")
        for axes, polarity in zip(figure.subplots(1, 2, squeeze=False)[0], Polarity, strict=True):
            response, ways = self.synapse.response(polarity), self.ways[polarity]
            mean = response.resistance
            for way in ways:
                axes.plot(way, color=SOFT, linewidth=0.8)
            spread = np.hypot(response.cycle, response.device)
            label = "C2C of a write" + (" and D2D" if len(ways) > 1 else "")
            style: dict[str, Any] = {"color": BLUE, "alpha": 0.2, "linewidth": 0, "label": label}
            axes.fill_between(np.arange(mean.size), mean - spread, mean + spread, **style)
            axes.plot(mean, color=BLUE, label="mean")
            axes.set_title(polarity.name.capitalize(), fontsize=9)
            axes.set_xlabel("pulses")
            axes.set_ylabel("conductance (S)")
            axes.legend(fontsize=7)
            add_grid(axes)
        return figure

    def to_dict(self, path: Path, pictures: Sequence[Path]) -> dict[str, Any]:
        """As ``allspin fit --json`` prints it."""
        return {
            "device": str(path),
            "kind": "table",
            "pulses": self.pulses,
            "devices": len(self.ways[Polarity.POTENTIATION]),
            "pictures": [str(one) for one in pictures],
        }


def take_lookup_tables(
    files: Sequence[Path],
    options: FitOptions,
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
    if options != taken:
        raise UserError(
            f"{files[0]} is a lookup table, which is taken as it is; leave out what says how "
            "curves are fitted"
        )
    synapse = load_lookup_tables(files, options.states or LOOKUP_STATES)
    ways: dict[Polarity, list[Array]] = {polarity: [] for polarity in Polarity}
    for path in files:
        polarity, response = load_lookup_table(path)
        ways[polarity].append(response.resistance)
    datas = [read_file(path, "lookup table", MAX_BYTES) for path in files]
    source: dict[str, Any] = {
        "method": "lookup tables of CrossSim",
        "sha256": digests(files, datas),
    }
    device = Device(name=options.name, synapse=synapse, unit="siemens")
    if base is None:
        unknown = [] if len(files) > 2 else ["D2D of the synapse"]
        source["not_measured"] = [*unknown, "the neuron and its variation"]
    else:
        stand_in = open_device(base, at)
        device = with_rest(device, stand_in)
        source |= {"base": stand_in.name, "from_base": lent_rest(stand_in, neuron=True)}
    device = dataclasses.replace(device, source=source)
    return LookupDevice(with_reference(device, options.reference), synapse, ways)
