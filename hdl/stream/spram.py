"""SPRAMs of an iCE40UP5K as one memory that is 64 bits wide."""

from amaranth.hdl import ClockSignal, Const, Instance, Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.component import Component

SPRAM_LINES = 16384
SPRAM_BITS = 16
MASK_BITS = 4
"""Bits of an SPRAM's line that are written together."""
BYTE = 8
"""Bits of a word in a line."""


class Spram(Component):
    """One SPRAM of an iCE40UP5K; a clock either reads or writes.

    Throughput: one line per cycle; latency 1.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                # Line to read or write.
                "address": In(range(SPRAM_LINES)),
                # Line to write.
                "data": In(SPRAM_BITS),
                # Quarters of the line to write; 0 reads.
                "enable": In(SPRAM_BITS // MASK_BITS),
                # Line that was read.
                "line": Out(SPRAM_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        if str(getattr(platform, "device", "")).startswith("iCE40UP"):
            one = Const(1, 1)
            zero = Const(0, 1)
            m.submodules.block = Instance(
                "SB_SPRAM256KA",
                i_ADDRESS=self.address,
                i_DATAIN=self.data,
                i_MASKWREN=self.enable,
                i_WREN=self.enable.any(),
                i_CHIPSELECT=one,
                i_CLOCK=ClockSignal(),
                i_STANDBY=zero,
                i_SLEEP=zero,
                i_POWEROFF=one,  # low is off
                o_DATAOUT=self.line,
            )
            return
        m.submodules.memory = memory = Memory(shape=SPRAM_BITS, depth=SPRAM_LINES, init=[])
        write = memory.write_port(granularity=MASK_BITS)
        read = memory.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.address),
            write.data.eq(self.data),
            write.en.eq(self.enable),
            read.addr.eq(self.address),
        ]
        with m.If(self.enable == 0):
            m.d.sync += self.line.eq(read.data)


class SpramLines(Component):
    """SPRAMs side by side, with one address.

    Throughput: one line per cycle; latency 1.

    Parameters
    ----------
    count : int
        Number of lines.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        super().__init__(
            {
                # Line to read; it comes a clock later, unless a line is written.
                "address": In(range(SPRAM_LINES)),
                # Line that was read.
                "line": Out(count * SPRAM_BITS),
                # Line to write, and its new content.
                "write_address": In(range(SPRAM_LINES)),
                "written": In(count * SPRAM_BITS),
                # Groups of four bits to write; 0 reads.
                "enable": In(count * SPRAM_BITS // MASK_BITS),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        address = Signal(range(SPRAM_LINES))
        m.d.comb += address.eq(Mux(self.enable.any(), self.write_address, self.address))
        for number in range(self._count):
            m.submodules[f"spram_{number}"] = spram = Spram()
            m.d.comb += [
                spram.address.eq(address),
                spram.data.eq(self.written.word_select(number, SPRAM_BITS)),
                spram.enable.eq(self.enable.word_select(number, SPRAM_BITS // MASK_BITS)),
                self.line.word_select(number, SPRAM_BITS).eq(spram.line),
            ]
