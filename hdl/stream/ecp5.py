"""What Yosys does not make of a plain description on an ECP5, instantiated.

Each function and component describes the same registers and the same arithmetic plainly
where the platform is not an ECP5: that is what simulators get, and what the instances are
checked against.
"""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import (
    Cat,
    ClockSignal,
    Const,
    Instance,
    Module,
    Mux,
    Shape,
    Signal,
    Value,
    signed,
)
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.target import ECP5_WORD_BITS, SMALLEST_BLOCK
from allspin.hdl.stream.buffers import Component, block_memory

PAIR = Const(0x7888, 16)
"""Of a carry cell: (A and B) plus (C and D)."""
KEEP = Const(0x5AAA, 16)
"""Of a carry cell: A plus (C and D)."""
BEGIN = Const(0x556A, 16)
"""Of a carry cell: A plus ((B and C) or D)."""

LEAVES = 5
"""Copies that a copy drives."""
LANES_PER_LEAF = 4
"""Lanes of a crossbar that a leaf of a tree drives."""


def is_ecp5(platform: Any) -> bool:
    """Whether a platform is an ECP5."""
    return getattr(platform, "family", None) == "ecp5"


def copies(m: Module, platform: Any, value: Any, count: int, name: str) -> list[Any]:
    """Registers with the same content, each to drive what is near it.

    The instances keep Yosys from merging them.

    Parameters
    ----------
    m : Module
        Gets the registers.
    platform : Platform or None
        Of the elaboration.
    value : Value
        Their input.
    count : int
        How many.
    name : str
        Of the signals, before a number.
    """
    registers = []
    for number in range(count):
        register = Signal(value.shape(), name=f"{name}_{number}", reset_less=True)
        registers.append(register)
        if not is_ecp5(platform):
            m.d.sync += register.eq(value)
            continue
        bits_in, bits_out = Value.cast(value), Value.cast(register)
        for bit in range(len(bits_in)):
            m.submodules += Instance(
                "TRELLIS_FF",
                p_GSR="AUTO",
                p_CEMUX="1",
                p_CLKMUX="CLK",
                p_LSRMUX="LSR",
                p_REGSET="RESET",
                i_CLK=ClockSignal(),
                i_LSR=Const(0, 1),
                i_DI=bits_in[bit],
                o_Q=bits_out[bit],
            )
    return registers


def tree(m: Module, platform: Any, value: Any, leaves: int, name: str) -> list[Any]:
    """Two registers in a row, the second in `leaves` copies; otherwise as `copies`."""
    branches = copies(m, platform, value, -(-leaves // LEAVES), f"{name}_branch")
    found = []
    for number, branch in enumerate(branches):
        count = min(LEAVES, leaves - number * LEAVES)
        found += copies(m, platform, branch, count, f"{name}_leaf_{number}")
    return found


def _chain(m: Module, init: Const, a: Any, b: Any, c: Any, d: Any, total: Signal) -> None:
    """A carry chain over columns of bits: `total` is what `init` says of each column, added."""
    width = len(total)
    carry: Value = Const(0, 1)
    for low in range(0, width, 2):
        outputs = [total[low], total[low + 1] if low + 1 < width else Signal(name="unused")]
        following = Signal(name="carry")
        ports = {}
        for half in range(2):
            bit = min(low + half, width - 1)
            ports |= {
                f"i_A{half}": a[bit],
                f"i_B{half}": b[bit],
                f"i_C{half}": c[bit],
                f"i_D{half}": d[bit],
                f"o_S{half}": outputs[half],
            }
        m.submodules += Instance(
            "CCU2C",
            p_INIT0=init,
            p_INIT1=init,
            p_INJECT1_0="NO",
            p_INJECT1_1="NO",
            i_CIN=carry,
            o_COUT=following,
            **ports,
        )
        carry = following


def _bits(value: Value, width: int) -> list[Value]:
    """A value's bits, extended: a signed one's by its sign."""
    beyond = value[-1] if value.shape().signed else Const(0, 1)
    return [value[bit] if bit < len(value) else beyond for bit in range(width)]


def times_digit(m: Module, platform: Any, word: Value, digit: Value, name: str) -> Signal:
    """A word times an unsigned digit of one or two bits, in one carry chain.

    A word of one bit needs none.
    """
    width = len(word) + len(digit)
    product = Signal(Shape(width, word.shape().signed), name=name)
    if len(word) == 1 and not word.shape().signed:
        m.d.comb += product.eq(Mux(word, digit, 0))
        return product
    if not is_ecp5(platform) or len(digit) == 1:
        m.d.comb += product.eq(word * digit)
        return product
    zero = Const(0, 1)
    _chain(
        m,
        PAIR,
        _bits(word, width),
        [digit[0]] * width,
        [zero, *_bits(word, width - 1)],
        [digit[1]] * width,
        product,
    )
    return product


def add_or_start(
    m: Module, platform: Any, term: Value, sum_: Value, start: Value, name: str
) -> Signal:
    """A term plus a running sum, or the term alone where `start` is set, in one carry chain."""
    total = Signal(sum_.shape(), name=name)
    if not is_ecp5(platform):
        with m.If(start):
            m.d.comb += total.eq(term)
        with m.Else():
            m.d.comb += total.eq(sum_ + term)
        return total
    width = len(total)
    keep = Signal(name=f"{name}_keep")
    m.d.comb += keep.eq(~start)
    _chain(
        m,
        KEEP,
        _bits(term, width),
        [Const(0, 1)] * width,
        _bits(sum_, width),
        [keep] * width,
        total,
    )
    return total


def add_or_begin(
    m: Module,
    platform: Any,
    term: Value,
    sum_: Value,
    begin: Value,
    start: Value,
    name: str,
) -> Signal:
    """A term plus a running sum, or plus a start where `begin` is set, in one carry chain.

    `start` must be 0 where `begin` is not set; it is a signed value.
    """
    total = Signal(sum_.shape(), name=name)
    if not is_ecp5(platform):
        m.d.comb += total.eq(Mux(begin, start.as_signed(), sum_) + term)
        return total
    width = len(total)
    keep = Signal(name=f"{name}_keep")
    m.d.comb += keep.eq(~begin)
    _chain(
        m,
        BEGIN,
        _bits(term, width),
        [keep] * width,
        _bits(sum_, width),
        _bits(start, width),
        total,
    )
    return total


def block_instance(width: int, ports: Mapping[str, Any]) -> Instance:
    """A block RAM that is written at its port A and read at B, with output registers.

    Parameters
    ----------
    width : int
        Bits of a line: 1, 9, 18 or 36.
    ports : mapping
        What is connected; the other inputs are 0, but for clocks and their enables.
    """
    zero, one = Const(0, 1), Const(1, 1)
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
    """A block RAM of lines of several words; signals as of `WordMemory` and `LineMemory`.

    Parameters
    ----------
    width : int
        Bits of a line: 9, 18 or 36.
    write, enables : Value
        Whether any, and which of the words of a wide line are written.
    write_address, address : Value
        Lines.
    written, read : Signal
        What is written, and what was read; 36 bits, of which `width` count.
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
    """One block RAM with its output register: a line's words come two clocks after its address.

    Parameters
    ----------
    lines : int
        Lines that are used.
    lanes : int
        Words of a line: 4, 2 or 1, for at most 512, 1024 or 2048 lines.
    rah_bits : int
        Width of a word, at most 8.
    distributed : bool or None
        Whether it is to be look-up tables, near what it serves; None for those of few lines.
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
                # Which words to write.
                "write_enable": In(lanes),
                # Where, and what: the same word on all lanes.
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
