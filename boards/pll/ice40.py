"""The PLL of the iCE40 (Lattice FPGA-TN-02052, iCE40 sysCLOCK PLL design and usage guide)."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from amaranth.hdl import Const, Instance, Signal

from allspin.boards.pll.ecp5 import MHZ, PllParameters, nearest
from allspin.sim.errors import check_range

MIN_SOURCE, MAX_SOURCE = 10 * MHZ, 133 * MHZ
MIN_PHASE, MAX_PHASE = 10 * MHZ, 133 * MHZ
MIN_VCO, MAX_VCO = 533 * MHZ, 1066 * MHZ
MIN_OUTPUT, MAX_OUTPUT = 16 * MHZ, 275 * MHZ
FILTER_LIMITS = (17 * MHZ, 26 * MHZ, 44 * MHZ, 66 * MHZ, 101 * MHZ)
"""Up to which frequency at the phase detector the filter ranges 1 to 5 go; then comes 6."""


@dataclass(frozen=True)
class Ice40PllParameters(PllParameters):
    """Divisors with feedback inside the PLL ("simple").

    ``frequency = source * (divf + 1) / ((divr + 1) * 2**divq)``

    Parameters
    ----------
    source : int
        Frequency of what goes in, in Hz, 10 to 133 MHz.
    divr : int
        Reference divider less 1, 0 to 15.
    divf : int
        Feedback divider less 1, 0 to 127.
    divq : int
        Exponent of the output divider, 1 to 6.
    pad : bool
        Whether the clock comes straight from the pad beside the PLL, and not over the fabric.
        A pad that is used as a clock input there leaves no other way.
    """

    source: int
    divr: int
    divf: int
    divq: int
    pad: bool = False

    @property
    def phase(self) -> Fraction:
        """Frequency at the phase detector, in Hz."""
        return Fraction(self.source, self.divr + 1)

    @property
    def vco(self) -> Fraction:
        """Frequency of the oscillator inside, in Hz."""
        return self.phase * (self.divf + 1)

    @property
    def frequency(self) -> int:
        """What comes out, in whole Hz."""
        return round(self.vco / 2**self.divq)

    @property
    def filter_range(self) -> int:
        """Setting of the loop filter, 1 to 6."""
        return 1 + sum(self.phase >= limit for limit in FILTER_LIMITS)

    @classmethod
    def search(cls, source: int, wanted: int) -> Self:
        """As `PllParameters.search`; of equal ones the smallest reference divider."""
        check_range("source", source, MIN_SOURCE, MAX_SOURCE)
        check_range("wanted frequency", wanted, MIN_OUTPUT, MAX_OUTPUT)
        found = []
        for divr in range(16):
            phase = Fraction(source, divr + 1)
            if not MIN_PHASE <= phase <= MAX_PHASE:
                continue
            for divf in range(128):
                vco = phase * (divf + 1)
                if not MIN_VCO <= vco <= MAX_VCO:
                    continue
                for divq in range(1, 7):
                    output = vco / 2**divq
                    if MIN_OUTPUT <= output <= MAX_OUTPUT:
                        found.append((abs(output - wanted), (divr, divf, divq)))
        return cls(source, *nearest(found, source, wanted))

    def instance(self, source: Any, clock: Signal, locked: Signal) -> Instance:
        """As `PllParameters.instance`; the source of a pad's PLL is its port."""
        cell, entrance = "SB_PLL40_CORE", ("i", "REFERENCECLK", source)
        if self.pad:
            cell, entrance = "SB_PLL40_PAD", ("i", "PACKAGEPIN", source.io)
        return Instance(
            cell,
            ("p", "FEEDBACK_PATH", "SIMPLE"),
            ("p", "DIVR", Const(self.divr, 4)),
            ("p", "DIVF", Const(self.divf, 7)),
            ("p", "DIVQ", Const(self.divq, 3)),
            ("p", "FILTER_RANGE", Const(self.filter_range, 3)),
            entrance,
            ("i", "RESETB", Const(1)),
            ("i", "BYPASS", Const(0)),
            ("o", "PLLOUTGLOBAL", clock),
            ("o", "LOCK", locked),
        )


@dataclass(frozen=True)
class Ice40PadPllParameters(Ice40PllParameters):
    """The same, clocked by the pad beside the PLL."""

    pad: bool = True
