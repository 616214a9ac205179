"""Energy and area of an analogue-to-digital converter by its bits, from published converters.

ISAAC (Shafiee et al., ISCA 2016) has one of successive approximation, of 8 bits, 2 mW and
0.0012 mm^2 at 1.28 GS/s, and says how its parts go with the bits: reference buffer, memory and
clock linearly, the capacitors exponentially. Here all goes linearly; the ends of the range are all
of it going exponentially, and none of it getting smaller than at 8 bits. The least energy is that
of a converter with a Walden figure of 4.4 fJ a conversion step (van Elzakker et al., JSSC 45, 2010,
1007).
"""

from allspin.sim.cost.published import ADC_AREA, ADC_RATE, ISAAC, Range
from allspin.sim.network.adc import MAX_ADC_BITS, MIN_ADC_BITS
from allspin.sim.network.levels import check_range

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
    at_8 = POWER / ADC_RATE * 1e15
    return _by_bits(bits, at_8, WALDEN * 2.0**bits, "fJ", SOURCE + LEAST)


def converter_area(bits: int) -> Range:
    """Area of a converter that makes 1.28 billion conversions a second, in um^2.

    Parameters
    ----------
    bits : int
        2 to 24.
    """
    return _by_bits(bits, ADC_AREA, None, "um^2", SOURCE)
