"""The Programmer: states of a network in, R_AH words of a chip's cells out.

The integers are those of `allspin.sim.chip.chip.state_words`: level, D2D and C2C of each cell,
rounded and clamped, and stuck cells. A stuck cell has the level of the lowest state or of the
highest line of its table, so the host fills the lines above the last state with the last state's.
"""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.memory_map import ENGINE, REDRAW
from allspin.hdl.parameters import EngineParameters
from allspin.hdl.stream.layouts import LoadLayout
from allspin.hdl.variation.chip import ChipLayout
from allspin.hdl.variation.draw_unit import DrawInterface, DrawSignature
from allspin.hdl.variation.normal import PipelinedNormal, product_bits
from allspin.hdl.variation.speck import LAYER_BITS, BlockLayout, PipelinedSpeck
from allspin.hdl.variation.states import CellSource, StateLayout
from allspin.hdl.variation.write_table import LEVEL_BITS, SPREAD_BITS, WriteTables
from allspin.sim.chip.chip import WORD_BITS as FRACTION_BITS
from allspin.sim.chip.generator import Purpose
from allspin.sim.chip.speck import WORD_BITS

LANES = (
    (Purpose.D2D_POTENTIATION, Purpose.D2D_DEPRESSION, Purpose.STUCK),
    (Purpose.WRITE, Purpose.STUCK_END),
)
"""What a fast Programmer draws in a clock: D2D by polarity, and C2C; or all of being stuck."""
STUCK_SELECTS = (2, 1)
MAX_UNDER_WAY = 64
"""More cells than are ever under way."""
SUM_BITS = product_bits(SPREAD_BITS) + 2


class WordLayout(data.StructLayout):
    """An R_AH word for a crossbar.

    Members
    -------
    first : 1 bit
        The word goes to column 0 of row `row`; others follow column by column, row by row.
    row : 16 bits
        Read where `first` is set.
    word : signed
        The word.
    """

    def __init__(self, rah_bits: int) -> None:
        super().__init__({"first": 1, "row": WORD_BITS, "word": signed(rah_bits)})


def cell_sum(level: Value) -> Value:
    """A level with the fraction bits of a word, and the half that rounds it."""
    return Cat(Const(1 << FRACTION_BITS - 1, FRACTION_BITS), level).as_signed()


def beyond(total: Value, highest: Value, lowest: Value) -> tuple[Value, Value]:
    """Whether a sum without its fraction bits is more than `highest`, or less than `lowest`."""
    word = total[FRACTION_BITS:].as_signed()
    return word > highest, word < lowest


def clamped(total: Value, highest: Value, lowest: Value, above: Value, below: Value) -> Value:
    """A sum without its fraction bits, within its bounds; `beyond` tells where it is not."""
    return Mux(above, highest, Mux(below, lowest, total[FRACTION_BITS:].as_signed()))


class Programmer(wiring.Component):
    """Make the R_AH words of cells whose states are loaded, or on demand of all cells.

    Pipelined, a cell takes a clock, or two where cells may be stuck; iterative, with the
    `DrawUnit` that it shares, about 70 clocks at one round a clock, or 100.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Attributes
    ----------
    chip : In
        `ChipLayout`; to be kept while `busy`.
    states : In(stream)
        `LoadLayout`, bytes of the memories STATES only.
    load : In(stream)
        `LoadLayout`; bytes for the memories WRITE_TABLE are taken, and REDRAW's is obeyed.
    layer : Out(4)
        Layer whose words come.
    valid, word : Out
        `WordLayout`; a word cannot be held back.
    busy : Out(1)
        Words will still come.
    unit : Out(`DrawSignature`)
        The generator; where it is iterative.
    """

    chip: data.View
    states: stream.Interface
    load: stream.Interface
    layer: Signal
    valid: Signal
    word: data.View
    busy: Signal
    unit: DrawInterface

    def __init__(self, parameters: EngineParameters) -> None:
        assert parameters.variation is not None
        self._parameters = parameters
        self._variation = parameters.variation
        ports = {
            "chip": In(ChipLayout()),
            "states": In(stream.Signature(LoadLayout())),
            "load": In(stream.Signature(LoadLayout())),
            "layer": Out(LAYER_BITS),
            "valid": Out(1),
            "word": Out(WordLayout(parameters.rah_bits)),
            "busy": Out(1),
        }
        if self._variation.iterative:
            ports["unit"] = Out(DrawSignature(parameters.spread_bits))
        super().__init__(ports)

    def elaborate(self, platform: object) -> Module:
        """Build the Programmer."""
        m = Module()
        m.submodules.source = source = CellSource(self._parameters)
        m.submodules.tables = tables = WriteTables(self._parameters)
        wiring.connect(m, wiring.flipped(self.states), source.load)
        load = self.load.payload
        redraw = (load.layer == ENGINE) & (load.memory == REDRAW) & load.data[0]
        m.d.comb += [
            self.load.ready.eq(1),
            tables.load.payload.eq(load),
            tables.load.valid.eq(self.load.valid),
            tables.layer.eq(source.layer),
            source.redraw.eq(self.load.valid & redraw),
            self.layer.eq(source.layer),
        ]

        first = Signal()  # the next word is its burst's first
        m.d.comb += [
            self.busy.eq(source.busy | ~source.settled),
            self.word.first.eq(first),
            self.word.row.eq(source.row),
        ]
        with m.If(source.begin):
            m.d.sync += first.eq(1)
        with m.Elif(self.valid):
            m.d.sync += first.eq(0)

        may_stick = Signal()
        m.d.sync += may_stick.eq(self.chip.threshold != 0)
        if self._variation.iterative:
            self._elaborate_iterative(m, source, tables, may_stick)
        else:
            self._elaborate_pipelined(m, source, tables, may_stick)
        return m

    def _stuck_cell(self, high: Value) -> Value:
        """The line of a write table whose level a stuck cell has."""
        state_bits = self._variation.state_bits
        return Cat(high.replicate(state_bits), Const(0, 1))

    def _elaborate_pipelined(
        self, m: Module, source: CellSource, tables: WriteTables, may_stick: Signal
    ) -> None:
        """A cell a clock; where it may be stuck, one clock for that and one for its word."""
        chip = self.chip
        cell = source.cells.payload
        tag = data.StructLayout({"word": 1, "cell": StateLayout(self._variation.state_bits)})
        m.submodules.speck = speck = PipelinedSpeck(LANES, tag)
        wording = Signal()  # the cell's word is drawn in this clock, not whether it is stuck
        asked = Signal()
        draw_valid = Signal()
        draws = Signal(BlockLayout(LANES, tag), reset_less=True)
        m.d.comb += [
            wording.eq(asked | ~may_stick),
            source.cells.ready.eq(wording),
            source.prepared.eq(speck.keyed),
            speck.seed.eq(chip.seed),
            speck.layer.eq(source.layer),
            speck.number.eq(chip.write),
            speck.rekey.eq(source.begin),
            speck.valid.eq(draw_valid),
            speck.draws.eq(draws),
        ]
        m.d.sync += [
            draw_valid.eq(source.cells.valid),
            draws.row.eq(cell.row),
            draws.columns[0].eq(cell.column),
            draws.columns[1].eq(cell.column),
            draws.selects[0].eq(Mux(wording, cell.cell.polarity, STUCK_SELECTS[0])),
            draws.selects[1].eq(Mux(wording, 0, STUCK_SELECTS[1])),
            draws.tag.word.eq(wording),
            draws.tag.cell.eq(cell.cell),
        ]
        with m.If(source.cells.valid):
            m.d.sync += asked.eq(~wording)

        # Cells are counted a clock late: whether one is taken is known late in its clock.
        taken = Signal()
        under_way = Signal(range(MAX_UNDER_WAY + 1))
        none = Signal(init=1)  # are under way
        m.d.comb += source.settled.eq(none & ~taken)
        m.d.sync += [
            taken.eq(source.cells.valid & source.cells.ready),
            under_way.eq(under_way + taken - self.valid),
        ]
        with m.If(taken & ~self.valid):
            m.d.sync += none.eq(0)
        with m.Elif(self.valid & ~taken):
            m.d.sync += none.eq(under_way == 1)

        # A register for the bits: whether the cell is stuck was drawn a clock before.
        drawn = Signal()
        bits = Signal.like(speck.bits, reset_less=True)
        state = Signal(StateLayout(self._variation.state_bits), reset_less=True)
        stuck, high = Signal(), Signal()
        m.d.sync += [
            drawn.eq(speck.done & speck.tag.word),
            bits.eq(speck.bits),
            state.eq(speck.tag.cell),
        ]
        with m.If(~may_stick):
            m.d.sync += stuck.eq(0)
        with m.Elif(speck.done & ~speck.tag.word):
            m.d.sync += [
                stuck.eq(speck.bits[0] < chip.threshold),
                high.eq(Mux(chip.either, speck.bits[1][-1], chip.high)),
            ]

        looked_up = data.StructLayout({"stuck": 1, "cell": StateLayout(self._variation.state_bits)})
        normals = []
        for lane in range(len(LANES)):
            normal = PipelinedNormal(SPREAD_BITS, looked_up)
            m.submodules[f"normal_{lane}"] = normal
            m.d.comb += [
                normal.valid.eq(drawn),
                normal.bits.eq(bits[lane]),
                normal.tag.stuck.eq(stuck),
                normal.tag.cell.eq(Mux(stuck, self._stuck_cell(high), state)),
            ]
            normals.append(normal)
        d2d, c2c = normals
        was_stuck = [Signal(name=f"was_stuck_{clock}") for clock in range(2)]
        level = tables.entry.level
        for clock in range(PipelinedNormal.LATENCY - PipelinedNormal.LOOKUP - 2):
            later = Signal(signed(LEVEL_BITS), name=f"level_{clock}", reset_less=True)
            m.d.sync += later.eq(level)
            level = later
        total = Signal(signed(SUM_BITS), reset_less=True)
        compared = Signal(signed(SUM_BITS), reset_less=True)
        summed, valid = Signal(), Signal()
        highest = Cat(chip.top, Const(0, 1)).as_signed()
        lowest = Signal(signed(LEVEL_BITS), reset_less=True)
        over, under = beyond(total, highest, lowest)
        above, below = Signal(), Signal()
        m.d.comb += [
            tables.cell.eq(d2d.lookup.cell),
            d2d.spread.eq(Mux(was_stuck[1], 0, tables.entry.d2d)),
            c2c.spread.eq(Mux(was_stuck[1], 0, tables.entry.c2c)),
        ]
        m.d.sync += [
            was_stuck[0].eq(d2d.lookup.stuck),
            was_stuck[1].eq(was_stuck[0]),
            lowest.eq(-highest),
            total.eq(cell_sum(level) + d2d.product + c2c.product),
            summed.eq(d2d.done),
            compared.eq(total),
            above.eq(over),
            below.eq(under),
            valid.eq(summed),
            self.word.word.eq(clamped(compared, highest, lowest, above, below)),
            self.valid.eq(valid),
        ]

    def _elaborate_iterative(
        self, m: Module, source: CellSource, tables: WriteTables, may_stick: Signal
    ) -> None:
        """A cell at a time, draw by draw."""
        chip, unit = self.chip, self.unit
        cell = source.cells.payload
        draw = unit.draws.payload
        total = Signal(signed(SUM_BITS))
        highest = Cat(chip.top, Const(0, 1)).as_signed()
        bounds = highest, -highest
        left = Signal(range(3))  # products still to come
        stuck, high = Signal(), Signal()
        m.d.comb += [
            source.prepared.eq(1),
            source.settled.eq(1),  # a cell is given away with its word
            tables.cell.eq(Mux(stuck, self._stuck_cell(high), cell.cell)),
            unit.spreads[0].eq(tables.entry.d2d),
            unit.spreads[1].eq(tables.entry.c2c),
            draw.layer.eq(source.layer),
            draw.row.eq(cell.row),
            draw.column.eq(cell.column),
            self.word.word.eq(clamped(total, *bounds, *beyond(total, *bounds))),
        ]
        wait = Signal(range(3))
        with m.If(unit.made):
            m.d.sync += [total.eq(total + unit.product), left.eq(left - 1)]
        with m.FSM():
            with m.State("TAKE"):
                m.d.sync += [stuck.eq(0), wait.eq(2), left.eq(2)]
                with m.If(source.cells.valid):
                    m.next = "LEVEL"
                    with m.If(may_stick):
                        m.next = "STUCK"
            with m.State("STUCK"):
                m.d.comb += [
                    unit.draws.valid.eq(1),
                    draw.purpose.eq(Purpose.STUCK),
                    draw.tag.raw.eq(1),
                ]
                with m.If(unit.draws.ready):
                    m.next = "WHETHER"
            with m.State("WHETHER"):
                m.d.sync += [stuck.eq(unit.bits < chip.threshold), high.eq(chip.high)]
                with m.If(unit.drawn):
                    m.next = "STUCK_OR_NOT"
            with m.State("STUCK_OR_NOT"):
                m.next = "LEVEL"
                with m.If(stuck & chip.either):
                    m.next = "STUCK_END"
            with m.State("STUCK_END"):
                m.d.comb += [
                    unit.draws.valid.eq(1),
                    draw.purpose.eq(Purpose.STUCK_END),
                    draw.tag.raw.eq(1),
                ]
                with m.If(unit.draws.ready):
                    m.next = "WHERE"
            with m.State("WHERE"):
                m.d.sync += high.eq(unit.bits[-1])
                with m.If(unit.drawn):
                    m.next = "LEVEL"
            with m.State("LEVEL"):
                m.d.sync += [wait.eq(wait - 1), total.eq(cell_sum(tables.entry.level))]
                with m.If(wait == 0):
                    m.next = "D2D"
                    with m.If(stuck):
                        m.d.sync += left.eq(0)
                        m.next = "SUM"
            with m.State("D2D"):
                m.d.comb += [
                    unit.draws.valid.eq(1),
                    draw.purpose.eq(
                        Mux(
                            cell.cell.polarity,
                            Purpose.D2D_DEPRESSION,
                            Purpose.D2D_POTENTIATION,
                        )
                    ),
                ]
                with m.If(unit.draws.ready):
                    m.next = "C2C"
            with m.State("C2C"):
                m.d.comb += [
                    unit.draws.valid.eq(1),
                    draw.purpose.eq(Purpose.WRITE),
                    draw.number.eq(chip.write),
                    draw.tag.which.eq(1),
                ]
                with m.If(unit.draws.ready):
                    m.next = "SUM"
            with m.State("SUM"), m.If(left == 0):
                m.d.comb += [self.valid.eq(1), source.cells.ready.eq(1)]
                m.next = "TAKE"
