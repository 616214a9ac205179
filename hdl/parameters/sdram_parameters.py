"""SDR SDRAM: its data sheet's times, and the clocks that they are at a frequency."""

import math
from dataclasses import dataclass

from allspin.sim.errors import check_range

BANK_BITS = 2
"""All parts of this kind have four banks."""
ALL_BANKS = 10
"""The address pin that tells a precharge of one bank from that of all."""


TOLERANCE = 0.01
"""Share by which a clock may be slower or faster than the one that times were counted for."""


@dataclass(frozen=True)
class SdramPart:
    """An SDR SDRAM by its data sheet.

    The figures hold for boards with parts of several makers: each time is the slowest part's.

    Parameters
    ----------
    width : int
        Bits of a word, 16 or 32.
    row_bits, column_bits : int
        Bits of the row and column address; `BANK_BITS` more choose the bank.
    refreshes : int
        Refresh commands that are due within 64 ms.
    rcd, rp, ras, rc, rfc, wr : float
        Times in ns: from activate to read or write; from precharge on; from activate to
        precharge; from activate to activate; from refresh on; from a written word to precharge.
    power_up : float
        Time in us from stable supply to the first command.
    """

    width: int
    row_bits: int
    column_bits: int
    refreshes: int
    rcd: float
    rp: float
    ras: float
    rc: float
    rfc: float
    wr: float
    power_up: float = 200.0


SLOWEST_256M = SdramPart(16, 13, 9, 8192, rcd=21, rp=21, ras=45, rc=66, rfc=70, wr=20)
"""16 M words of 16 bits: MT48LC16M16A2-75, W9825G6KH-6, IS42S16160G-7, AS4C16M16SA-7."""
SLOWEST_64M = SdramPart(32, 11, 8, 4096, rcd=21, rp=21, ras=49, rc=70, rfc=70, wr=20)
"""2 M words of 32 bits: EM638325-7, M12L64322A-7."""


@dataclass(frozen=True)
class SdramParameters:
    """A memory as its controller sees it: all times in clocks.

    Parameters
    ----------
    width, row_bits, column_bits : int
        Organisation, as in `SdramPart`.
    rcd, rp, ras, rfc, wr : int
        Times in clocks, as in `SdramPart`, at least 1; `ras` and `rp` together are at least the
        part's ``rc``.
    refresh : int
        Clocks from one refresh to the next at most.
    power_up : int
        Least number of clocks before the first command.
    cas : int
        Clocks from a read command to its word, 2 or 3.
    way : int
        Clocks that commands and words take between controller and memory, both ways together: one
        for each register at the pins, and one on the wires.
    frequency : int
        Hz that the clocks are right for, within `TOLERANCE`; 0 where time is simulated.

    Raises
    ------
    ValueError
        If a value is outside its range, or so many refreshes leave no time for words.
    """

    width: int
    row_bits: int
    column_bits: int
    rcd: int
    rp: int
    ras: int
    rfc: int
    wr: int
    refresh: int
    power_up: int
    cas: int = 3
    way: int = 2
    frequency: int = 0

    def __post_init__(self) -> None:
        ranges = {
            "width": (1, 32),
            "row_bits": (1, 13),
            "column_bits": (1, ALL_BANKS),
            "rcd": (1, 15),
            "rp": (1, 15),
            "ras": (self.rcd, 15),
            "rfc": (1, 31),
            "wr": (1, 7),
            "cas": (2, 3),
            "way": (1, 7),
            "power_up": (0, 2**20),
            "refresh": (2 * self.slack + 2, 2**14),
        }
        for name, (low, high) in ranges.items():
            check_range(name, getattr(self, name), low, high)

    @classmethod
    def of(cls, part: SdramPart, frequency: int, **ways: int) -> "SdramParameters":
        """Return the parameters of a part at a frequency in Hz; `ways` may name `cas` and `way`."""

        def clocks(nanoseconds: float) -> int:
            return max(1, math.ceil(nanoseconds * 1e-9 * frequency * (1 + TOLERANCE)))

        rp = clocks(part.rp)
        return cls(
            part.width,
            part.row_bits,
            part.column_bits,
            rcd=clocks(part.rcd),
            rp=rp,
            ras=max(clocks(part.ras), clocks(part.rc) - rp),
            rfc=clocks(part.rfc),
            wr=max(2, clocks(part.wr)),
            refresh=math.floor(64e-3 / part.refreshes * frequency * (1 - TOLERANCE)),
            power_up=clocks(1e3 * part.power_up),
            frequency=frequency,
            **ways,
        )

    @property
    def address_bits(self) -> int:
        """Bits of a word's address: column lowest, then bank, then row."""
        return self.row_bits + BANK_BITS + self.column_bits

    @property
    def words(self) -> int:
        """Words of 16 bits that fit."""
        return (1 << self.address_bits) * self.width // 16

    @property
    def pins(self) -> int:
        """Address pins."""
        return max(self.row_bits, ALL_BANKS + 1)

    @property
    def latency(self) -> int:
        """Clocks from the one that a read is taken in to the one that its word comes in."""
        return self.cas + self.way

    @property
    def slack(self) -> int:
        """Clocks that a refresh may be late by, as an open row is closed first."""
        return max(self.ras, self.wr, self.rfc) + self.rp + 1
