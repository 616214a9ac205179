"""Energy and area of an ADC as a function of its resolution, from published converters.

ISAAC (Shafiee et al., ISCA 2016) has a successive-approximation ADC of 8 bits, 2 mW and 0.0012 mm^2
at 1.28 GS/s. Its reference buffer, memory and clock scale linearly with the bits, and its
capacitors exponentially. Here everything scales linearly; the ends of the range are exponential
scaling of everything, and no reduction below 8 bits. The least energy is that of a converter with a
Walden figure of 4.4 fJ a conversion step (van Elzakker et al., JSSC 45, 2010, 1007).
"""

from allspin.sim.cost.periphery import ISAAC, Range
from allspin.sim.errors import check_range
from allspin.sim.network.adc import MAX_ADC_BITS, MIN_ADC_BITS

BITS = 8
"""Resolution of ISAAC's ADC."""
POWER = 2e-3
"""Power of that ADC, W."""
ADC_AREA = 1200.0
"""Area of that ADC, um^2 (0.0012 mm^2)."""
ADC_RATE = 1.28e9
"""Conversions of that ADC, 1/s, which serve many columns."""
WALDEN = 4.4
"""Energy of a conversion step, fJ."""
SOURCE = (
    f"{BITS} bits, 2 mW and 0.0012 mm^2 at 1.28 GS/s ({ISAAC}), linear in the bits; between all of "
    "it exponential in the bits and none of it smaller than at 8 bits"
)
LEAST = f"; least energy {WALDEN} fJ a conversion step (van Elzakker et al., JSSC 45, 2010, 1007)"


def _by_bits(bits: int, at_8: float, least: float | None, unit: str, source: str) -> Range:
    """Scale an 8-bit ADC's figure to another resolution."""
    bits = check_range("bits of a converter", bits, MIN_ADC_BITS, MAX_ADC_BITS)
    linear = at_8 * bits / BITS
    exponential = at_8 * 2.0 ** (bits - BITS)
    ends = [linear, exponential, max(at_8, linear)]
    return Range(linear, min(*ends, least or linear), max(ends), unit, source)


def conversion_energy(bits: int) -> Range:
    """Return the energy of a conversion, in fJ.

    Parameters
    ----------
    bits : int
        Resolution of the ADC, 2 to 24.
    """
    return _by_bits(bits, POWER / ADC_RATE * 1e15, WALDEN * 2.0**bits, "fJ", SOURCE + LEAST)


def converter_area(bits: int) -> Range:
    """Return the area of an ADC that makes `ADC_RATE` conversions a second, in um^2.

    Parameters
    ----------
    bits : int
        Resolution of the ADC, 2 to 24.
    """
    return _by_bits(bits, ADC_AREA, None, "um^2", SOURCE)
