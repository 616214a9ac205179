"""What all PLLs have in common."""

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Self

from amaranth.hdl import Elaboratable, Signal

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
    def create(self, source: object) -> "Pll":
        """The hardware.

        Parameters
        ----------
        source : SingleEndedPort or Signal
            Where the clock comes in.
        """


class Pll(Elaboratable):
    """A PLL.

    Attributes
    ----------
    clock : Signal, 1 bit
        What comes out.
    locked : Signal, 1 bit
        It can be used. Not synchronous to anything.
    """

    def __init__(self) -> None:
        self.clock = Signal(name="pll_clock")
        self.locked = Signal(name="pll_locked")


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
