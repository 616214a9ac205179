"""Block RAM of any part as a crossbar's cells."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring

from allspin.hdl.crossbar.cells.cell_placer import CellPlacer
from allspin.hdl.crossbar.cells.line_placer import LinePlacer
from allspin.hdl.crossbar.crossbar import Cells, word_shape
from allspin.hdl.stream.block_ram import block_memory


class Banks(Cells):
    """One block RAM for each few lanes."""

    def elaborate(self, platform: object) -> Module:
        """Build the memories."""
        m = Module()
        p = self._parameters
        placer = LinePlacer(p) if p.keeps_states else CellPlacer(p)
        m.submodules.placer = placer
        wiring.connect(m, wiring.flipped(self.cells), placer.cells)
        place = placer.place
        layout = data.ArrayLayout(word_shape(p), p.bank_lanes)
        distributed = p.target.distributes(p.lines * layout.size)
        for part in range(p.rows_per_clock):
            for number in range(p.banks):
                bank = block_memory(layout, p.lines, distributed=distributed)
                m.submodules[f"part_{part}_bank_{number}"] = bank
                chosen = placer.valid & (place.bank == number) & (place.part == part)
                if isinstance(placer, LinePlacer):
                    write = bank.write_port()
                    m.d.comb += [write.en.eq(chosen), write.data.eq(place.states)]
                else:
                    write = bank.write_port(granularity=1)
                    m.d.comb += write.en.eq(Mux(chosen, 1 << place.lane, 0))
                    m.d.comb += [write.data[lane].eq(place.word) for lane in range(p.bank_lanes)]
                read = bank.read_port(domain="comb")
                read_words = Signal(layout, name=f"read_words_{part}_{number}", reset_less=True)
                m.d.comb += [write.addr.eq(place.address), read.addr.eq(self.lines[part])]
                m.d.sync += read_words.eq(read.data)
                first = number * p.bank_lanes
                for lane in range(first, min(first + p.bank_lanes, p.lanes)):
                    m.d.comb += self.words[part][lane].eq(read_words[lane - first])
        return m
