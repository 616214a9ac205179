"""A device as a whole: synapse, neuron, how both vary, and what is known of their pulses."""

import re
from dataclasses import dataclass, field
from typing import Any

from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.checks import check_number
from allspin.sim.device.device_card import device_card
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.device.synapse.synapse import Synapse
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.neuron_kind import Neuron

SIEMENS = re.compile("[pnum\u00b5\u03bckMG]?(S|(?i:siemens))")
"""A unit of conductance, with any prefix."""


@dataclass(frozen=True)
class Electrical:
    """What a synapse's pulses and reads cost; None where it is not known.

    Parameters
    ----------
    potentiation_current, depression_current : float or None
        Magnitude of a pulse, in ampere.
    saturation_current : float or None
        Magnitude of the pulse that switches the film whole, in ampere.
    pulse_time : float or None
        Duration of a pulse of nominal width, in seconds.
    resistance : float or None
        Of the current's path, in ohm.
    read_current : float or None
        In ampere.
    read_time : float or None
        Of one read, in seconds.
    width, length : float or None
        Of the film, in metres; the current flows along the length.

    Raises
    ------
    ValueError
        If a value is negative or no number.
    """

    potentiation_current: float | None = None
    depression_current: float | None = None
    saturation_current: float | None = None
    pulse_time: float | None = None
    resistance: float | None = None
    read_current: float | None = None
    read_time: float | None = None
    width: float | None = None
    length: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None:
                object.__setattr__(self, name, check_number(name, value, 0, 1e9))

    def pulse_energy(self, current: float | None) -> float | None:
        """``I^2 R t`` of a pulse of nominal width, in joule; None if something is unknown."""
        if current is None or self.resistance is None or self.pulse_time is None:
            return None
        return current**2 * self.resistance * self.pulse_time

    @property
    def read_energy(self) -> float | None:
        """``I^2 R t`` of a read, in joule; None if something is unknown."""
        if self.read_current is None or self.resistance is None or self.read_time is None:
            return None
        return self.read_current**2 * self.resistance * self.read_time


@dataclass(frozen=True)
class NeuronElectrical:
    """What a neuron's use costs; None where it is not known.

    Parameters
    ----------
    width, length : float or None
        Of the film, in metres; the current flows along the length, and so does the wall.
    resistance : float or None
        Of the current's path, in ohm.
    current : float or None
        Mean input current, in ampere.
    velocity : float or None
        Of the domain wall, in metres a second.
    position : float or None
        Least distance of two positions of the wall that are told apart, in metres.

    Raises
    ------
    ValueError
        If a value is negative or no number.
    """

    width: float | None = None
    length: float | None = None
    resistance: float | None = None
    current: float | None = None
    velocity: float | None = None
    position: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None:
                object.__setattr__(self, name, check_number(name, value, 0, 1e9))


@dataclass(frozen=True, eq=False)
class Device:
    """The devices that chips are made of.

    Parameters
    ----------
    name : str
        What they are called.
    synapse : Synapse
        The mean synapse and its variation.
    neuron : Neuron
        The mean neuron.
    neuron_variation : NeuronVariation
        How neurons differ.
    imperfections : Imperfections
        What else is wrong; nothing by default.
    electrical : Electrical
        Cost of the synapse's pulses and reads.
    unit : str
        Unit of the synapse's R_AH, ``ohm`` unless it was normalised.
    source : dict
        Where the figures come from: plain values.
    neuron_electrical : NeuronElectrical
        Cost of the neuron's uses.
    array : HallArray
        How cells are joined, driven and read; ideal by default.
    adc : AdcVariation
        How the converters of tiles differ; nothing by default.
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
        """What an open cell has in the synapse's unit: 0 where that is a conductance.

        None for a Hall bar, whose open arm adds no voltage, wherever its range of R_AH lies.
        """
        return 0.0 if SIEMENS.fullmatch(self.unit.strip()) else None

    def readings(self) -> list[str]:
        """Every variation and what it is taken to be of, a line each, for reports.

        What `source` says of the operating point and of what was not measured is named too.
        """
        at = self.source.get("at")
        return [
            *([f"taken at {at}"] if isinstance(at, str) and at.isprintable() else []),
            *self.synapse.readings(),
            *self.neuron_variation.readings(),
            *self.imperfections.readings(),
            *self.adc.readings(),
            *self.array.readings(),
            *self._not_measured(),
        ]

    def _not_measured(self) -> list[str]:
        lines = []
        unknown, lent = (
            [key for key in found if isinstance(key, str)] if isinstance(found, list) else []
            for found in (self.source.get("not_measured"), self.source.get("from_base"))
        )
        if unknown:
            lines.append(f"not measured, and so without: {', '.join(unknown)}")
        for begin, name in (("synapse.", "the synapse"), ("neuron.variation", "the neuron's D2D")):
            keys = [key for key in lent if key.startswith(begin)]
            if keys:
                what = f"{name} and C2C" if begin.endswith("variation") else ", ".join(keys)
                lines.append(f"not measured, but of {self.source.get('base')}: {what}")
        return lines

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        return device_card(self)
