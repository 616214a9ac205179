"""Assumptions of the comparison, and the energy and area of the periphery that follow."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from allspin.sim.cost.adc_cost import ADC_AREA, ADC_RATE, conversion_energy
from allspin.sim.cost.periphery import (
    COMPARISON,
    ISAAC,
    NOISE_EFFICIENCY,
    ROW_DRIVER_POWER,
    SIGNAL,
    amplifier_energy,
)
from allspin.sim.cost.spin import NeuronFigures, supplied

PERIPHERY = ("amplifier", "converter", "adc", "comparator", "driver")
"""Parts of the periphery that can be switched on and off."""
DEFAULT_PERIPHERY = ("amplifier", "converter", "adc", "driver")
BITS = 4
"""Resolution of amplifiers and ADCs: the paper's neuron has 4 bits."""
ADC_CONVERSION = replace(
    conversion_energy(BITS),
    source=f"an 8-bit ADC of 2 mW at 1.28 GS/s ({ISAAC}), half of it for 4 bits; least: 4.4 fJ a "
    "conversion step (van Elzakker et al., JSSC 45, 2010, 1007), 16 steps; most: all 8 bits",
)
"""Energy of a conversion of 4 bits, in fJ."""


@dataclass(frozen=True)
class Assumptions:
    """Assumptions that the verdict depends on.

    Attributes
    ----------
    current : float
        Mean input current of the spin neuron, A.
    set_time : float
        Time in which the neuron is set, and reset again, s.
    mean_square : float
        Mean squared input current, in units of its squared mean: counted.
    signal : float
        Full scale of an amplifier's input, V.
    efficiency : float
        Noise efficiency factor of the amplifiers.
    adc, comparator : float
        fJ of a conversion and of a decision.
    driver : float
        W of a row's driver.
    activity : float or None
        Activity of the CMOS neurons' inputs; None for the activity counted on images.
    frequency : float
        Clock of the CMOS neurons, Hz.
    voltage : float
        Of the supply, V.
    periphery : frozenset of str
        Which of `PERIPHERY` are on.
    """

    current: float
    set_time: float
    mean_square: float
    voltage: float
    signal: float = SIGNAL.value
    efficiency: float = NOISE_EFFICIENCY.value
    adc: float = ADC_CONVERSION.value
    comparator: float = COMPARISON.value
    driver: float = ROW_DRIVER_POWER.value
    activity: float | None = None
    frequency: float = 100e6
    periphery: frozenset[str] = field(default_factory=lambda: frozenset(DEFAULT_PERIPHERY))

    def on(self, part: str, energy: float) -> float:
        """Return a part's energy if it is on, else 0."""
        return energy if part in self.periphery else 0.0

    @property
    def amplifier(self) -> float:
        """Energy of one read of a column or of a neuron, fJ."""
        return amplifier_energy(self.efficiency, self.signal, BITS, self.set_time, self.voltage)

    @property
    def row(self) -> float:
        """Energy of driving a row once, fJ."""
        return self.on("driver", self.driver * self.set_time * 1e15)

    @property
    def conversion(self) -> float:
        """Energy of converting an amplifier's output to bits, fJ."""
        return self.on("adc", self.adc) + self.on("comparator", self.comparator)


def spin_heat(figures: NeuronFigures, a: Assumptions) -> dict[str, float]:
    """Return the heat of a use of the spin neuron by part, fJ."""
    moved = replace(figures, set_time=a.set_time)
    whole = moved.use(a.mean_square, a.current)
    reset = moved.set_heat(a.current)
    return {"set": whole - reset, "reset": reset}


def spin_periphery(a: Assumptions) -> dict[str, float]:
    """Return the energy of the periphery in a use of the spin neuron by part, fJ.

    The column's voltage is amplified and converted to the neuron's current, which the supply
    gives at its own voltage, and gives again to reset; the neuron's own voltage is amplified to
    drive the next row.
    """
    return {
        "amplifier": a.on("amplifier", 2 * a.amplifier),
        "converter": a.on("converter", 2 * supplied(a.current, a.voltage, a.set_time)),
    }


def cmos_periphery(a: Assumptions) -> dict[str, float]:
    """Return the energy of the periphery in a use of a CMOS neuron below a spin column, fJ."""
    return {"amplifier": a.on("amplifier", a.amplifier), "adc": a.conversion}


def spin_periphery_area(a: Assumptions, flip_flop: float) -> float:
    """Return the area of amplifiers and converters, each at least a flip-flop's, in um^2."""
    count = 2 * ("amplifier" in a.periphery) + ("converter" in a.periphery)
    return count * flip_flop


def cmos_periphery_area(a: Assumptions, flip_flop: float) -> float:
    """Return the area of an amplifier, and of one column's share of an ADC, in um^2."""
    blocks = flip_flop * (("amplifier" in a.periphery) + ("comparator" in a.periphery))
    return blocks + ADC_AREA * a.frequency / ADC_RATE * ("adc" in a.periphery)


def published(a: Assumptions) -> list[dict[str, Any]]:
    """Return every published figure, with its range and its source."""
    figures = {
        "ADC conversion": ADC_CONVERSION,
        "comparator decision": COMPARISON,
        "row driver power": ROW_DRIVER_POWER,
        "amplifier noise efficiency": NOISE_EFFICIENCY,
        "amplifier signal": SIGNAL,
    }
    read = {
        "name": "amplifier read",
        "value": a.amplifier,
        "low": replace(a, signal=SIGNAL.high, efficiency=NOISE_EFFICIENCY.low).amplifier,
        "high": replace(a, signal=SIGNAL.low, efficiency=NOISE_EFFICIENCY.high).amplifier,
        "unit": "fJ",
        "source": "least energy by noise efficiency factor and signal, 4 bits",
    }
    return [*({"name": name, **asdict(figure)} for name, figure in figures.items()), read]
