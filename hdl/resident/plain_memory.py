"""Memories with a register behind the block's own, which ends the block's delay."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_copies import is_ecp5
from allspin.hdl.stream.ecp5_memory import block_instance

# Memories with a register behind the block's own, which ends the time that it takes.


class PlainMemory(Component):
    """A memory as every tool infers it.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a line.
    lines : int
        How many there are.

    Attributes
    ----------
    latency : int
        In clocks.
    settling : int
        Clocks from `write` to the line in its place.
    """

    def __init__(self, shape: Any, lines: int) -> None:
        self._shape = shape
        self._lines = lines
        self.latency = 2
        self.settling = 1
        super().__init__(
            {
                # Store `stored` at `place`.
                "write": In(1),
                # Where, and what.
                "place": In(range(lines)),
                "stored": In(shape),
                # What to read.
                "address": In(range(lines)),
                # What was at `address` `latency` clocks ago.
                "found": Out(shape),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
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


class BitMemory(PlainMemory):
    """One block RAM of single bits with its output register; as `PlainMemory`.

    Parameters
    ----------
    lines : int
        Bits that are used, at most 16384.
    """

    def __init__(self, lines: int) -> None:
        super().__init__(1, lines)

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        if not is_ecp5(platform):
            return super().build(m, platform)
        ports: dict[str, Any] = {
            "i_WEA": self.write,
            "i_DIA0": self.stored,
            "o_DOB0": self.found,
        }
        for side, address in (("A", self.place), ("B", self.address)):
            ports |= {f"i_AD{side}{bit}": one for bit, one in enumerate(address)}
        m.submodules.block = block_instance(1, ports)
