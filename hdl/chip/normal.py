"""Normal values in gateware: random bits by the table of ``docs/generator.md``, and scaled.

Both forms compute the same integers. They give a normal value times a spread, the only use of a
normal value.
"""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory, ReadPort
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.speck import bits_layout
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.multiplier import multiply
from allspin.hdl.stream.registers import later
from allspin.sim.chip.generator import FALL_BITS, GROUPS, SEGMENTS, STEP_BITS, normal_table

MAGNITUDE_BITS = 16
SHARE_BITS = 31
LAST_SHIFT = 14
"""Leading zeros at most that are shifted away: the last group has one more."""
DIGIT_BITS = 2
"""Bits of a factor that the iterative form multiplies by in a clock."""
TABLE_LAYOUT = data.StructLayout({"fall": MAGNITUDE_BITS, "magnitude": MAGNITUDE_BITS})
"""A segment of the table: magnitude at its outer end, and fall along it."""


def table_port(m: Module) -> ReadPort:
    """Build the table in a block RAM of its own; return its synchronous read port."""
    magnitudes, falls = normal_table()
    init: list[Any] = [
        {"fall": int(fall), "magnitude": int(magnitude)}
        for magnitude, fall in zip(magnitudes, falls, strict=True)
    ]
    m.submodules.table = table = Memory(
        shape=TABLE_LAYOUT, depth=GROUPS * SEGMENTS, init=init, attrs={"ram_style": "block"}
    )
    return table.read_port()


def product_bits(spread_bits: int) -> int:
    """Return the width of a signed normal value times a signed spread."""
    return MAGNITUDE_BITS + spread_bits


class DigitMultiplier(Component):
    """Multiplier of a signed and an unsigned factor, `DIGIT_BITS` bits of the latter in a clock.

    The product grows into the unsigned factor's register from above.

    Parameters
    ----------
    width : int
        Bits of the signed factor.
    bits : int
        Bits of the unsigned factor.
    """

    def __init__(self, width: int, bits: int) -> None:
        super().__init__(
            {
                # Load `factor`, `other` and `last`.
                "load": In(1),
                # Signed factor.
                "factor": In(signed(width)),
                # Unsigned factor.
                "other": In(bits),
                # Clocks of the multiplication, less one.
                "last": In(range(bits // DIGIT_BITS)),
                # Advance; not while `load`.
                "step": In(1),
                # The product, shifted up by as many bits as `other` has left.
                "product": Out(signed(width + DIGIT_BITS + bits)),
                # The step is the last.
                "done": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the multiplier."""
        width = len(self.factor)
        factor = Signal(signed(width))
        low = Signal(len(self.other))
        high = Signal(signed(width + DIGIT_BITS))
        total = Signal(signed(width + DIGIT_BITS))
        steps = Signal.like(self.last)
        m.d.comb += [
            total.eq(high + Mux(low[0], factor, 0) + Mux(low[1], factor << 1, 0)),
            self.product.eq(Cat(low, high).as_signed()),
            self.done.eq(steps == 0),
        ]
        with m.If(self.load):
            m.d.sync += [
                factor.eq(self.factor),
                low.eq(self.other),
                high.eq(0),
                steps.eq(self.last),
            ]
        with m.Elif(self.step):
            m.d.sync += [
                low.eq(Cat(low[DIGIT_BITS:], total[:DIGIT_BITS])),
                high.eq(total >> DIGIT_BITS),
                steps.eq(steps - 1),
            ]


class IterativeNormal(Component):
    """Normal value times a spread, one after another: 19 clocks and one for each leading zero;
    registered, 20.

    Throughput: one value per 19 cycles and more.

    Parameters
    ----------
    spread_bits : int
        Width of a signed spread.
    tag : ShapeLike
        Shape of the tags.
    registered : bool
        True if the table has a register behind it, as a fast clock needs.
    """

    def __init__(self, spread_bits: int, tag: Any, *, registered: bool = False) -> None:
        self._spread_bits = spread_bits
        self._registered = registered
        product = signed(product_bits(spread_bits))
        made = data.StructLayout({"product": product, "tag": tag})
        super().__init__(
            {
                "bits": In(stream.Signature(bits_layout(tag))),
                # The tag of the value that is being made.
                "lookup": Out(tag),
                # Its factor, from two clocks after `lookup` on.
                "spread": In(signed(spread_bits)),
                # The value times the spread, in units of ``2**-13`` spreads, and the draw's tag.
                "products": Out(stream.Signature(made)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        read = table_port(m)
        entry = read.data
        if self._registered:
            entry = Signal(TABLE_LAYOUT, reset_less=True)
            m.d.sync += entry.eq(read.data)
        negative = Signal()
        share = Signal(SHARE_BITS)
        group = Signal(range(GROUPS))

        # One multiplier: first for the fall within the segment, then for the product.
        width = max(self._spread_bits, FALL_BITS + 1)
        m.submodules.multiplier = multiplier = DigitMultiplier(width, MAGNITUDE_BITS)
        place_bits = STEP_BITS + 1
        place_steps = -(-place_bits // DIGIT_BITS)
        fall = Signal(FALL_BITS)
        m.d.comb += [
            fall.eq(
                ((multiplier.product >> MAGNITUDE_BITS - DIGIT_BITS * place_steps) + 2**STEP_BITS)
                >> place_bits
            ),
            read.addr.eq(Cat(share[25:30], group)),
            self.lookup.eq(self.products.payload.tag),
            self.products.payload.product.eq(multiplier.product),
        ]

        with m.FSM():
            with m.State("TAKE"):
                m.d.comb += self.bits.ready.eq(1)
                m.d.sync += [
                    share.eq(self.bits.payload.bits),
                    negative.eq(self.bits.payload.bits[-1]),
                    group.eq(0),
                    self.products.payload.tag.eq(self.bits.payload.tag),
                ]
                with m.If(self.bits.valid):
                    m.next = "SHIFT"
            with m.State("SHIFT"):
                with m.If(share[-1] | (group == GROUPS - 1)):
                    m.next = "READ" if self._registered else "PLACE"
                with m.Else():
                    m.d.sync += group.eq(group + 1)
                    with m.If(group != LAST_SHIFT):
                        m.d.sync += share.eq(share << 1)
            if self._registered:
                with m.State("READ"):
                    m.next = "PLACE"
            with m.State("PLACE"):
                m.d.comb += [
                    multiplier.load.eq(1),
                    multiplier.factor.eq(entry.fall[:FALL_BITS]),
                    multiplier.other.eq(Cat(Const(1, 1), share[15:25])),
                    multiplier.last.eq(place_steps - 1),
                ]
                m.next = "FALL"
            with m.State("FALL"):
                m.d.comb += multiplier.step.eq(1)
                with m.If(multiplier.done):
                    m.next = "MAGNITUDE"
            with m.State("MAGNITUDE"):
                m.d.comb += [
                    multiplier.load.eq(1),
                    multiplier.factor.eq(Mux(negative, -self.spread, self.spread)),
                    multiplier.other.eq(entry.magnitude - fall),
                    multiplier.last.eq(MAGNITUDE_BITS // DIGIT_BITS - 1),
                ]
                m.next = "SCALE"
            with m.State("SCALE"):
                m.d.comb += multiplier.step.eq(1)
                with m.If(multiplier.done):
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.products.valid.eq(1)
                with m.If(self.products.ready):
                    m.next = "TAKE"


class PipelinedNormal(Component):
    """Normal value times a spread, one in each clock.

    Throughput: one value per cycle; latency `LATENCY`.

    Parameters
    ----------
    spread_bits : int
        Width of a signed spread.
    tag : ShapeLike
        Shape of the tags.
    """

    LOOKUP = 6
    LATENCY = 13

    def __init__(self, spread_bits: int, tag: Any) -> None:
        self._spread_bits = spread_bits
        self._tag = tag
        super().__init__(
            {
                # A draw.
                "valid": In(1),
                "bits": In(SHARE_BITS + 1),
                "tag": In(tag),
                # The tag of a value, `LOOKUP` clocks after it was given.
                "lookup": Out(tag),
                # The factor of that value, two clocks after `lookup`.
                "spread": In(signed(spread_bits)),
                # The value times the spread, and its tag.
                "done": Out(1),
                "product": Out(signed(product_bits(spread_bits))),
                "tag_out": Out(tag),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        # 1 to 3: the leading zeros.
        share, group = _without_leading_zeros(m, self.bits[:SHARE_BITS])

        # 4 and 5: the table, and a register behind it.
        read = table_port(m)
        m.d.comb += read.addr.eq(Cat(share[25:30], group))
        entry = later(m, read.data, "entry")
        place = later(m, Cat(Const(1, 1), share[15:25]), "place", 2)

        # 6 to 8: the fall so far; 9: the magnitude; 10 to 12: the product; 13: its sign.
        fall = multiply(m, platform, place, entry.fall[:FALL_BITS], "fall")
        outer = later(m, entry.magnitude, "outer", 3)
        inner = (outer - ((fall + 2**STEP_BITS) >> STEP_BITS + 1))[:MAGNITUDE_BITS]
        magnitude = later(m, inner, "magnitude")
        spread = later(m, self.spread, "spread")
        product = multiply(m, platform, magnitude, spread, "product")
        negative = later(m, self.bits[-1], "negative", self.LATENCY - 1)
        m.d.sync += self.product.eq(Mux(negative, -product, product))
        lookup = later(m, self.tag, "early_tag", self.LOOKUP)
        m.d.comb += [
            self.lookup.eq(lookup),
            self.done.eq(later(m, self.valid, "valid", self.LATENCY, guarded=True)),
            self.tag_out.eq(later(m, lookup, "late_tag", self.LATENCY - self.LOOKUP)),
        ]


def _without_leading_zeros(m: Module, share: Value) -> tuple[Value, Value]:
    """Shift away a share's leading zeros; return it three clocks later, and their number."""
    zeros = []
    for count in (8, 4, 2, 1):
        empty = share[SHARE_BITS - count :] == 0
        shift = empty
        if count == 1:
            # The last group's fifteenth zero is not shifted away.
            shift = empty & ~Cat(*zeros).all()
        share = Mux(shift, (share << count)[:SHARE_BITS], share)
        zeros.append(empty)
        if count != 2:
            share = later(m, share, f"share_{count}")
            zeros = [later(m, zero, f"zero_{count}_{n}") for n, zero in enumerate(zeros)]
    return share, Cat(*reversed(zeros))
