"""A device: synapse and neuron, their variation, and the electrical figures of their pulses."""

import dataclasses
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.electrical import Electrical, NeuronElectrical
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.parameters import Shown
from allspin.sim.synapse.synapse import Synapse
from allspin.sim.synapse.synapse_variation import SynapseVariation

SIEMENS = re.compile("[pnum\u00b5\u03bckMG]?(S|(?i:siemens))")
"""A unit of conductance, with any prefix."""


@dataclass(frozen=True, eq=False)
class Device(Shown):
    """The devices of a chip: synapse, neuron, array and ADCs.

    Parameters
    ----------
    name : str
        Name of the device.
    synapse : Synapse
        Mean synapse and its variation.
    neuron : Neuron
        Mean neuron.
    neuron_variation : NeuronVariation
        Variation of neurons.
    imperfections : Imperfections
        Further imperfections; none by default.
    electrical : Electrical
        Electrical figures of the synapse's pulses and reads.
    unit : str
        Unit of the synapse's R_AH, ``ohm`` unless it was normalised.
    source : dict
        Sources of the figures: plain values.
    neuron_electrical : NeuronElectrical
        Electrical figures of the neuron's uses.
    array : HallArray
        Connections, supply and reading of the array; ideal by default.
    adc : AdcVariation
        Variation of the ADCs of tiles; none by default.
    """

    name: str
    synapse: Synapse
    neuron: Neuron = field(default_factory=SotNeuron)
    neuron_variation: NeuronVariation = field(default_factory=NeuronVariation)
    imperfections: Imperfections = field(default_factory=Imperfections)
    electrical: Electrical = field(default_factory=Electrical)
    unit: str = "ohm"
    source: dict[str, Any] = field(default_factory=dict)
    neuron_electrical: NeuronElectrical = field(default_factory=NeuronElectrical)
    array: HallArray = field(default_factory=HallArray)
    adc: AdcVariation = field(default_factory=AdcVariation)

    @property
    def open_cell(self) -> float | None:
        """Value of an open cell in the synapse's unit: 0 if that is a conductance.

        None for a Hall bar: its open arm adds no voltage, whatever its range of R_AH.
        """
        return 0.0 if SIEMENS.fullmatch(self.unit.strip()) else None

    def replace(self, **changes: Any) -> "Device":
        """Return the device with other values.

        Parameters
        ----------
        **changes
            Parts of the device by name, or values of its parts by name, such as ``c2c=0.05``. A
            number for C2C or D2D is used for both polarities.

        Raises
        ------
        ValueError
            If no part or several parts have a value of that name, or it is outside its range.
        """
        parts: dict[str, Any] = dict(vars(self))
        for name, value in changes.items():
            if name in parts:
                parts[name] = value
                continue
            owners = [
                key for key, part in vars(self).items() if name in getattr(part, "__dict__", ())
            ]
            if len(owners) != 1:
                raise ValueError(
                    f"there is a value {name!r} in {' and in '.join(owners) or 'no part'} of a "
                    "device; give a part, changed"
                )
            [owner] = owners
            old = getattr(parts[owner], name)
            if isinstance(old, SynapseVariation) and isinstance(value, float | int):
                value = dataclasses.replace(old, potentiation=value, depression=value)
            parts[owner] = dataclasses.replace(parts[owner], **{name: value})
        return dataclasses.replace(self, **parts)

    def save(self, path: str | Path) -> None:
        """Write the device to a file; see `allspin.save_device`."""
        # The file format imports this module.
        from allspin.sim.device.device_file import save_device

        save_device(self, path)

    def readings(self) -> list[str]:
        """Describe each variation and its reading in one line, for reports.

        The operating point and the unmeasured figures of `source` are included.
        """
        at = self.source.get("at")
        return [
            *([f"taken at {at}"] if isinstance(at, str) and at.isprintable() else []),
            *self.synapse.readings(),
            *self.neuron_variation.readings(),
            *self.imperfections.readings(),
            *self._reference_readings(),
            *self.adc.readings(),
            *self.array.readings(),
            *self._not_measured(),
        ]

    def _reference_readings(self) -> list[str]:
        """Describe how far from the middle of the range whole pulses write a reference column."""
        if self.imperfections.reference_column != "written":
            return []
        middle = (self.synapse.low + self.synapse.high) / 2
        percent = []
        for written in self.synapse.trains:
            distances = (written.law.mean - middle) / self.synapse.span
            percent.append(100 * float(distances[np.abs(distances).argmin()]))
        up, down = percent
        return [
            f"whole pulses to the middle of the range end {up:+.2f} % of it away by potentiation, "
            f"{down:+.2f} % by depression"
        ]

    def _not_measured(self) -> list[str]:
        lines = []
        unknown = self._source_keys("not_measured")
        if unknown:
            lines.append(f"not measured, and so without: {', '.join(unknown)}")
        borrowed = self._source_keys("from_base")
        base = self.source.get("base")
        synapse_keys = [key for key in borrowed if key.startswith("synapse.")]
        if synapse_keys:
            lines.append(f"not measured, but of {base}: {', '.join(synapse_keys)}")
        if any(key.startswith("neuron.variation") for key in borrowed):
            lines.append(f"not measured, but of {base}: the neuron's D2D and C2C")
        return lines

    def _source_keys(self, name: str) -> list[str]:
        """Return a list of keys in `source`, which a user's file may define as anything."""
        keys = self.source.get(name)
        return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
