"""Energy and area of spin devices: heat of their currents, and area of the devices.

All figures follow from the electrical values of a device file. Heat is ``I^2 R t``. A circuit that
supplies a current takes ``I V t`` from its supply, whatever part of it heats the device.
"""

from dataclasses import dataclass

from allspin.sim.device.device import Device

FEMTO = 1e15
CLAIMED = 0.1
"""Energy of the scaled neuron according to the paper, fJ."""


def joule_heat(current: float, resistance: float, time: float) -> float:
    """Return ``I^2 R t`` in fJ, for A, ohm and s."""
    return current**2 * resistance * time * FEMTO


def supplied(current: float, voltage: float, time: float) -> float:
    """Return ``I V t`` in fJ, for A, V and s."""
    return current * voltage * time * FEMTO


@dataclass(frozen=True)
class NeuronFigures:
    """Electrical figures of a spin neuron.

    Attributes
    ----------
    current : float
        Mean input current, A.
    resistance : float
        Resistance, ohm.
    set_time : float
        Time in which the domain wall crosses the device, s, both for a set and for a reset.
    length : float
        Length of the device, m.
    area : float
        Area of the device alone, um^2.
    positions : float
        Number of distinguishable positions of the domain wall.
    switching_currents : tuple of float
        Least and largest current, A, at the sheet current with which the synapse's pulses
        switch the same stack; empty if the device file does not give them.
    """

    current: float
    resistance: float
    set_time: float
    length: float
    area: float
    positions: float
    switching_currents: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Uses per second; each is followed by a reset."""
        return 1 / (2 * self.set_time)

    def use(self, mean_square: float = 1.0, current: float | None = None) -> float:
        """Return the heat of a use and its reset, fJ.

        Parameters
        ----------
        mean_square : float
            Mean of the squared input current, in units of its squared mean.
        current : float, optional
            Mean input current, A; the device file's by default.
        """
        heat = self.set_heat(current)
        return mean_square * heat + heat

    def set_heat(self, current: float | None = None) -> float:
        """Return the heat of setting the neuron alone, fJ, as the paper's formula counts it."""
        mean = self.current if current is None else current
        return joule_heat(mean, self.resistance, self.set_time)


def neuron_figures(device: Device) -> NeuronFigures:
    """Return the figures of a device's neuron.

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
        length=length,
        area=width * length * 1e12,
        positions=length / position,
        switching_currents=tuple(sheet * width for sheet in sheets),
    )


@dataclass(frozen=True)
class SynapseFigures:
    """Electrical figures of a spin synapse.

    Attributes
    ----------
    area : float
        Area in the device file, um^2.
    scaled_area : float
        Area at the neuron's width with the same number of squares, um^2.
    resistance : float
        Resistance, ohm; it depends on the number of squares, so scaling does not change it.
    current : float
        Read current at a row's full scale, A.
    time : float
        Duration of a read, s.
    assumed : bool
        True if current and time are the neuron's, since the device file has none.
    """

    area: float
    scaled_area: float
    resistance: float
    current: float
    time: float
    assumed: bool

    def read(self, square: float, columns: int) -> float:
        """Return the heat of a read along a row, fJ.

        Parameters
        ----------
        square : float
            Squared row current, in units of its full scale squared.
        columns : int
            Synapses in series along the row.
        """
        return square * columns * joule_heat(self.current, self.resistance, self.time)


def synapse_figures(device: Device) -> SynapseFigures:
    """Return the figures of a device's synapse.

    If the device file has no read current or read time, the neuron's mean current and set time
    are used.

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
    return SynapseFigures(
        area=width * length * 1e12,
        scaled_area=narrow**2 * length / width * 1e12,
        resistance=_known(about.resistance, "synapse.electrical", "resistance"),
        current=neuron.current if about.read_current is None else about.read_current,
        time=neuron.set_time if about.read_time is None else about.read_time,
        assumed=about.read_current is None or about.read_time is None,
    )


def _known(value: float | None, table: str, key: str) -> float:
    if not value:
        raise ValueError(f"a comparison needs {key} in [{table}] of the device file")
    return value
