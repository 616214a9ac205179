"""Memories with a register behind the block's own, which ends the time that it takes."""

from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.ecp5 import is_ecp5


class PlainMemory(wiring.Component):
    """A memory as every tool infers it.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a line.
    lines : int
        How many there are.

    Attributes
    ----------
    write : In(1)
        Store `stored` at `place`.
    place, stored : In
        Where, and what.
    address : In
        What to read.
    found : Out
        What was at `address` `latency` clocks ago.
    latency : int
        In clocks.
    settling : int
        Clocks from `write` to the line in its place.
    """

    write: Signal
    place: Signal
    stored: Any
    address: Signal
    found: Any

    def __init__(self, shape: Any, lines: int) -> None:
        self._shape = shape
        self._lines = lines
        self.latency = 2
        self.settling = 1
        super().__init__(
            {
                "write": In(1),
                "place": In(range(lines)),
                "stored": In(shape),
                "address": In(range(lines)),
                "found": Out(shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        m = Module()
        m.submodules.memory = memory = block_memory(self._shape, self._lines)
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        # The first register is the block's own; no reset reaches it.
        first = Signal(self._shape, reset_less=True)
        second = Signal(self._shape, reset_less=True)
        m.d.comb += [
            write.addr.eq(self.place),
            write.data.eq(self.stored),
            write.en.eq(self.write),
            read.addr.eq(self.address),
            self.found.eq(second),
        ]
        m.d.sync += [first.eq(read.data), second.eq(first)]
        return m


class BitMemory(PlainMemory):
    """One block RAM of single bits with its output register; as `PlainMemory`.

    Parameters
    ----------
    lines : int
        Bits that are used, at most 16384.
    """

    def __init__(self, lines: int) -> None:
        super().__init__(1, lines)

    def elaborate(self, platform: object) -> Module:
        """Build the memory."""
        if not is_ecp5(platform):
            return super().elaborate(platform)
        m = Module()
        zero, one = Const(0, 1), Const(1, 1)
        ports: dict[str, Any] = {"i_WEA": self.write, "i_WEB": zero, "o_DOB0": self.found}
        for side, address in (("A", self.place), ("B", self.address)):
            ports |= {
                f"i_CLK{side}": ClockSignal(),
                f"i_CE{side}": one,
                f"i_OCE{side}": one,
                f"i_RST{side}": zero,
            }
            for bit in range(14):
                ports[f"i_AD{side}{bit}"] = address[bit] if bit < len(address) else zero
            for bit in range(18):
                ports[f"i_DI{side}{bit}"] = self.stored if (side, bit) == ("A", 0) else zero
            for number in range(3):
                ports[f"i_CS{side}{number}"] = zero
        m.submodules.block = Instance(
            "DP16KD",
            p_DATA_WIDTH_A=1,
            p_DATA_WIDTH_B=1,
            p_REGMODE_A="OUTREG",
            p_REGMODE_B="OUTREG",
            p_RESETMODE="SYNC",
            p_ASYNC_RESET_RELEASE="SYNC",
            p_CSDECODE_A="0b000",
            p_CSDECODE_B="0b000",
            p_CLKAMUX="CLKA",
            p_CLKBMUX="CLKB",
            p_WRITEMODE_A="NORMAL",
            p_WRITEMODE_B="NORMAL",
            p_GSR="AUTO",
            **ports,
        )
        return m
