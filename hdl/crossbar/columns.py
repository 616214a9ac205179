"""Columns of a crossbar on any part: products, accumulators and shadow registers."""

from itertools import pairwise
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.crossbar.conversions import Conversions, FastConversions
from allspin.hdl.crossbar.crossbar import Columns, words_layout
from allspin.hdl.crossbar.level_sums import times
from allspin.hdl.crossbar.tile_ends import TileEnds
from allspin.hdl.crossbar.tile_starts import TileStarts
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.multiplier import CONVERTER_MULTIPLIERS, Multiplier
from allspin.hdl.stream.registers import later

NARROW = 4
"""Bits of a value for which a table of products is worth it."""
FLAGS = data.StructLayout({"valid": 1, "last": 1, "final": 1})
"""Flags of a register stage: it has a beat, the beat ends its pass, the pass is its image's
last."""


def terms_layout(parameters: CrossbarParameters) -> data.ArrayLayout:
    """Return the layout of the terms of a beat, one for each lane: the sum of the parts'
    products.
    """
    shape = unsigned if parameters.keeps_states else signed
    return data.ArrayLayout(shape(parameters.term_bits), parameters.lanes)


def added_layout(parameters: CrossbarParameters) -> data.ArrayLayout:
    """Return the layout of the values that accumulators add: terms, or conversions of tiles."""
    p = parameters
    if p.tiling is None:
        return terms_layout(p)
    return data.ArrayLayout(signed(p.tile_widths.conversion), p.lanes)


def lane_shape(parameters: CrossbarParameters) -> Shape:
    """Return the shape of a lane's sum: signed, over R_AH words or conversions, or unsigned, over
    states.
    """
    shape = unsigned if parameters.keeps_states else signed
    return shape(parameters.lane_bits)


def lowest_shape(parameters: CrossbarParameters) -> Shape:
    """Return the shape of a beat's term in a column whose words are all the lowest level."""
    p = parameters
    if p.levels is None:
        return unsigned(0)
    most = p.rows_per_clock * (2**p.value_bits - 1)
    return Shape.cast(range(min(0, most * p.levels.lowest), max(0, most * p.levels.lowest) + 1))


def build_ends(
    m: Module,
    parameters: CrossbarParameters,
    columns: Columns,
    conversions: Conversions | FastConversions,
    clocks: int,
) -> None:
    """Build the blocks that tell converters the first and last beat of a tile, and the start of its
    sum.

    Parameters
    ----------
    m : Module
        Module of the columns.
    parameters : CrossbarParameters
        Parameters of the crossbar.
    columns : Columns
        Columns that own the beats and offsets.
    conversions : Conversions or FastConversions
        Gets the control signals.
    clocks : int
        Delay of the control signals behind a beat.
    """
    assert parameters.tiling is not None
    offsets = parameters.tiling.offsets
    passes = columns.passes
    beat = columns.passes.payload
    m.submodules.tile_ends = ends = TileEnds(parameters, clocks - offsets)
    said: Value = Cat(ends.begins, ends.converts)
    m.d.comb += [
        ends.taken.eq(passes.valid & passes.ready),
        ends.values.eq(beat.values),
        ends.tiles.eq(beat.tiles),
        ends.last.eq(beat.last),
    ]
    if offsets:
        # A start comes of a memory, and the others wait for it.
        m.submodules.tile_starts = starts = TileStarts(parameters)
        later = Signal(2)
        m.d.sync += later.eq(said)
        said = later
        m.d.comb += [
            starts.valid.eq(columns.offsets.valid),
            starts.byte.eq(columns.offsets.payload),
            columns.offsets.ready.eq(1),
            starts.begins.eq(ends.begins & ~columns.bare),
            starts.place.eq(ends.tile),
            conversions.starts.eq(starts.starts),
        ]
    m.d.comb += [
        conversions.begins.eq(said[0]),
        conversions.converts.eq(said[1]),
        conversions.bare.eq(columns.bare),
    ]


class Products(Component):
    """Products of values and words, with a register behind each step.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    clocks : int
        Delay of the words, as in `allspin.hdl.crossbar.crossbar.Cells`.

    Attributes
    ----------
    stages : list of str
        Names of the registers that a beat passes.
    """

    def __init__(self, parameters: CrossbarParameters, clocks: int) -> None:
        p = self._parameters = parameters
        # A slow clock has the time for a memory and a product in a row.
        words = [] if p.target.slow_clock else ["word"]
        reads = ["read", *(f"read_{clock}" for clock in range(2, clocks + 1))]
        self.stages = [*reads, *words, "product", *["rows"] * (p.rows_per_clock > 1)]
        super().__init__(
            {
                # Value of each part's row.
                "values": In(data.ArrayLayout(p.value_bits, p.rows_per_clock)),
                # The words that belong to the values of `clocks` before.
                "words": In(words_layout(p)),
                # `terms_layout`, behind the values by one clock for each stage.
                "terms": Out(terms_layout(p)),
                # Terms of a column whose words are all the lowest level, at the same time; where
                # states stand for words.
                "lowest": Out(lowest_shape(p)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers. No reset: consumers of the terms track validity."""
        p = self._parameters

        multipliers = 0 if p.keeps_states else p.target.multipliers - CONVERTER_MULTIPLIERS
        terms: list[list[Value]] = [[] for _ in range(p.lanes)]
        driven: list[Value] = []
        for part in range(p.rows_per_clock):
            value: Value = self.values[part]
            for name in self.stages[: self.stages.index("product")]:
                value = later(m, value, f"{name}_value_{part}")
            for lane in range(p.lanes):
                word: Value = self.words[part][lane]
                if "word" in self.stages:
                    word = later(m, word, f"word_{part}_{lane}")
                if lane < multipliers:
                    multiplier = Multiplier(len(word), p.value_bits)
                    m.submodules[f"multiplier_{part}_{lane}"] = multiplier
                    m.d.comb += [multiplier.word.eq(word), multiplier.value.eq(value)]
                    product: Value = multiplier.product
                else:
                    product = later(m, word * value, f"product_{part}_{lane}")
                terms[lane].append(product)
            driven.append(value)
        for lane, (term, *others) in enumerate(terms):
            if others:
                for other in others:
                    term += other
                term = later(m, term, f"rows_{lane}")
            m.d.comb += self.terms[lane].eq(term)
        if p.levels is not None:
            lowest = self._lowest(driven[0]) if len(driven) == 1 else sum(driven[1:], driven[0])
            lowest = later(m, lowest, "driven")
            if len(driven) > 1:
                lowest = later(m, lowest * p.levels.lowest, "lowest_rows")
            m.d.comb += self.lowest.eq(lowest)

    def _lowest(self, value: Value) -> Value:
        """Multiply a value by the lowest level: for a narrow value by a table, which is a LUT for
        each bit.
        """
        p = self._parameters
        assert p.levels is not None
        if p.value_bits > NARROW:
            return value * p.levels.lowest
        shape = lowest_shape(p)
        return Array(Const(number * p.levels.lowest, shape) for number in range(2**p.value_bits))[
            value
        ]


class Accumulators(Component):
    """Sum of each lane, and its shadow, which is drained by shifting.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    """

    def __init__(self, parameters: CrossbarParameters) -> None:
        p = self._parameters = parameters
        super().__init__(
            {
                "terms": In(added_layout(p)),
                # Terms as in `Products`.
                "lowest": In(lowest_shape(p)),
                # The terms are added; they are their pass's last, so that the sums go into the
                # shadow.
                "adds": In(1),
                "ends": In(1),
                # The next sums move to the front of the shadow.
                "shifts": In(1),
                # Sums of the shadow that leave next.
                "sums": Out(data.ArrayLayout(signed(p.sum_bits), p.neurons_per_clock)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the sums."""
        p = self._parameters
        step = p.neurons_per_clock

        def accumulate(term: Value, shadow: Signal, lane: object) -> None:
            """Add terms; a pass's last term goes into the shadow alone, and the next sum starts at
            0.
            """
            # Only the sums need a reset: an empty shadow is never read.
            sum_ = Signal(shadow.shape(), name=f"sum_{lane}")
            total = Signal(shadow.shape(), name=f"total_{lane}")
            m.d.comb += total.eq(sum_ + term)
            with m.If(self.adds):
                m.d.sync += sum_.eq(Mux(self.ends, 0, total))
            with m.If(self.ends):
                m.d.sync += shadow.eq(total)

        width = lane_shape(p)
        shadow = [Signal(width, name=f"shadow_{lane}", reset_less=True) for lane in range(p.lanes)]
        with m.If(self.shifts):
            # Drained by shifting: a multiplexer over all columns would cost more.
            m.d.sync += [one.eq(two) for one, two in zip(shadow, shadow[step:], strict=False)]
        for lane in range(p.lanes):
            accumulate(self.terms[lane], shadow[lane], lane)
        sums: list[Value] = [*shadow[:step]]
        if p.levels is not None:
            # All columns share the sum of a column whose words are all the lowest level.
            lowest = Signal(signed(p.sum_bits), reset_less=True)
            accumulate(self.lowest, lowest, "of_lowest")
            sums = [times(sum_, p.levels.step) + lowest for sum_ in sums]
        if p.tiling is not None:
            sums = [sum_ << p.tiling.shift for sum_ in sums]
        m.d.comb += [self.sums[number].eq(sum_) for number, sum_ in enumerate(sums)]


class PortableColumns(Columns):
    """Columns for any FPGA: products, accumulators and shadow registers.

    The first sum is valid four clocks after an image's last beat was taken, with words that come
    a clock after their address; five with several rows per clock, and one less where the clock is
    slow. Two more where columns are read tile by tile.

    Throughput: one beat per cycle; first sums 4 cycles after an image's last beat.
    """

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        p = self._parameters
        step = p.neurons_per_clock
        m.submodules.products = products = Products(p, self._clocks)
        m.submodules.accumulators = accumulators = Accumulators(p)
        beat = self.passes.payload

        names = [*products.stages, *["tile", "conversion"] * (p.tiling is not None)]
        stages: list[Any] = [Signal(FLAGS, name=name) for name in names]
        left = Signal(range(p.lanes + 1))  # sums still in the shadow
        closing = Signal()
        m.d.comb += [
            closing.eq(Cat(stage.valid & stage.last for stage in stages).any()),
            self.passes.ready.eq(~beat.last | ((left == 0) & ~closing)),
        ]
        m.d.sync += [
            stages[0].valid.eq(self.passes.valid & self.passes.ready),
            stages[0].last.eq(beat.last),
            stages[0].final.eq(beat.final),
            *(two.eq(one) for one, two in pairwise(stages)),
        ]

        final = stages[-1]
        take = Signal()
        image_ends = Signal()
        terms = products.terms
        adds = final.valid
        if p.tiling is not None:
            clocks = len(products.stages)
            terms, adds = self._build_tiles(m, terms, stages[clocks - 1].valid, clocks)
        m.d.comb += [
            products.values.eq(beat.values),
            products.words.eq(self.words),
            accumulators.terms.eq(terms),
            accumulators.lowest.eq(products.lowest),
            accumulators.adds.eq(adds),
            accumulators.ends.eq(final.valid & final.last),
            accumulators.shifts.eq(take),
            take.eq(self.sums.valid & self.sums.ready),
            self.sums.valid.eq(left != 0),
            self.sums.payload.sums.eq(accumulators.sums),
            self.sums.payload.last.eq((left <= step) & image_ends),
        ]
        with m.If(accumulators.ends):
            m.d.sync += [
                left.eq(Mux(final.final, p.columns - (p.passes - 1) * p.lanes, p.lanes)),
                image_ends.eq(final.final),
            ]
        with m.Elif(take):
            m.d.sync += left.eq(Mux(left > step, left - step, 0))

    def _build_tiles(
        self, m: Module, terms: data.View, adds: Value, clocks: int
    ) -> tuple[data.View, Value]:
        """Build the converters of tiles, `clocks` behind the beats; return the conversions and
        their enable.
        """
        p = self._parameters
        m.submodules.conversions = conversions = Conversions(p)
        build_ends(m, p, self, conversions, clocks)
        m.d.comb += [conversions.terms.eq(terms), conversions.adds.eq(adds)]
        # Always enabled: without a conversion the value is 0.
        return conversions.conversions, Const(1)
