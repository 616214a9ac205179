"""A device as a whole: synapse, neuron, how both vary, and what is known of their pulses."""

import dataclasses
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.retention import MAX_AGE, Retention
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.network.neuron_base import Neuron
from allspin.sim.parameters import Parameters, Shown, choice, number, units
from allspin.sim.synapse.response import Array
from allspin.sim.synapse.synapse import Synapse, SynapseVariation

# Imperfections beside the paper's variations: all off unless a device says otherwise.
#
# read_noise
#     Unit: one cell's range of R_AH at full row current; added to a column's sum at each use.
#     Source: thermal noise of the Hall arms in series, 4 k T R a hertz (Johnson and Nyquist,
#     Phys. Rev. 32, 1928), and the amplifier's input noise.
# amplifier_gain, converter_gain
#     Unit: share of the gain; fixed for a column. Source: matching of feedback resistors.
# amplifier_offset
#     Unit: as `read_noise`; fixed for a column. Source: the amplifier's input offset voltage.
# converter_offset
#     Unit: the neuron's full-scale current; fixed for a column. Source: the V-I converter's
#     offset voltage.
# hall_offset
#     Unit: one cell's range of R_AH; fixed for a cell. Source: Hall arms that do not face each
#     other see a part of the longitudinal resistance.
# reference
#     Unit: one cell's range; fixed for a row of a layer, the same for all of its cells. Source: C2C
#     and D2D of a reference column's cells, one a row, held in the middle of the range: what a
#     signed weight is counted from where a device has a conductance, which has no sign.
# reference_column
#     What the mean of these cells is: the middle of the range, to which somebody trims them, or
#     what a write leaves, with its C2C and D2D (`allspin.sim.programming.reference_column`).
# drift, drift_spread, age
#     Unit: share of R_AH that is lost in each decade of seconds, its mean and its deviation
#     between cells; age in seconds since programming. Source: magnetic after-effect, which is
#     logarithmic in time (R. Street, J. C. Woolley, Proc. Phys. Soc. A 62, 562, 1949).
# retention
#     Barriers and temperature of thermal activation, by which R_AH decays over the same age:
#     `allspin.sim.device.retention`. Its own draws of cells are those of `drift_spread`.
# stuck, stuck_at
#     Unit: share of the cells; where in the range they are stuck, or that they are open. Source:
#     films that no longer switch and broken Hall arms, as counted at a wafer's test.
#
# The paper gives none of these figures. Those drawn for a cell or a column are Gaussian,
# `stuck` is a chance.

STUCK_ENDS = {
    "low": "at the lowest R_AH",
    "high": "at the highest R_AH",
    "either": "at either end of R_AH, with equal chance",
    "between": "anywhere between the ends of R_AH, with equal chance",
    "open": "open: they add no voltage or current to their columns",
}
"""Where stuck cells are stuck."""
REFERENCE_COLUMNS = {
    "centred": "centred: its mean is the middle of the range",
    "written": "written as the cells are: whole pulses need not lead to the middle of the range",
}
"""What the cells of a reference column hold."""


@dataclass(frozen=True)
class Imperfections(Parameters):
    """What else may be wrong, each figure a standard deviation unless said otherwise.

    Parameters
    ----------
    read_noise, amplifier_gain, amplifier_offset, converter_gain, converter_offset
    hall_offset, reference
        See the module's table, which gives unit and source; 0 to 1, `amplifier_offset` and
        `read_noise` to 100.
    reference_column : str
        One of `REFERENCE_COLUMNS`; of either `reference` is a deviation beside.
    drift, drift_spread : float
        Share of R_AH lost in each decade of seconds, mean and deviation between cells,
        0 to 1.
    age : float
        Seconds since programming, 0 to 1e12: what is kept is
        ``1 - drift * log10(1 + age)``.
    stuck : float
        Share of cells that are stuck, 0 to 1.
    stuck_at : str
        One of `STUCK_ENDS`.
    retention : Retention or None
        How R_AH decays by thermal activation; None for not at all.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    read_noise: float = number(
        0.0, 0, 100, "of a cell's range at full row current, on a column's sum at each use"
    )
    amplifier_gain: float = number(0.0, 0, 1, "of the amplifier's gain")
    amplifier_offset: float = number(
        0.0, 0, 100, "of a cell's range at full row current, on a column's sum"
    )
    converter_gain: float = number(0.0, 0, 1, "of the V-I converter's gain")
    converter_offset: float = number(0.0, 0, 1, "of the neuron's full-scale current")
    hall_offset: float = number(0.0, 0, 1, "of a cell's range")
    reference: float = number(0.0, 0, 1, "of a cell's range, the same for all cells of a row")
    drift: float = number(0.0, 0, 1, "of R_AH a decade of seconds")
    drift_spread: float = number(0.0, 0, 1, "of R_AH a decade of seconds, between cells")
    age: float = number(0.0, 0, MAX_AGE)
    stuck: float = number(0.0, 0, 1, "of the cells")
    stuck_at: str = choice("either", STUCK_ENDS)
    retention: Retention | None = None
    reference_column: str = choice("centred", REFERENCE_COLUMNS)

    @property
    def referenced(self) -> bool:
        """Whether there is a reference column whose cells do not all hold the middle."""
        return bool(self.reference) or self.reference_column == "written"

    @property
    def decades(self) -> float:
        """Decades of seconds that the cells have drifted for."""
        return math.log10(1 + self.age)

    @property
    def drifts(self) -> bool:
        """Whether cells have lost R_AH with the logarithm of time."""
        return bool(self.decades and (self.drift or self.drift_spread))

    @property
    def decays(self) -> bool:
        """Whether cells have lost R_AH by thermal activation."""
        return self.retention is not None and self.age > 0

    @property
    def of_sums(self) -> bool:
        """Whether column sums have noise, or their amplifiers errors."""
        return bool(self.read_noise or self.amplifier_gain or self.amplifier_offset)

    def readings(self) -> list[str]:
        """Those that are on, a line each, for reports."""
        drifts = self.drift or self.drift_spread
        return [
            *self.figures(),
            *([f"reference column {REFERENCE_COLUMNS[self.reference_column]}"] * self.referenced),
            *([f"drifted for {self.age:g} s"] if drifts else []),
            *(self.retention.readings(self.age) if self.retention is not None else []),
            *([f"stuck cells are {STUCK_ENDS[self.stuck_at]}"] if self.stuck else []),
        ]


UNITS = units(Imperfections)
"""Unit of each figure, as reports name it."""


# How the converters of tiles differ: all off unless a device says otherwise.
#
# offset
#     Unit: a conversion's step (LSB); fixed for a tile's column. Source: the comparator's offset
#     and the mismatch of the sampling capacitors, which data sheets give in LSB.
# gain
#     Unit: share of the gain; fixed for a tile's column. Source: the reference voltage's error.
# noise
#     Unit: a conversion's step; drawn at each conversion. Source: the comparator's noise, which
#     data sheets give as input-referred noise in LSB.
#
# Each is the standard deviation of a normal law, and counts in networks with tiles only.


@dataclass(frozen=True)
class AdcVariation(Parameters):
    """What differs between the converters of tiles.

    Parameters
    ----------
    offset, gain, noise : float
        See the module's table, which gives unit and source; 0 to 1000, 1 and 1000.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    offset: float = number(0.0, 0, 1000, "LSB of a tile's converter")
    gain: float = number(0.0, 0, 1, "of the gain of a tile's converter")
    noise: float = number(0.0, 0, 1000, "LSB of a tile's converter, at each conversion")

    def readings(self) -> list[str]:
        """Those that are on, a line each, for reports."""
        return [f"adc {line}" for line in self.figures()]


UNITS_OF_ADC_VARIATION = units(AdcVariation)
"""Unit of each figure, as reports name it."""


# The SOT neuron as a device: how it differs from use to use and from neuron to neuron.
#
# A neuron is reset before each use, so what it did before does not matter: only the current,
# the device's own deviations and the deviation of this use do. All three are Gaussian::
#
#     drive = (1 + gain z_g) (i - pivot) + pivot - threshold z_t + use z_u
#     R_AH  = response(drive)
#
# i is the input current as a fraction of full scale, `response` that of
# `allspin.sim.network.neuron.SotNeuron` with its threshold, slope and saturation, or of another
# kind with its knees (`allspin.sim.network.neuron_base.Neuron.knees`). The machine does the same on
# whole currents: see `allspin.sim.chip.chip`.

GAIN_READINGS = {
    "current": "a factor on the input current: threshold and slope both move",
    "slope": "a factor on the slope, about the threshold",
}
"""What the neuron's gain deviation is a factor on; the paper does not say."""
THRESHOLD_READINGS = {
    "range": "of the input current's full scale",
    "threshold": "of the threshold itself",
    "linear": "of the current between threshold and saturation",
}
"""What the neuron's threshold deviation is a fraction of; the paper does not say."""
USE_READINGS = {
    "current": "of the input current's full scale, on the current",
    "output": "of the range of R_AH, on the current that gives it on the linear part",
    "threshold": "of the threshold, on the current",
}
"""What the neuron's cycle-to-cycle figure is a fraction of; the paper does not say."""


@dataclass(frozen=True)
class NeuronVariation(Parameters):
    """Variation of neurons, each figure a standard deviation, 0 to 1.

    Parameters
    ----------
    gain, threshold : float
        Device to device (D2D), drawn once for a neuron.
    use : float
        Cycle to cycle (C2C), drawn at each use.
    gain_reading, threshold_reading, use_reading : str
        One of `GAIN_READINGS`, `THRESHOLD_READINGS` and `USE_READINGS`.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    gain: float = number(0.0, 0, 1)
    threshold: float = number(0.0, 0, 1)
    use: float = number(0.0, 0, 1)
    gain_reading: str = choice("current", GAIN_READINGS)
    threshold_reading: str = choice("range", THRESHOLD_READINGS)
    use_reading: str = choice("current", USE_READINGS)

    def called(self, name: str) -> str:
        """See `Parameters.called`."""
        return f"the neuron's {name}"

    def pivot(self, neuron: Neuron) -> float:
        """Current that a gain's deviation leaves as it is, as a fraction of full scale."""
        knees = neuron.knees
        return knees.threshold if knees is not None and self.gain_reading == "slope" else 0.0

    def threshold_deviation(self, neuron: Neuron) -> float:
        """Standard deviation of the threshold, as a fraction of the current's full scale."""
        knees = neuron.knees
        if knees is None or self.threshold_reading == "range":
            return self.threshold
        if self.threshold_reading == "threshold":
            return self.threshold * knees.threshold
        return self.threshold * knees.saturation / knees.slope

    def use_deviation(self, neuron: Neuron) -> float:
        """Standard deviation of the current at a use, as a fraction of its full scale.

        A neuron that switches by chance has noise of its own beside.
        """
        knees = neuron.knees
        if neuron.noise:
            return math.hypot(self.use, neuron.noise)
        if knees is None or self.use_reading == "current":
            return self.use
        if self.use_reading == "output":
            return self.use / knees.slope
        return self.use * knees.threshold

    def respond(
        self,
        neuron: Neuron,
        current: npt.ArrayLike,
        gain_deviate: npt.ArrayLike = 0.0,
        threshold_deviate: npt.ArrayLike = 0.0,
        use_deviate: npt.ArrayLike | None = None,
    ) -> Array:
        """R_AH of neurons after one use that started from reset.

        Parameters
        ----------
        neuron : Neuron
            The mean device.
        current : array_like of float
            Input current as a fraction of full scale.
        gain_deviate, threshold_deviate, use_deviate : array_like of float
            The neurons' own deviations and those of this use, in standard deviations; None for
            the mean of many uses where the neuron switches by chance.

        Returns
        -------
        ndarray of float64, the shape that the arguments broadcast to
            As a fraction of the output's full scale.
        """
        pivot = self.pivot(neuron)
        factor = 1 + self.gain * np.asarray(gain_deviate, np.float64)
        drive = factor * (np.asarray(current, np.float64) - pivot) + pivot
        drive = drive - self.threshold_deviation(neuron) * np.asarray(threshold_deviate)
        if use_deviate is None:
            return neuron.response(drive)
        return neuron.switched(drive + self.use_deviation(neuron) * np.asarray(use_deviate))

    def readings(self) -> list[str]:
        """What the variations are taken to be of, a line each, for reports."""
        told = {
            "D2D of gain": (self.gain, f": {GAIN_READINGS[self.gain_reading]}"),
            "D2D of threshold": (self.threshold, f" {THRESHOLD_READINGS[self.threshold_reading]}"),
            "C2C": (self.use, f" {USE_READINGS[self.use_reading]}"),
        }
        # A figure of 0 may be one that is not known: it is not told as if it were measured.
        none = ", ".join(name for name, (figure, _) in told.items() if not figure)
        return [
            *(f"neuron {name} {figure:.3g}{of}" for name, (figure, of) in told.items() if figure),
            *([f"neuron without {none}"] if none else []),
        ]


SIEMENS = re.compile("[pnum\u00b5\u03bckMG]?(S|(?i:siemens))")
"""A unit of conductance, with any prefix."""


@dataclass(frozen=True)
class Electrical(Parameters):
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

    potentiation_current: float | None = number(None, 0, 1e9)
    depression_current: float | None = number(None, 0, 1e9)
    saturation_current: float | None = number(None, 0, 1e9)
    pulse_time: float | None = number(None, 0, 1e9)
    resistance: float | None = number(None, 0, 1e9)
    read_current: float | None = number(None, 0, 1e9)
    read_time: float | None = number(None, 0, 1e9)
    width: float | None = number(None, 0, 1e9)
    length: float | None = number(None, 0, 1e9)

    def pulse_energy(self, current: float | None) -> float | None:
        """``I^2 R t`` of a pulse of nominal width, in joule; None if something is unknown."""
        return self._energy(current, self.pulse_time)

    @property
    def read_energy(self) -> float | None:
        """``I^2 R t`` of a read, in joule; None if something is unknown."""
        return self._energy(self.read_current, self.read_time)

    def _energy(self, current: float | None, time: float | None) -> float | None:
        if current is None or self.resistance is None or time is None:
            return None
        return current**2 * self.resistance * time


@dataclass(frozen=True)
class NeuronElectrical(Parameters):
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

    width: float | None = number(None, 0, 1e9)
    length: float | None = number(None, 0, 1e9)
    resistance: float | None = number(None, 0, 1e9)
    current: float | None = number(None, 0, 1e9)
    velocity: float | None = number(None, 0, 1e9)
    position: float | None = number(None, 0, 1e9)


@dataclass(frozen=True, eq=False)
class Device(Shown):
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

    def replace(self, **changes: Any) -> "Device":
        """The device with other values, wherever in it they stand.

        Parameters
        ----------
        **changes
            By name, a part of the device, or a value of one of its parts, such as ``c2c=0.05``:
            a number for C2C or D2D is that of both polarities.

        Raises
        ------
        ValueError
            If no part has such a value, or several have, or it is outside its range.
        """
        given: dict[str, Any] = dict(vars(self))
        for name, value in changes.items():
            homes = [
                each for each, part in vars(self).items() if name in getattr(part, "__dict__", ())
            ]
            if name in given:
                given[name] = value
            elif len(homes) == 1:
                part = given[homes[0]]
                old = getattr(part, name)
                if isinstance(old, SynapseVariation) and isinstance(value, float | int):
                    value = dataclasses.replace(old, potentiation=value, depression=value)
                given[homes[0]] = dataclasses.replace(part, **{name: value})
            else:
                raise ValueError(
                    f"there is a value {name!r} in {' and in '.join(homes) or 'no part'} of a "
                    "device; give a part, changed"
                )
        return dataclasses.replace(self, **given)

    def save(self, path: str | Path) -> None:
        """Write the device's file, as of `allspin.save_device`."""
        from allspin.sim.device.device_file import save_device

        save_device(self, path)

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
            *self._reference_readings(),
            *self.adc.readings(),
            *self.array.readings(),
            *self._not_measured(),
        ]

    def _reference_readings(self) -> list[str]:
        """How far from the middle whole pulses end, where they write the reference column."""
        if self.imperfections.reference_column != "written":
            return []
        middle, span = (self.synapse.low + self.synapse.high) / 2, self.synapse.span
        ways = [(written.law.mean - middle) / span for written in self.synapse.trains]
        up, down = (100 * float(way[np.abs(way).argmin()]) for way in ways)
        return [
            f"whole pulses to the middle of the range end {up:+.2f} % of it away by potentiation, "
            f"{down:+.2f} % by depression"
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
            what = f"{name} and C2C" if begin.endswith("variation") else ", ".join(keys)
            if keys:
                lines.append(f"not measured, but of {self.source.get('base')}: {what}")
        return lines
