"""A block RAM of an ECP5 whose lines are written at once."""

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Cat, Const, Instance, Module, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.target import ECP5_DEPTHS, ECP5_WORD_BITS
from allspin.hdl.stream.buffers import Component, block_memory, later
from allspin.hdl.stream.ecp5 import is_ecp5, line_block

MOST_BITS = max(ECP5_DEPTHS.values())
"""Of a line."""


class LineMemory(Component):
    """One block RAM with its output register: a line comes two clocks after its address.

    Parameters
    ----------
    lines : int
        Lines that are used, at most 2048.
    bits : int
        Of a line: at most 36, 18 or 9, for at most 512, 1024 or 2048 lines.
    distributed : bool
        Whether it is to be look-up tables, near what it serves.
    """

    def __init__(self, lines: int, bits: int, *, distributed: bool = False) -> None:
        self._lines = lines
        self._bits = bits
        self._distributed = distributed
        super().__init__(
            {
                # Line to read.
                "address": In(range(lines)),
                # What it holds.
                "line": Out(bits),
                # A line is written.
                "write": In(1),
                # Which, and with what.
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
        read, write = memory.read_port(domain="comb"), memory.write_port()
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
        written, read = Signal(MOST_BITS), Signal(MOST_BITS)
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


# An ECP5's multipliers, for wide products: machines are synthesised without others.

FACTOR_BITS = 18
"""Width of a multiplier's factors, signed."""
PART_BITS = FACTOR_BITS - 1
"""Bits of an unsigned factor, and of each part but the last of a wide one."""
PRODUCT_CLOCKS = 3
"""From factors to their product: registers before and behind the multipliers, which lie in few
rows of the part, and one where the products of a wide factor's parts are added."""


def multiply(m: Module, platform: Any, factor: Value, other: Value, name: str) -> Signal:
    """A product `PRODUCT_CLOCKS` later; on an ECP5 in multipliers.

    Parameters
    ----------
    m : Module
        Gets them, and registers.
    platform : Platform or None
        Of the elaboration.
    factor : Value
        Unsigned, of at most `PART_BITS`.
    other : Value
        Of any width.
    name : str
        Of the signals.

    Raises
    ------
    ValueError
        If the factor is signed, or too wide.
    """
    if factor.shape().signed or len(factor) > PART_BITS:
        raise ValueError(f"factor must be unsigned, of 1 to {PART_BITS} bits, not {factor.shape()}")
    if not other.shape().signed:
        other = Cat(other, Const(0, 1)).as_signed()
    near, far = later(m, factor, f"{name}_factor"), later(m, other, f"{name}_other")
    parts = [(0, far)]
    if is_ecp5(platform):
        parts = list(_parts(far))
    total: Value = Const(0)
    for low, part in parts:
        found: Value = near * part
        if is_ecp5(platform):
            found = _multiplier(m, near, part, f"{name}_{low}")
        total = total + (later(m, found, f"{name}_part_{low}") << low)
    product = Signal(signed(len(near) + len(far)), name=name, reset_less=True)
    m.d.sync += product.eq(total)
    return product


def _parts(value: Value) -> Iterator[tuple[int, Value]]:
    """Parts of a signed value that each fit a multiplier, and where they begin."""
    low = 0
    while len(value) - low > FACTOR_BITS:
        yield low, value[low : low + PART_BITS]
        low += PART_BITS
    yield low, value[low:].as_signed()


def _multiplier(m: Module, factor: Value, part: Value, name: str) -> Signal:
    """A multiplier without registers of its own, and both its factors signed."""
    whole = Signal(signed(2 * FACTOR_BITS), name=name)
    pins: dict[str, Value] = {}
    for pin, value in (("A", factor), ("B", part)):
        extended = Signal(signed(FACTOR_BITS), name=f"{name}_{pin.lower()}")
        m.d.comb += extended.eq(value)
        pins |= {f"i_{pin}{bit}": extended[bit] for bit in range(FACTOR_BITS)}
        pins |= {f"i_SIGNED{pin}": Const(1, 1), f"i_SOURCE{pin}": Const(0, 1)}
    pins |= {f"i_C{bit}": Const(0, 1) for bit in range(FACTOR_BITS)}
    pins |= {f"o_P{bit}": whole[bit] for bit in range(2 * FACTOR_BITS)}
    m.submodules[f"multiplier_{name}"] = Instance("MULT18X18D", **pins)
    product = Signal(signed(len(factor) + len(part) + 1), name=f"{name}_product")
    m.d.comb += product.eq(whole)
    return product
