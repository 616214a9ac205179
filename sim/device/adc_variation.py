"""Variation of the ADCs of tiles; a device has none unless its file says so.

offset
    Unit: a conversion's step (LSB); fixed for a tile's column. Source: the comparator's offset
    and the mismatch of the sampling capacitors, which data sheets give in LSB.
gain
    Unit: share of the gain; fixed for a tile's column. Source: the reference voltage's error.
noise
    Unit: a conversion's step; drawn at each conversion. Source: the comparator's noise, which
    data sheets give as input-referred noise in LSB.

Each figure is the standard deviation of a normal distribution, and acts in networks with tiles
only.
"""

from dataclasses import dataclass

from allspin.sim.parameters import Parameters, number, units


@dataclass(frozen=True)
class AdcVariation(Parameters):
    """Variation of the ADCs of tiles, each figure a standard deviation.

    Parameters
    ----------
    offset, gain, noise : float
        See the module's list of units and sources; 0 to 1000, 1 and 1000.

    Raises
    ------
    ValueError
        If a value is outside its range.
    """

    offset: float = number(0.0, 0, 1000, "LSB of a tile's converter")
    gain: float = number(0.0, 0, 1, "of the gain of a tile's converter")
    noise: float = number(0.0, 0, 1000, "LSB of a tile's converter, at each conversion")

    def readings(self) -> list[str]:
        """Describe each variation that is present in one line, for reports."""
        return [f"adc {line}" for line in self.figures()]


UNITS_OF_ADC_VARIATION = units(AdcVariation)
"""Unit of each figure in reports."""
