"""What spin devices cost: heat of their currents, area of their films.

Everything follows from a device file's electrical figures. Heat is ``I^2 R t``; a current
that a circuit supplies takes ``I V t`` from the supply, whatever part of it heats the device.
"""

import math
from dataclasses import dataclass

from allspin.sim.device.device import Device
from allspin.sim.errors import check_range
from allspin.sim.network.adc import MAX_ADC_BITS, MIN_ADC_BITS

# Published figures of what surrounds a neuron, and of arithmetic in 45 nm, with sources.

BOLTZMANN = 1.380649e-23
TEMPERATURE = 300.0
THERMAL_VOLTAGE = BOLTZMANN * TEMPERATURE / 1.602176634e-19


@dataclass(frozen=True)
class Range:
    """A figure with the range in which it is published.

    Attributes
    ----------
    value : float
        What is used.
    low, high : float
        Ends of the range.
    unit : str
        Unit of all three.
    source : str
        Where they come from.
    """

    value: float
    low: float
    high: float
    unit: str
    source: str


ISAAC = "Shafiee et al., ISAAC, ISCA 2016, doi 10.1109/ISCA.2016.12"

ADC_CONVERSION = Range(
    2e-3 / 1.28e9 * 4 / 8 * 1e15,
    4.4 * 2**4,
    2e-3 / 1.28e9 * 1e15,
    "fJ",
    f"an 8-bit ADC of 2 mW at 1.28 GS/s ({ISAAC}), half of it for 4 bits; least: 4.4 fJ a "
    "conversion step (van Elzakker et al., JSSC 45, 2010, 1007), 16 steps; most: all 8 bits",
)
"""A conversion of 4 bits."""
ADC_AREA = 1200.0
"""um^2 of that ADC (0.0012 mm^2); at 1.28 GS/s it serves many columns."""
ADC_RATE = 1.28e9
COMPARISON = Range(
    67.0,
    40.0,
    113.0,
    "fJ",
    "a dynamic comparator in 65 nm, 67 fJ a decision (Satapathy and Kaur, Circuits Syst. Signal "
    "Process. 42, 2023, 5108); least: Miyahara et al., A-SSCC 2008, 40 uW/GHz; most: Schinkel et "
    "al., ISSCC 2007, 113 fJ",
)
"""A decision of a comparator: what reads a neuron of one bit."""
ROW_DRIVER_POWER = Range(
    4e-3 / 1024 * 4,
    4e-3 / 1024,
    4e-3 / 1024 * 8,
    "W",
    f"1024 drivers of one bit take 4 mW ({ISAAC}); four bits of them, from one to eight",
)
"""A row's driver of 4 bits while it drives."""
ROW_DRIVER_AREA = 170.0 / 1024 * 4
"""um^2: 1024 of one bit take 0.00017 mm^2."""
NOISE_EFFICIENCY = Range(
    4.0,
    1.07,
    8.0,
    "",
    "noise efficiency factor: 4.0 of Harrison and Charles, JSSC 38, 2003, 958; least: 1.07 of "
    "Shen, Lu and Sun, VLSI Circuits 2017; most: twice the first",
)
SIGNAL = Range(
    10e-3,
    1e-3,
    100e-3,
    "V",
    "assumed: full scale of what a column's amplifier reads; the paper says only that it is too "
    "small; 0.1 V would be a tunnel junction's",
)

MULTIPLY_8 = 200.0
"""fJ of an 8-bit multiply."""
ADD_32 = 100.0
"""fJ of an add of 32 bits."""
MULTIPLY_8_AREA = 282.0
ADD_8_AREA = 36.0
"""um^2; a 32-bit adder is counted as four of 8 bits."""
SRAM_READ_8KB = 10_000.0
SRAM_READ_32KB = 20_000.0
"""fJ of a 64-bit read of a memory of that size."""
SRAM_CELL_AREA = 0.346
"""um^2 of a 6T cell in a 45 nm process (Mistry et al., IEDM 2007), without periphery."""
ARITHMETIC_SOURCE = "M. Horowitz, Computing's energy problem, ISSCC 2014: 45 nm, 0.9 V"


def amplifier_energy(
    efficiency: float, signal: float, bits: int, time: float, voltage: float
) -> float:
    """Least energy of an amplifier for one read, in fJ.

    The noise efficiency factor F of an amplifier with input noise v over a bandwidth B says
    what current it draws (Steyaert, Sansen and Zhongyuan, JSSC 22, 1987, 1163)::

        I = F^2 pi U_T 4 k T B / (2 v^2)

    The noise may be half of a least significant bit, and the bandwidth must settle to the
    same within the time.

    Parameters
    ----------
    efficiency : float
        F.
    signal : float
        Full scale at the input, V.
    bits : int
        What must be told apart.
    time : float
        Of a read, s.
    voltage : float
        Of the supply, V.
    """
    noise = signal / (2**bits - 1) / 2
    bandwidth = (bits + 1) * math.log(2) / (2 * math.pi * time)
    four_kt = 4 * BOLTZMANN * TEMPERATURE
    current = efficiency**2 * math.pi * THERMAL_VOLTAGE * four_kt * bandwidth / (2 * noise**2)
    return current * voltage * time * 1e15


# Energy and area of an analogue-to-digital converter by its bits, from published converters.
#
# ISAAC (Shafiee et al., ISCA 2016) has one of successive approximation, of 8 bits, 2 mW and 0.0012
# mm^2 at 1.28 GS/s, and says how its parts go with the bits: reference buffer, memory and clock
# linearly, the capacitors exponentially. Here all goes linearly; the ends of the range are all of
# it going exponentially, and none of it getting smaller than at 8 bits. The least energy is that of
# a converter with a Walden figure of 4.4 fJ a conversion step (van Elzakker et al., JSSC 45, 2010,
# 1007).

BITS = 8
"""Of ISAAC's converter."""
POWER = 2e-3
"""In watt."""
WALDEN = 4.4
"""fJ a conversion step."""
SOURCE = (
    f"{BITS} bits, 2 mW and 0.0012 mm^2 at 1.28 GS/s ({ISAAC}), linear in the bits; between all of "
    "it exponential in the bits and none of it smaller than at 8 bits"
)
LEAST = f"; least energy {WALDEN} fJ a conversion step (van Elzakker et al., JSSC 45, 2010, 1007)"


def _by_bits(bits: int, at_8: float, least: float | None, unit: str, source: str) -> Range:
    """A figure of the converter of 8 bits at other bits."""
    bits = check_range("bits of a converter", bits, MIN_ADC_BITS, MAX_ADC_BITS)
    linear, exponential = at_8 * bits / BITS, at_8 * 2.0 ** (bits - BITS)
    ends = linear, exponential, max(at_8, linear)
    return Range(linear, min(*ends, least or linear), max(ends), unit, source)


def conversion_energy(bits: int) -> Range:
    """Energy of a conversion, in fJ.

    Parameters
    ----------
    bits : int
        2 to 24.
    """
    return _by_bits(bits, POWER / ADC_RATE * 1e15, WALDEN * 2.0**bits, "fJ", SOURCE + LEAST)


def converter_area(bits: int) -> Range:
    """Area of a converter that makes 1.28 billion conversions a second, in um^2.

    Parameters
    ----------
    bits : int
        2 to 24.
    """
    return _by_bits(bits, ADC_AREA, None, "um^2", SOURCE)


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
    set_time : float
        s; the time the wall takes along the film, to be set and again to be reset.
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
    length: float
    area: float
    positions: float
    switching_currents: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Uses a second: each is followed by a reset."""
        return 1 / (2 * self.set_time)

    def use(self, mean_square: float = 1.0, current: float | None = None) -> float:
        """Heat of a use and its reset, fJ.

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
        """Heat of setting it alone at a current, fJ: what the paper's formula counts."""
        mean = self.current if current is None else current
        return joule_heat(mean, self.resistance, self.set_time)


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
