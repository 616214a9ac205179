"""The PLL of the ECP5 (Lattice FPGA-TN-02200, ECP5 and ECP5-5G sysCLOCK PLL/DLL guide)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

from amaranth.hdl import Const, Elaboratable, Instance, Module, Signal

from allspin.sim.errors import check_range

# What all PLLs have in common.

MHZ = 1_000_000
TOLERANCE = Fraction(1, 100)
"""A PLL may miss the wanted frequency by this share; the UART's rate is worked out from what
comes out, so more would only be a surprise."""


class PllParameters(ABC):
    """Divisors of one PLL, and the frequency that comes of them."""

    @classmethod
    @abstractmethod
    def search(cls, source: int, wanted: int) -> Self:
        """The divisors that come nearest to a frequency.

        Parameters
        ----------
        source : int
            Frequency of what goes in, in Hz.
        wanted : int
            What should come out, in Hz.

        Raises
        ------
        ValueError
            If nothing within `TOLERANCE` is legal.
        """

    @property
    @abstractmethod
    def frequency(self) -> int:
        """What comes out, in whole Hz."""

    @abstractmethod
    def instance(self, source: Any, clock: Signal, locked: Signal) -> Instance:
        """The part's cell; signals as of `Pll`."""


class Pll(Elaboratable):
    """A PLL.

    Parameters
    ----------
    parameters : PllParameters
        Its divisors.
    source : SingleEndedPort or Signal
        Where the clock comes in.

    Attributes
    ----------
    clock : Signal, 1 bit
        What comes out.
    locked : Signal, 1 bit
        It can be used. Not synchronous to anything.
    """

    def __init__(self, parameters: PllParameters, source: object) -> None:
        self.clock = Signal(name="pll_clock")
        self.locked = Signal(name="pll_locked")
        self._parameters = parameters
        self._source = source

    def elaborate(self, platform: object) -> Module:
        """Build it."""
        m = Module()
        m.submodules.pll = self._parameters.instance(self._source, self.clock, self.locked)
        return m


def nearest(found: list[tuple[Fraction, tuple[int, ...]]], source: int, wanted: int) -> tuple:
    """Of divisors and what they cost, those that cost least.

    Parameters
    ----------
    found : list
        For each legal choice the distance from the wanted frequency in Hz, and the rest of
        what it is ranked by; the smallest is the best.
    source, wanted : int
        For the message.

    Raises
    ------
    ValueError
        If there is none, or the best is too far off.
    """
    best = min(found, default=None)
    if best is None or best[0] > wanted * TOLERANCE:
        raise ValueError(
            f"the PLL cannot make {wanted / MHZ:g} MHz of {source / MHZ:g} MHz: "
            "take another frequency"
        )
    return best[1]


MIN_SOURCE, MAX_SOURCE = 8 * MHZ, 400 * MHZ
MIN_PHASE, MAX_PHASE = 3_125_000, 400 * MHZ
MIN_VCO, MAX_VCO = 400 * MHZ, 800 * MHZ
MIN_OUTPUT, MAX_OUTPUT = 3_125_000, 400 * MHZ
MIDDLE_VCO = (MIN_VCO + MAX_VCO) // 2
MAX_DIVISOR = 128
MAX_FEEDBACK = 80


@dataclass(frozen=True)
class Ecp5PllParameters(PllParameters):
    """Divisors with feedback from the primary output.

    ``frequency = source * feedback / reference``, and the oscillator inside runs `output`
    times as fast.

    Parameters
    ----------
    source : int
        Frequency of what goes in, in Hz, 8 to 400 MHz.
    reference : int
        CLKI_DIV, 1 to 128.
    feedback : int
        CLKFB_DIV, 1 to 80.
    output : int
        CLKOP_DIV, 1 to 128.
    """

    source: int
    reference: int
    feedback: int
    output: int

    @property
    def phase(self) -> Fraction:
        """Frequency at the phase detector, in Hz."""
        return Fraction(self.source, self.reference)

    @property
    def vco(self) -> Fraction:
        """Frequency of the oscillator inside, in Hz."""
        return self.phase * self.feedback * self.output

    @property
    def frequency(self) -> int:
        """What comes out, in whole Hz."""
        return round(self.phase * self.feedback)

    @classmethod
    def search(cls, source: int, wanted: int) -> Self:
        """As `PllParameters.search`.

        Of equal ones the smallest reference divider, since a fast phase detector keeps
        jitter low, and then the oscillator nearest to the middle of its range.
        """
        check_range("source", source, MIN_SOURCE, MAX_SOURCE)
        check_range("wanted frequency", wanted, MIN_OUTPUT, MAX_OUTPUT)
        found = []
        for reference in range(1, MAX_DIVISOR + 1):
            phase = Fraction(source, reference)
            if not MIN_PHASE <= phase <= MAX_PHASE:
                continue
            for feedback in range(1, MAX_FEEDBACK + 1):
                frequency = phase * feedback
                if not MIN_OUTPUT <= frequency <= MAX_OUTPUT:
                    continue
                output = max(1, round(MIDDLE_VCO / frequency))
                if output <= MAX_DIVISOR and MIN_VCO <= frequency * output <= MAX_VCO:
                    found.append((abs(frequency - wanted), (reference, feedback, output)))
        return cls(source, *nearest(found, source, wanted))

    def instance(self, source: Any, clock: Signal, locked: Signal) -> Instance:
        """As `PllParameters.instance`."""
        return Instance(
            "EHXPLLL",
            # What the synthesis tools ask for beside the divisors.
            ("a", "FREQUENCY_PIN_CLKI", f"{self.source / MHZ:g}"),
            ("a", "FREQUENCY_PIN_CLKOP", f"{self.frequency / MHZ:g}"),
            ("a", "ICP_CURRENT", "12"),
            ("a", "LPF_RESISTOR", "8"),
            ("a", "MFG_ENABLE_FILTEROPAMP", "1"),
            ("a", "MFG_GMCREF_SEL", "2"),
            ("p", "CLKI_DIV", self.reference),
            ("p", "CLKFB_DIV", self.feedback),
            ("p", "CLKOP_DIV", self.output),
            ("p", "CLKOP_ENABLE", "ENABLED"),
            # Half a period of the output, in steps of the oscillator.
            ("p", "CLKOP_CPHASE", self.output // 2),
            ("p", "CLKOP_FPHASE", 0),
            ("p", "FEEDBK_PATH", "CLKOP"),
            ("p", "PLLRST_ENA", "DISABLED"),
            ("p", "INTFB_WAKE", "DISABLED"),
            ("p", "STDBY_ENABLE", "DISABLED"),
            ("p", "DPHASE_SOURCE", "DISABLED"),
            ("p", "OUTDIVIDER_MUXA", "DIVA"),
            ("i", "CLKI", source),
            ("i", "CLKFB", clock),
            ("i", "RST", Const(0)),
            ("i", "STDBY", Const(0)),
            ("i", "PHASESEL0", Const(0)),
            ("i", "PHASESEL1", Const(0)),
            ("i", "PHASEDIR", Const(1)),
            ("i", "PHASESTEP", Const(1)),
            ("i", "PHASELOADREG", Const(1)),
            ("i", "PLLWAKESYNC", Const(0)),
            ("i", "ENCLKOP", Const(0)),
            ("o", "CLKOP", clock),
            ("o", "LOCK", locked),
            ("o", "REFCLK", Signal(name="unused")),
        )
