"""What converts the sums of tiles, on any part."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar import CrossbarParameters


def conversion_ports(parameters: CrossbarParameters) -> dict[str, Any]:
    """Ports of what converts the sums of tiles, whatever its pipeline."""
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


class Conversions(wiring.Component):
    """A tile's sum of each lane, and its converter.

    A conversion is ``clamp(sum >> shift)``, of a sum that starts at half a step, or where its
    converter has an offset there.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.

    Attributes
    ----------
    clocks : int
        From `converts` to the conversions.
    adds : In(1)
        A beat's products are on `terms`.
    terms : In(array of signed)
        What they add to each lane.
    begins : In(1)
        The beat is the first of its tile.
    converts : In(1)
        All beats of a tile have been before.
    starts : In(array of signed)
        Where the sums of a tile start that begins; where converters have offsets.
    bare : In(1)
        Nothing is added and nothing rounded: the row that is driven alone is read as it is. It
        stands for long before and behind.
    conversions : Out(array of signed)
        `clocks` behind `converts` what comes of the sums; 0 at any other time.
    """

    adds: Signal
    terms: data.View
    begins: Signal
    converts: Signal
    starts: data.View
    bare: Signal
    conversions: data.View

    clocks = 1

    def __init__(self, parameters: CrossbarParameters) -> None:
        self._parameters = parameters
        super().__init__({"adds": In(1)} | conversion_ports(parameters))

    def elaborate(self, platform: object) -> Module:
        """Build the sums. Theirs need no reset: the first beat of a tile starts them."""
        m = Module()
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
        return m
