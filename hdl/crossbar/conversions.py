"""ADCs of tiles: each lane's sum of a tile is converted, on any FPGA or at an ECP5's speed."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.ecp5_chains import add_or_begin
from allspin.hdl.stream.ecp5_copies import LANES_PER_LEAF, tree


def conversion_ports(parameters: CrossbarParameters) -> dict[str, Any]:
    """Return the ports of converters of tiles."""
    p = parameters
    ports: dict[str, Any] = {
        "terms": In(data.ArrayLayout(signed(p.term_bits), p.lanes)),
        "begins": In(1),
        "converts": In(1),
        "bare": In(1),
        "conversions": Out(data.ArrayLayout(signed(p.tile_widths.conversion), p.lanes)),
    }
    if p.tiling is not None and p.tiling.offsets:
        ports["starts"] = In(data.ArrayLayout(signed(p.tiling.start_bits), p.lanes))
    return ports


class Conversions(Component):
    """ADCs of tiles: the sum of each lane over a tile, converted.

    A conversion is ``clamp(sum >> shift)``. The sum of a tile starts at half a step, or at the
    offset of its converter.

    Throughput: one tile per cycle; latency 1.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.

    Attributes
    ----------
    clocks : int
        From `converts` to the conversions.
    terms : In(array of signed)
        Term of each lane.
    begins : In(1)
        The beat is the first of its tile.
    converts : In(1)
        All beats of a tile have been before.
    starts : In(array of signed)
        Start of the sums of a tile that begins; where converters have offsets.
    bare : In(1)
        Read the row that is driven alone as it is, without start and rounding. The signal is stable
        long before and after the row.
    conversions : Out(array of signed)
        Conversions, `clocks` behind `converts`; 0 at any other time.
    """

    clocks = 1

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                # A beat's products are on `terms`.
                "adds": In(1),
            }
            | conversion_ports(parameters)
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the sums. Theirs need no reset: the first beat of a tile starts them."""
        p = self._parameters
        tiling = p.tiling
        assert tiling is not None
        top = 1 << tiling.bits - 1
        for lane in range(p.lanes):
            sum_ = Signal(signed(p.tile_widths.running), name=f"sum_{lane}", reset_less=True)
            before = Signal.like(sum_, name=f"before_{lane}")
            read = Signal.like(sum_, name=f"read_{lane}")
            start = self.starts[lane] if tiling.offsets else tiling.start
            m.d.comb += [
                before.eq(Mux(self.begins, Mux(self.bare, 0, start), sum_)),
                read.eq(sum_ >> tiling.shift),
            ]
            with m.If(self.adds):
                m.d.sync += sum_.eq(before + self.terms[lane])
            conversion = Signal.like(self.conversions[lane], name=f"conversion_{lane}")
            m.d.comb += self.conversions[lane].eq(conversion)
            m.d.sync += conversion.eq(0)
            with m.If(self.converts):
                m.d.sync += conversion.eq(read)
                with m.If(self.bare):
                    m.d.sync += conversion.eq(sum_)
                with m.Elif(read >= top):
                    m.d.sync += conversion.eq(top - 1)
                with m.Elif(read < -top):
                    m.d.sync += conversion.eq(-top)


class FastConversions(Component):
    """ADCs of tiles with one carry chain or one choice in a clock.

    Throughput: one tile per cycle; latency 4.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.

    Attributes
    ----------
    clocks : int
        From `converts` to the conversions.
    terms : In(array of signed)
        Term of each lane; 0 in a clock without one.
    begins : In(1)
        Two clocks later: the beat is the first of its tile.
    converts : In(1)
        Two clocks later: all beats of a tile have been before.
    bare, starts : In
        The ports of `Conversions`; starts are 0 unless a tile begins.
    conversions : Out(array of signed)
        Conversions, `clocks` behind `converts`; 0 at any other time.
    """

    clocks = 4

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__(conversion_ports(parameters))

    def build(self, m: Module, platform: object) -> None:
        """Build the sums. The registers have no reset: terms under way flow out behind one."""
        p = self._parameters
        tiling = p.tiling
        assert tiling is not None
        leaves = -(-p.lanes // LANES_PER_LEAF)
        begins = tree(m, platform, self.begins, leaves, "begin")
        halves: list[Value] = []
        if not tiling.offsets:
            halves = tree(m, platform, self.begins & ~self.bare, leaves, "half")
        ends = tree(m, platform, self.converts, leaves, "end")
        bares = tree(m, platform, self.bare, leaves, "bare")
        converts = []
        for number, end in enumerate(ends):
            converts.append(Signal(name=f"convert_{number}", reset_less=True))
            m.d.sync += converts[-1].eq(end)
        for lane in range(p.lanes):
            leaf = lane // LANES_PER_LEAF
            term = self.terms[lane]
            start: Value = Const(0)
            if tiling.offsets:
                start = self.starts[lane]
            elif tiling.start:
                start = Cat(Const(0, tiling.shift - 1), halves[leaf], Const(0, 1))
            sum_ = Signal(signed(p.tile_widths.running), name=f"sum_{lane}", reset_less=True)
            total = add_or_begin(m, platform, term, sum_, begins[leaf], start, f"total_{lane}")
            m.d.sync += sum_.eq(total)
            conversion = self._convert(m, sum_, bares[leaf], converts[leaf], lane)
            m.d.comb += self.conversions[lane].eq(conversion)

    def _convert(self, m: Module, sum_: Signal, bare: Signal, converts: Signal, lane: int) -> Value:
        """Convert a sum in two registers: first compare it with the range, then clamp it."""
        p = self._parameters
        tiling = p.tiling
        assert tiling is not None
        width = p.tile_widths.conversion
        top = tiling.bits - 1

        def bits(first: int) -> Value:
            return Cat(sum_[min(first + bit, len(sum_) - 1)] for bit in range(width))

        read = Signal(width, name=f"read_{lane}", reset_less=True)
        beyond = Signal(name=f"beyond_{lane}", reset_less=True)
        sign = Signal(name=f"sign_{lane}", reset_less=True)
        conversion = Signal(width, name=f"conversion_{lane}", reset_less=True)
        over = sum_[tiling.shift + top :]
        m.d.sync += [
            read.eq(Mux(bare, bits(0), bits(tiling.shift))),
            beyond.eq(~bare & over.any() & ~over.all()),
            sign.eq(sum_[-1]),
        ]
        ends = Cat(~sign if bit < top else sign for bit in range(width))
        m.d.sync += conversion.eq(Mux(beyond, ends, read) & converts.replicate(width))
        return conversion.as_signed()
