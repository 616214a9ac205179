"""PLLs: divisors by a search over the legal ranges, and the cells of the parts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from allspin.sim.errors import check_number, check_range

if TYPE_CHECKING:
    from amaranth.hdl import Instance, Signal

MHZ = 1_000_000
TOLERANCE = Fraction(1, 100)
"""Largest relative error of a PLL's frequency. The UART's divisor follows from the actual one, so a
larger error would only surprise."""


class PllParameters(ABC):
    """Divisors of a PLL, and the frequency that they make."""

    @classmethod
    @abstractmethod
    def search(cls, source: int, wanted: int) -> Self:
        """Return the divisors whose frequency is nearest to the wanted one.

        Parameters
        ----------
        source : int
            Input frequency, in Hz.
        wanted : int
            Wanted output frequency, in Hz.

        Raises
        ------
        ValueError
            If no legal divisors are within `TOLERANCE`.
        """

    @property
    @abstractmethod
    def frequency(self) -> int:
        """Output frequency, in whole Hz."""

    @abstractmethod
    def instance(self, source: Any, clock: "Signal", locked: "Signal") -> "Instance":
        """Return the part's cell; its signals are those of `allspin.boards.shell.Pll`."""


def nearest(choices: list[tuple[Fraction, tuple[int, ...]]], source: int, wanted: int) -> tuple:
    """Return the best of several choices of divisors.

    Parameters
    ----------
    choices : list
        Distance from the wanted frequency in Hz, and divisors, of each choice; the smallest is
        the best.
    source, wanted : int
        Frequencies in Hz, for the message.

    Raises
    ------
    ValueError
        If no divisors suit, or the best are too far off.
    """
    best = min(choices, default=None)
    if best is None or best[0] > wanted * TOLERANCE:
        raise ValueError(
            f"the PLL cannot make {wanted / MHZ:g} MHz of {source / MHZ:g} MHz: "
            "take another frequency"
        )
    return best[1]


PHASES = 10 * MHZ, 400 * MHZ
"""Range of an ECP5's phase detector, in Hz (Lattice FPGA-DS-02012, sysCLOCK PLL timing)."""
OUTPUTS = 3_125_000, 400 * MHZ
"""Range of an ECP5's outputs, in Hz (same table)."""
OSCILLATOR = 400 * MHZ, 800 * MHZ
"""Range of an ECP5's internal oscillator, in Hz (same table)."""


@dataclass(frozen=True)
class Ecp5PllParameters(PllParameters):
    """Divisors of an ECP5's PLL, with feedback from the primary output.

    See Lattice FPGA-TN-02200, ECP5 and ECP5-5G sysCLOCK PLL/DLL guide.

    The primary output's frequency is ``source * feedback / reference``; the internal oscillator
    runs `output` times as fast, and the second output is the oscillator's clock over `second`.

    Parameters
    ----------
    source : int
        Input frequency in Hz, 8 to 400 MHz.
    reference : int
        CLKI_DIV, 1 to 128.
    feedback : int
        CLKFB_DIV, 1 to 80.
    output : int
        CLKOP_DIV, 1 to 128.
    second : int
        CLKOS_DIV, 1 to 128, if the clock is the second output and the primary one serves the
        feedback alone; 0 if the clock is the primary output.
    """

    source: int
    reference: int
    feedback: int
    output: int
    second: int = 0

    @property
    def phase(self) -> Fraction:
        """Frequency at the phase detector, in Hz."""
        return Fraction(self.source, self.reference)

    @property
    def vco(self) -> Fraction:
        """Frequency of the internal oscillator, in Hz."""
        return self.phase * self.feedback * self.output

    @property
    def frequency(self) -> int:
        """Output frequency, in whole Hz."""
        return round(self.vco / (self.second or self.output))

    @classmethod
    def search(cls, source: int, wanted: int) -> Self:
        """Return the nearest divisors, as `PllParameters.search`.

        Of equally near ones, those without the second output win, then the smallest reference
        divider, since a fast phase detector keeps jitter low, and then the oscillator nearest to
        the middle of its range.
        """
        check_range("source", source, 8 * MHZ, 400 * MHZ)
        check_number("wanted frequency in MHz", wanted / MHZ, OUTPUTS[0] / MHZ, OUTPUTS[1] / MHZ)
        choices = []
        for reference, feedback, output in _locked_loops(source):
            vco = Fraction(source, reference) * feedback * output
            away = abs(vco - 600 * MHZ)
            distance = abs(vco / output - wanted)
            choices.append((distance, (0, reference, away, feedback, output)))
            second = min(max(round(vco / wanted), 1), 128)
            distance = abs(vco / second - wanted)
            if OUTPUTS[0] <= vco / second <= OUTPUTS[1]:
                choices.append((distance, (second, reference, away, feedback, output)))
        second, reference, _, feedback, output = nearest(choices, source, wanted)
        return cls(source, reference, feedback, output, second)

    def instance(
        self,
        source: Any,
        clock: "Signal",
        locked: "Signal",
        late: "tuple[Signal, float] | None" = None,
    ) -> "Instance":
        """Return the part's cell, as `PllParameters.instance`.

        Parameters
        ----------
        source, clock, locked
            Parameters of `PllParameters.instance`.
        late : tuple of Signal and float, optional
            Further output of the same frequency, and the share of a period by which it is later.
        """
        # The divisors are used without Amaranth, to flash a board.
        from amaranth.hdl import Const, Instance, Signal

        primary = clock
        others = ()
        divisor = self.output
        if self.second:
            primary = Signal(name="pll_feedback")
            divisor = self.second
            others = _output("CLKOS", clock, divisor, 0.0)
        if late is not None:
            name = "CLKOS2" if self.second else "CLKOS"
            others += _output(name, late[0], divisor, late[1])
        return Instance(
            "EHXPLLL",
            # Attributes that the synthesis tools ask for besides the divisors.
            ("a", "FREQUENCY_PIN_CLKI", f"{self.source / MHZ:g}"),
            ("a", "FREQUENCY_PIN_CLKOP", f"{float(self.phase * self.feedback) / MHZ:g}"),
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
            ("i", "CLKFB", primary),
            ("i", "RST", Const(0)),
            ("i", "STDBY", Const(0)),
            ("i", "PHASESEL0", Const(0)),
            ("i", "PHASESEL1", Const(0)),
            ("i", "PHASEDIR", Const(1)),
            ("i", "PHASESTEP", Const(1)),
            ("i", "PHASELOADREG", Const(1)),
            ("i", "PLLWAKESYNC", Const(0)),
            ("i", "ENCLKOP", Const(0)),
            ("o", "CLKOP", primary),
            ("o", "LOCK", locked),
            *others,
            ("o", "REFCLK", Signal(name="unused")),
        )


def _locked_loops(source: int) -> Iterator[tuple[int, int, int]]:
    """Yield reference, feedback and primary divisors with which an ECP5's PLL can lock."""
    for reference in range(1, 129):
        phase = Fraction(source, reference)
        if not PHASES[0] <= phase <= PHASES[1]:
            continue
        for feedback in range(1, 81):
            primary = phase * feedback
            if not OUTPUTS[0] <= primary <= OUTPUTS[1]:
                continue
            for output in range(1, 129):
                if OSCILLATOR[0] <= primary * output <= OSCILLATOR[1]:
                    yield reference, feedback, output


def _output(name: str, clock: "Signal", divisor: int, late: float) -> tuple[Any, ...]:
    """Return the parameters of a further output, later by a share of its period.

    The phase is in steps of the oscillator, and eighths of steps.
    """
    steps, eighths = divmod(round(8 * divisor * late), 8)
    return (
        ("p", f"{name}_DIV", divisor),
        ("p", f"{name}_ENABLE", "ENABLED"),
        ("p", f"{name}_CPHASE", divisor // 2 + steps),
        ("p", f"{name}_FPHASE", eighths),
        ("o", name, clock),
    )


FILTER_LIMITS = (17 * MHZ, 26 * MHZ, 44 * MHZ, 66 * MHZ, 101 * MHZ)
"""Upper limits of the filter ranges 1 to 5, as frequencies at the phase detector; 6 is above."""


@dataclass(frozen=True)
class Ice40PllParameters(PllParameters):
    """Divisors of an iCE40's PLL, with feedback inside the PLL ("simple").

    See Lattice FPGA-TN-02052, iCE40 sysCLOCK PLL design and usage guide.

    ``frequency = source * (divf + 1) / ((divr + 1) * 2**divq)``

    Parameters
    ----------
    source : int
        Input frequency in Hz, 10 to 133 MHz.
    divr : int
        Reference divider minus 1, 0 to 15.
    divf : int
        Feedback divider minus 1, 0 to 127.
    divq : int
        Exponent of the output divider, 1 to 6.
    pad : bool
        True if the clock comes straight from the pad beside the PLL, and not over the fabric. A
        clock input at that pad has no other path.
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
        """Frequency of the internal oscillator, in Hz."""
        return self.phase * (self.divf + 1)

    @property
    def frequency(self) -> int:
        """Output frequency, in whole Hz."""
        return round(self.vco / 2**self.divq)

    @property
    def filter_range(self) -> int:
        """Setting of the loop filter, 1 to 6."""
        return 1 + sum(self.phase >= limit for limit in FILTER_LIMITS)

    @classmethod
    def search(cls, source: int, wanted: int) -> Self:
        """Return the nearest divisors; of equally near ones, the smallest reference divider."""
        check_range("source", source, 10 * MHZ, 133 * MHZ)
        check_number("wanted frequency in MHz", wanted / MHZ, 16, 275)
        choices = []
        for divr in range(16):
            phase = Fraction(source, divr + 1)
            if not 10 * MHZ <= phase <= 133 * MHZ:
                continue
            for divf in range(128):
                vco = phase * (divf + 1)
                if not 533 * MHZ <= vco <= 1066 * MHZ:
                    continue
                for divq in range(1, 7):
                    output = vco / 2**divq
                    if 16 * MHZ <= output <= 275 * MHZ:
                        choices.append((abs(output - wanted), (divr, divf, divq)))
        return cls(source, *nearest(choices, source, wanted))

    def instance(self, source: Any, clock: "Signal", locked: "Signal") -> "Instance":
        """Return the part's cell; the source of a pad's PLL is the pad's port."""
        # The divisors are used without Amaranth, to flash a board.
        from amaranth.hdl import Const, Instance

        cell = "SB_PLL40_CORE"
        entrance = ("i", "REFERENCECLK", source)
        if self.pad:
            cell = "SB_PLL40_PAD"
            entrance = ("i", "PACKAGEPIN", source.io)
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
    """Divisors of an iCE40's PLL that the pad beside it clocks."""

    pad: bool = True
