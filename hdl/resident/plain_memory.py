"""Memories with a register behind the block's own, which ends the block's delay."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_copies import is_ecp5
from allspin.hdl.stream.ecp5_memory import block_instance


class PlainMemory(Component):
    """Memory as every tool infers it.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a line.
    lines : int
        Number of lines.

    Attributes
    ----------
    latency : int
        Clocks from `address` to `found`.
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
                # Line to write, and its value.
                "place": In(range(lines)),
                "stored": In(shape),
                # Line to read.
                "address": In(range(lines)),
                # Value of the line that `address` selected `latency` clocks ago.
                "found": Out(shape),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        m.submodules.memory = memory = block_memory(self._shape, self._lines)
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        # The first register is the block's own, which has no reset.
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
    """One block RAM of single bits with its output register.

    Parameters
    ----------
    lines : int
        Number of bits, at most 16384.
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
