"""An SDRAM as data sheets describe it, in ns: words are kept, and broken times are counted."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sheet:
    """Times of a part, in ns; as its maker's data sheet has them, not as the gateware does."""

    rcd: float
    rp: float
    ras: float
    rc: float
    rfc: float
    wr: float
    refresh: float  # from one to the next on average
    power_up: float = 200e3
    mrd_clocks: int = 2
    longest_row: float = 100e3  # a row is open


# Winbond W9825G6KH-6, Micron MT48LC16M16A2-75, ISSI IS42S16160G-7, Alliance AS4C16M16SA-7.
SHEETS = {
    "W9825G6KH-6": Sheet(15, 15, 42, 60, 60, 12, 7812.5),
    "MT48LC16M16A2-75": Sheet(20, 20, 44, 66, 66, 15, 7812.5, power_up=100e3),
    "IS42S16160G-7": Sheet(15, 15, 37, 60, 60, 14, 7812.5),
    "AS4C16M16SA-7": Sheet(21, 21, 42, 63, 63, 14, 7812.5),
}


@dataclass
class Memory:
    """A memory that looks at the pins once in each clock."""

    sheet: Sheet
    nanoseconds: float  # of a clock
    column_bits: int
    width: int = 16
    words: dict[tuple[int, int, int], int] = field(default_factory=dict)
    violations: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    widest: float = 0.0  # longest time between two refreshes, once the mode is set
    cas: int = 0

    def __post_init__(self) -> None:
        self._clock = 0
        self._open: dict[int, int] = {}
        self._at: dict[tuple[str, int], int] = {}
        self._coming: dict[int, int] = {}

    def _since(self, event: str, bank: int = -1) -> tuple[int, float]:
        clocks = self._clock - self._at.get((event, bank), -(10**9))
        return clocks, clocks * self.nanoseconds + 1e-6

    def _due(self, name: str, fine: bool) -> None:
        if not fine:
            self.violations[name] += 1

    def clock(self, pins: dict[str, int]) -> int | None:
        """Take the pins at a rising edge; returns the word that is driven until the next one."""
        here, self._clock = self._clock, self._clock + 1
        bank, address = pins["bank"], pins["address"]
        name = {
            0b000: "",
            0b001: "activate",
            0b101: "precharge",
            0b011: "refresh",
            0b111: "mode",
            0b010: "read",
            0b110: "write",
        }[pins["ras"] | pins["cas"] << 1 | pins["we"] << 2]
        self._due("contention", not (pins["drives"] and here in self._coming))
        self._due("drive", pins["drives"] == (name == "write"))
        if name:
            self.commands[name] += 1
            self._check(name, bank, address)
            self._carry_out(name, bank, address, pins["word"])
        for each in list(self._open):
            self._due("tRAS max", self._since("activate", each)[1] <= self.sheet.longest_row)
        return self._coming.pop(here + 1, None)

    def _check(self, name: str, bank: int, address: int) -> None:
        s = self.sheet
        if not self._at:
            self._due("power up", self._clock * self.nanoseconds >= s.power_up)
            self._due("first command", name == "precharge")
        self._due("tMRD", self._since("mode")[0] >= s.mrd_clocks)
        self._due("tRFC", self._since("refresh")[1] >= s.rfc)
        if name in ("activate", "refresh", "mode"):
            self._due("tRP", all(self._since("precharge", each)[1] >= s.rp for each in range(4)))
        match name:
            case "activate":
                self._due("row open", bank not in self._open and not self._open)
                self._due("mode", self.cas > 0)
                self._due("tRC", self._since("activate", bank)[1] >= s.rc)
            case "read" | "write":
                self._due("no row", bank in self._open)
                self._due("tRCD", self._since("activate", bank)[1] >= s.rcd)
                self._due("column", address < 1 << self.column_bits)
            case "precharge":
                self._due("all banks", address >> 10 & 1 == 1)
                for each in self._open:
                    self._due("tRAS", self._since("activate", each)[1] >= s.ras)
                    self._due("tWR", self._since("write", each)[1] >= s.wr)
            case "refresh":
                self._due("rows open", not self._open)
                if self.cas:
                    self.widest = max(self.widest, self._since("refresh")[1])
            case _:
                self._due("rows open", not self._open)
                self._due("eight refreshes", self.commands["refresh"] >= 8)

    def _carry_out(self, name: str, bank: int, address: int, word: int) -> None:
        place = (bank, self._open.get(bank, -1), address)
        match name:
            case "activate":
                self._open[bank] = address
            case "precharge":
                self._open.clear()
                self._at |= {("precharge", each): self._clock for each in range(4)}
            case "mode":
                self.cas = address >> 4 & 7
                self._due("burst", address & 0xF == 0)
            case "read":
                # The word is driven before the edge that is `cas` clocks after this one.
                self._coming[self._clock - 1 + self.cas] = self.words.get(place, 0)
            case "write":
                self.words[place] = word
            case _:
                pass
        self._at[name, bank if name in ("activate", "write") else -1] = self._clock

    async def attend(self, ctx: Any, dut: Any, way: int) -> None:
        """Be at a controller's pins; commands and words take `way` clocks on the wires."""
        rubbish = random.Random(0)
        late: list[int | None] = [None] * way
        while True:
            pins = {
                name: ctx.get(getattr(dut.pins, name))
                for name in ("ras", "cas", "we", "bank", "address", "word", "drives")
            }
            late.append(self.clock(pins))
            word = late.pop(0)
            ctx.set(dut.read, rubbish.getrandbits(self.width) if word is None else word)
            await ctx.tick()
