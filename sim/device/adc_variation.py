"""How the converters of tiles differ: all off unless a device says otherwise.

offset
    Unit: a conversion's step (LSB); fixed for a tile's column. Source: the comparator's offset and
    the mismatch of the sampling capacitors, which data sheets give in LSB.
gain
    Unit: share of the gain; fixed for a tile's column. Source: the reference voltage's error.
noise
    Unit: a conversion's step; drawn at each conversion. Source: the comparator's noise, which data
    sheets give as input-referred noise in LSB.

Each is the standard deviation of a normal law, and counts in networks with tiles only.
"""

from dataclasses import dataclass

from allspin.sim.device.checks import check_number

TOPS = {"offset": 1000, "gain": 1, "noise": 1000}
"""Largest figures."""
UNITS = {
    "offset": "LSB of a tile's converter",
    "gain": "of the gain of a tile's converter",
    "noise": "LSB of a tile's converter, at each conversion",
}
"""Unit of each figure, as reports name it."""


@dataclass(frozen=True)
class AdcVariation:
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

    offset: float = 0.0
    gain: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, check_number(name, value, 0, TOPS[name]))

    def readings(self) -> list[str]:
        """Those that are on, a line each, for reports."""
        return [
            f"adc {name} {value:g} {unit}"
            for name, unit in UNITS.items()
            if (value := getattr(self, name))
        ]
