"""Memories with a register behind the block's own, which ends the time that it takes."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.block_ram import block_memory
from allspin.hdl.stream.ecp5 import block_instance, is_ecp5


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
        ports: dict[str, Any] = {
            "i_WEA": self.write,
            "i_DIA0": self.stored,
            "o_DOB0": self.found,
        }
        for side, address in (("A", self.place), ("B", self.address)):
            ports |= {f"i_AD{side}{bit}": one for bit, one in enumerate(address)}
        m.submodules.block = block_instance(1, ports)
        return m
