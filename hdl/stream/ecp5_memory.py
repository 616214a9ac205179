"""Block RAMs of an ECP5 with their output registers: lines written word by word, or whole.

On other platforms each memory is described plainly: simulators get that form, and tests compare
the instances with it.
"""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import (
    Cat,
    ClockSignal,
    Const,
    Instance,
    Module,
    Signal,
    Value,
    signed,
)
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.target import ECP5_DEPTHS, ECP5_WORD_BITS, SMALLEST_BLOCK
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_copies import is_ecp5


def block_instance(width: int, ports: Mapping[str, Any]) -> Instance:
    """Return a block RAM that is written at its port A and read at B, with output registers.

    Parameters
    ----------
    width : int
        Bits of a line: 1, 9, 18 or 36.
    ports : mapping
        Pins that are connected; the other inputs are 0, but for clocks and their enables.
    """
    zero = Const(0, 1)
    one = Const(1, 1)
    connected: dict[str, Any] = {}
    for side in "AB":
        connected |= {f"i_CLK{side}": ClockSignal(), f"i_CE{side}": one, f"i_OCE{side}": one}
        connected |= {f"i_WE{side}": zero, f"i_RST{side}": zero}
        for pin, count in (("AD", 14), ("DI", 18), ("CS", 3)):
            connected |= {f"i_{pin}{side}{number}": zero for number in range(count)}
    return Instance(
        "DP16KD",
        p_DATA_WIDTH_A=width,
        p_DATA_WIDTH_B=width,
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
        **connected | dict(ports),
    )


def line_block(
    width: int,
    *,
    write: Value,
    enables: Value,
    write_address: Value,
    written: Signal,
    address: Value,
    read: Signal,
) -> Instance:
    """Return a block RAM of lines of several words, with the signals of `WordMemory` and
    `LineMemory`.

    Parameters
    ----------
    width : int
        Bits of a line: 9, 18 or 36.
    write, enables : Value
        `write` enables the port, and `enables` chooses the words of a wide line.
    write_address, address : Value
        Lines.
    written, read : Signal
        Line that is written and line that was read; 36 bits, of which `width` count.
    """
    unit = {9: 3, 18: 4, 36: 5}[width]  # address bits below a line
    # The lowest address bits of a wide port are its write enables.
    places = {
        "A": Cat(enables, Const(0, unit - len(enables)), write_address),
        "B": Cat(Const(0, unit), address),
    }
    ports: dict[str, Any] = {"i_WEA": write}
    for side, place in places.items():
        ports |= {f"i_AD{side}{bit}": one for bit, one in enumerate(place)}
    for bit in range(18):
        ports[f"i_DIA{bit}"] = written[bit]
        if width == 36:
            # Such a port takes and gives its upper half on the other port's pins.
            ports[f"i_DIB{bit}"] = written[18 + bit]
            ports[f"o_DOA{bit}"] = read[bit]
            ports[f"o_DOB{bit}"] = read[18 + bit]
        else:
            ports[f"o_DOB{bit}"] = read[bit]
    return block_instance(width, ports)


class WordMemory(Component):
    """Block RAM of an ECP5 with its output register; each word of a line is written alone.

    Throughput: one line per cycle; latency 2.

    Parameters
    ----------
    lines : int
        Lines that are used.
    lanes : int
        Words of a line: 4, 2 or 1, for at most 512, 1024 or 2048 lines.
    rah_bits : int
        Width of a word, at most 8.
    distributed : bool or None
        True for look-up tables, near their reader; None for look-up tables where lines are few.
    """

    def __init__(
        self, lines: int, lanes: int, rah_bits: int, *, distributed: bool | None = None
    ) -> None:
        self._distributed = lines < SMALLEST_BLOCK if distributed is None else distributed
        self._lines = lines
        self._lanes = lanes
        self._rah_bits = rah_bits
        super().__init__(
            {
                # Line to read.
                "address": In(range(lines)),
                # Its words.
                "words": Out(data.ArrayLayout(signed(rah_bits), lanes)),
                # Words of the line to write.
                "write_enable": In(lanes),
                # Line to write, and the word for all lanes.
                "write_address": In(range(lines)),
                "word": In(signed(rah_bits)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        if is_ecp5(platform) and not self._distributed:
            self._build_block(m)
            return
        layout = data.ArrayLayout(signed(self._rah_bits), self._lanes)
        m.submodules.memory = memory = block_memory(
            layout, self._lines, distributed=is_ecp5(platform)
        )
        read = memory.read_port(domain="comb")
        write = memory.write_port(granularity=1)
        read_words = Signal(layout, reset_less=True)
        words = Signal(layout, reset_less=True)
        m.d.comb += [
            read.addr.eq(self.address),
            self.words.eq(words),
            write.addr.eq(self.write_address),
            write.en.eq(self.write_enable),
            *(write.data[lane].eq(self.word) for lane in range(self._lanes)),
        ]
        m.d.sync += [read_words.eq(read.data), words.eq(read_words)]

    def _build_block(self, m: Module) -> None:
        written = Signal(36)
        read = Signal(36)
        for lane in range(self._lanes):
            low = ECP5_WORD_BITS * lane
            m.d.comb += [
                written[low : low + self._rah_bits].eq(self.word),
                self.words[lane].eq(read[low : low + self._rah_bits]),
            ]
        m.submodules.block = line_block(
            ECP5_WORD_BITS * self._lanes,
            write=self.write_enable.any(),
            enables=self.write_enable if self._lanes > 1 else Const(0, 0),
            write_address=self.write_address,
            written=written,
            address=self.address,
            read=read,
        )


MOST_BITS = max(ECP5_DEPTHS.values())
"""Bits of the widest line."""


class LineMemory(Component):
    """Block RAM of an ECP5 with its output register; a line is written as a whole.

    Throughput: one line per cycle; latency 2.

    Parameters
    ----------
    lines : int
        Lines that are used, at most 2048.
    bits : int
        Bits of a line: at most 36, 18 or 9, for at most 512, 1024 or 2048 lines.
    distributed : bool
        True for look-up tables, near their reader.
    """

    def __init__(self, lines: int, bits: int, *, distributed: bool = False) -> None:
        self._lines = lines
        self._bits = bits
        self._distributed = distributed
        super().__init__(
            {
                # Line to read.
                "address": In(range(lines)),
                # The line that was read.
                "line": Out(bits),
                # A line is written.
                "write": In(1),
                # Line to write, and its new content.
                "write_address": In(range(lines)),
                "written": In(bits),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the memory."""
        if is_ecp5(platform) and not self._distributed:
            self._build_block(m)
            return
        m.submodules.memory = memory = block_memory(
            self._bits, self._lines, distributed=is_ecp5(platform)
        )
        read = memory.read_port(domain="comb")
        write = memory.write_port()
        read_line = Signal(self._bits, reset_less=True)
        line = Signal(self._bits, reset_less=True)
        m.d.comb += [
            read.addr.eq(self.address),
            self.line.eq(line),
            write.addr.eq(self.write_address),
            write.data.eq(self.written),
            write.en.eq(self.write),
        ]
        m.d.sync += [read_line.eq(read.data), line.eq(read_line)]

    def _build_block(self, m: Module) -> None:
        width = next(bits for depth, bits in ECP5_DEPTHS.items() if self._lines <= depth)
        written = Signal(MOST_BITS)
        read = Signal(MOST_BITS)
        m.d.comb += [written.eq(self.written), self.line.eq(read)]
        words = width // ECP5_WORD_BITS if width > ECP5_WORD_BITS else 0
        m.submodules.block = line_block(
            width,
            write=self.write,
            enables=Const(2**words - 1, words),
            write_address=self.write_address,
            written=written,
            address=self.address,
            read=read,
        )
