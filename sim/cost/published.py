"""Published figures of what surrounds a neuron, and of arithmetic in 45 nm, with sources."""

import math
from dataclasses import dataclass

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

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} is outside its range, {self.low} to {self.high}")


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
