"""What spin devices cost: heat of their currents, area of their films.

Everything follows from a device file's electrical figures. Heat is ``I^2 R t``; a current
that a circuit supplies takes ``I V t`` from the supply, whatever part of it heats the device.
"""

import math
from dataclasses import dataclass

from allspin.sim.device.device import Device

FEMTO = 1e15
CLAIMED = 0.1
"""Energy of the scaled neuron in the paper, in fJ."""


def joule_heat(current: float, resistance: float, time: float) -> float:
    """``I^2 R t`` in fJ, of ampere, ohm and seconds."""
    return current**2 * resistance * time * FEMTO


def supplied(current: float, voltage: float, time: float) -> float:
    """``I V t`` in fJ, of ampere, volt and seconds."""
    return current * voltage * time * FEMTO


@dataclass(frozen=True)
class NeuronFigures:
    """A spin neuron's use.

    Attributes
    ----------
    current : float
        Mean input current, A.
    resistance : float
        ohm.
    set_time, reset_time : float
        s; the time the wall takes along the film.
    length : float
        Of the film, m.
    area : float
        um^2, of the film alone.
    positions : float
        Places of the wall that are told apart.
    switching_currents : tuple of float
        Least and largest current, A, at the sheet current with which the synapse's pulses
        switch the same stack; empty where the device file does not say.
    """

    current: float
    resistance: float
    set_time: float
    reset_time: float
    length: float
    area: float
    positions: float
    switching_currents: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Uses a second: each is followed by a reset."""
        return 1 / (self.set_time + self.reset_time)

    def use(self, mean_square: float = 1.0, current: float | None = None) -> float:
        """Heat of a use and its reset, fJ.

        Parameters
        ----------
        mean_square : float
            Mean of the squared input current, in units of its squared mean.
        current : float, optional
            Mean input current, A; the device file's by default.
        """
        mean = self.current if current is None else current
        set_heat = mean_square * joule_heat(mean, self.resistance, self.set_time)
        return set_heat + joule_heat(mean, self.resistance, self.reset_time)

    def set_heat(self, current: float | None = None) -> float:
        """Heat of setting it alone at a current, fJ: what the paper's formula counts."""
        mean = self.current if current is None else current
        return joule_heat(mean, self.resistance, self.set_time)

    def current_for(self, energy: float) -> float:
        """Current, A, at which setting it takes an energy in fJ."""
        return math.sqrt(energy / FEMTO / self.resistance / self.set_time)

    def time_for(self, energy: float) -> float:
        """Time, s, in which setting it takes an energy in fJ at its own current."""
        return energy / FEMTO / self.resistance / self.current**2


def neuron_figures(device: Device) -> NeuronFigures:
    """A device's neuron.

    Raises
    ------
    ValueError
        If the device file lacks a figure; the message names it.
    """
    about = device.neuron_electrical
    width = _known(about.width, "neuron.electrical", "width")
    length = _known(about.length, "neuron.electrical", "length")
    time = length / _known(about.velocity, "neuron.electrical", "velocity")
    position = about.position or length
    synapse = device.electrical
    sheets = ()
    if synapse.width:
        pulses = {synapse.potentiation_current, synapse.depression_current}
        sheets = tuple(sorted(pulse / synapse.width for pulse in pulses if pulse))
    return NeuronFigures(
        current=_known(about.current, "neuron.electrical", "current"),
        resistance=_known(about.resistance, "neuron.electrical", "resistance"),
        set_time=time,
        reset_time=time,
        length=length,
        area=width * length * 1e12,
        positions=length / position,
        switching_currents=tuple(sheet * width for sheet in sheets),
    )


@dataclass(frozen=True)
class SynapseFigures:
    """A spin synapse's read.

    Attributes
    ----------
    area : float
        um^2 as the device file has it.
    scaled_area : float
        um^2 at the neuron's width, with the same number of squares.
    resistance : float
        ohm; the number of squares sets it, so scaling leaves it.
    current : float
        Read current at a row's full scale, A.
    time : float
        Of a read, s.
    assumed : bool
        Whether current and time are the neuron's, since the device file has none.
    """

    area: float
    scaled_area: float
    resistance: float
    current: float
    time: float
    assumed: bool

    def read(self, square: float, columns: int) -> float:
        """Heat along a row, fJ.

        Parameters
        ----------
        square : float
            Squared row current, in units of its full scale squared.
        columns : int
            Synapses in series along the row.
        """
        return square * columns * joule_heat(self.current, self.resistance, self.time)


def synapse_figures(device: Device) -> SynapseFigures:
    """A device's synapse.

    Where the device file has no read current or read time, the neuron's mean current and the
    time in which it is set stand in.

    Raises
    ------
    ValueError
        If the device file lacks a figure; the message names it.
    """
    about = device.electrical
    neuron = neuron_figures(device)
    width = _known(about.width, "synapse.electrical", "width")
    length = _known(about.length, "synapse.electrical", "length")
    narrow = _known(device.neuron_electrical.width, "neuron.electrical", "width")
    assumed = about.read_current is None or about.read_time is None
    return SynapseFigures(
        area=width * length * 1e12,
        scaled_area=narrow**2 * length / width * 1e12,
        resistance=_known(about.resistance, "synapse.electrical", "resistance"),
        current=neuron.current if about.read_current is None else about.read_current,
        time=neuron.set_time if about.read_time is None else about.read_time,
        assumed=assumed,
    )


def _known(value: float | None, table: str, key: str) -> float:
    if not value:
        raise ValueError(f"a comparison needs {key} in [{table}] of the device file")
    return value
