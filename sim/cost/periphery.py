"""Published figures of a column's periphery and of 45 nm arithmetic, with their sources."""

import math
from dataclasses import dataclass

BOLTZMANN = 1.380649e-23
TEMPERATURE = 300.0
THERMAL_VOLTAGE = BOLTZMANN * TEMPERATURE / 1.602176634e-19


@dataclass(frozen=True)
class Range:
    """A published figure and the range of its published values.

    Attributes
    ----------
    value : float
        Value that is used.
    low, high : float
        Ends of the range.
    unit : str
        Unit of all three.
    source : str
        Reference of the values.
    """

    value: float
    low: float
    high: float
    unit: str
    source: str


ISAAC = "Shafiee et al., ISAAC, ISCA 2016, doi 10.1109/ISCA.2016.12"

COMPARISON = Range(
    67.0,
    40.0,
    113.0,
    "fJ",
    "a dynamic comparator in 65 nm, 67 fJ a decision (Satapathy and Kaur, Circuits Syst. Signal "
    "Process. 42, 2023, 5108); least: Miyahara et al., A-SSCC 2008, 40 uW/GHz; most: Schinkel et "
    "al., ISSCC 2007, 113 fJ",
)
"""Energy of a comparator's decision, which reads a one-bit neuron."""
ROW_DRIVER_POWER = Range(
    4e-3 / 1024 * 4,
    4e-3 / 1024,
    4e-3 / 1024 * 8,
    "W",
    f"1024 drivers of one bit take 4 mW ({ISAAC}); four bits of them, from one to eight",
)
"""Power of a 4-bit row driver while it drives a row."""
ROW_DRIVER_AREA = 170.0 / 1024 * 4
"""Area of a 4-bit row driver, um^2; 1024 one-bit drivers take 0.00017 mm^2."""
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
"""Energy of an 8-bit multiplication, fJ."""
ADD_32 = 100.0
"""Energy of a 32-bit addition, fJ."""
MULTIPLY_8_AREA = 282.0
ADD_8_AREA = 36.0
"""Area of an 8-bit adder, um^2; a 32-bit adder counts as four."""
SRAM_READ_8KB = 10_000.0
SRAM_READ_32KB = 20_000.0
"""Energy of a 64-bit read of a memory of that size, fJ."""
SRAM_CELL_AREA = 0.346
"""Area of a 6T cell, um^2, in a 45 nm process (Mistry et al., IEDM 2007), without periphery."""
ARITHMETIC_SOURCE = "M. Horowitz, Computing's energy problem, ISSCC 2014: 45 nm, 0.9 V"


def amplifier_energy(
    efficiency: float, signal: float, bits: int, time: float, voltage: float
) -> float:
    """Return the least energy of an amplifier for one read, in fJ.

    The noise efficiency factor F of an amplifier with input noise v over a bandwidth B gives its
    current (Steyaert, Sansen and Zhongyuan, JSSC 22, 1987, 1163)::

        I = F^2 pi U_T 4 k T B / (2 v^2)

    The noise is half of a least significant bit, and the output settles to the same accuracy
    within the time.

    Parameters
    ----------
    efficiency : float
        Noise efficiency factor F.
    signal : float
        Full scale at the input, V.
    bits : int
        Resolution of the read.
    time : float
        Duration of a read, s.
    voltage : float
        Supply voltage, V.
    """
    noise = signal / (2**bits - 1) / 2
    bandwidth = (bits + 1) * math.log(2) / (2 * math.pi * time)
    four_kt = 4 * BOLTZMANN * TEMPERATURE
    current = efficiency**2 * math.pi * THERMAL_VOLTAGE * four_kt * bandwidth / (2 * noise**2)
    return current * voltage * time * 1e15
