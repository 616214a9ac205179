"""The Programmer: states of a network in, R_AH words of a chip's cells out."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.chip_registers import CHIP_LAYOUT
from allspin.hdl.chip.draw_unit import draw_signature
from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.chip.states import CellSource
from allspin.hdl.chip.words import IterativeWordMaker, PipelinedWordMaker
from allspin.hdl.chip.write_table import WriteTables
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, REDRAW
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS
from allspin.sim.chip.speck import WORD_BITS


def word_layout(rah_bits: int) -> data.StructLayout:
    """Return the layout of an R_AH word for a crossbar.

    Members
    -------
    first : 1 bit
        The word goes to column 0 of row `row`; others follow column by column, row by row.
    row : 16 bits
        Read where `first` is set.
    word : signed
        The word.
    """
    return data.StructLayout({"first": 1, "row": WORD_BITS, "word": signed(rah_bits)})


class Programmer(Component):
    """Programmer: R_AH words of cells whose states are loaded, or of all cells on request.

    The pipelined form takes two clocks for a cell that may be stuck. The iterative form shares a
    `DrawUnit`; its figures are for one round in a clock.

    Throughput: one cell per cycle, or one per 71 to 96.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.

    Attributes
    ----------
    unit : Out(`draw_signature`)
        The generator; where it is iterative.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        assert parameters.variation is not None
        self._parameters = parameters
        self._variation = parameters.variation
        ports = {
            # Stable while `busy`.
            "chip": In(CHIP_LAYOUT),
            # `LOAD_LAYOUT`, bytes of the memories STATES only.
            "states": In(LOADS),
            # Bytes for the memories WRITE_TABLE are taken, and REDRAW's is obeyed.
            "load": In(LOADS),
            # Layer of the words.
            "layer": Out(LAYER_BITS),
            # `word_layout`; a word cannot be held back.
            "valid": Out(1),
            "word": Out(word_layout(parameters.rah_bits)),
            # More words will come.
            "busy": Out(1),
        }
        if self._variation.iterative:
            ports["unit"] = Out(draw_signature(parameters.spread_bits))
        if parameters.general:
            # The layer before the last one.
            ports["route"] = In(LAYER_BITS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the Programmer."""
        m.submodules.source = source = CellSource(self._parameters)
        m.submodules.tables = tables = WriteTables(self._parameters)
        m.submodules.maker = maker = self._word_maker(m)
        wiring.connect(m, wiring.flipped(self.states), source.load)
        wiring.connect(m, source.cells, maker.cells)
        load = self.load.payload
        redraw = (load.layer == ENGINE) & (load.memory == REDRAW) & load.data[0]
        drawn: Value = source.layer  # as draws name it
        if self._parameters.general:
            last = len(self._parameters.crossbars) - 1
            drawn = Mux(source.layer == last, self.route + 1, source.layer)
        first = Signal()  # the next word is its burst's first
        m.d.comb += [
            self.load.ready.eq(1),
            tables.load.payload.eq(load),
            tables.load.valid.eq(self.load.valid),
            tables.layer.eq(source.layer),
            tables.cell.eq(maker.line),
            maker.entry.eq(tables.entry),
            maker.chip.eq(self.chip),
            maker.layer.eq(drawn),
            maker.begin.eq(source.begin),
            source.redraw.eq(self.load.valid & redraw),
            source.prepared.eq(maker.prepared),
            source.settled.eq(maker.settled),
            self.layer.eq(source.layer),
            self.valid.eq(maker.valid),
            self.word.first.eq(first),
            self.word.row.eq(source.row),
            self.word.word.eq(maker.word),
            self.busy.eq(source.busy | ~maker.settled),
        ]
        m.d.sync += maker.may_stick.eq(self.chip.threshold != 0)
        with m.If(source.begin):
            m.d.sync += first.eq(1)
        with m.Elif(self.valid):
            m.d.sync += first.eq(0)

    def _word_maker(self, m: Module) -> IterativeWordMaker | PipelinedWordMaker:
        if not self._variation.iterative:
            return PipelinedWordMaker(self._parameters)
        maker = IterativeWordMaker(self._parameters)
        wiring.connect(m, maker.unit, wiring.flipped(self.unit))
        return maker
