"""Noise of neurons and column sums from a pipeline, a beat of columns in each clock."""

from enum import IntEnum

from amaranth.hdl import Module, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.normal import PipelinedNormal, product_bits
from allspin.hdl.chip.speck import LAYER_BITS, Key, PipelinedSpeck
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import IMAGE_BITS
from allspin.sim.chip.generator import SEED_BITS, Purpose
from allspin.sim.chip.speck import WORD_BITS

SETTLE = 40
"""Clocks that a draw takes at most, pipelined."""


class NoiseKind(IntEnum):
    """Target of a beat's noise."""

    USE = 0
    """The currents of the layer's neurons."""
    READ = 1
    """The layer's sums."""
    LAST = 2
    """The last layer's sums, one in a beat."""


KIND_BITS = 2


def beat_layout(parameters: EngineParameters, layer: int) -> data.StructLayout:
    """Return the layout of the columns whose noise is drawn.

    Members
    -------
    number : 32 bits
        The image's number.
    column : unsigned
        The beat's first use: its first column, behind the columns of all positions before.
    kind : 2 bits
        `NoiseKind`; no bits where neurons alone have noise.
    """
    crossbar = parameters.crossbars[layer]
    columns = parameters.uses(layer) + crossbar.neurons_per_clock
    if parameters.noisy_sums:
        columns = max(columns, parameters.classes + 1)
    kind = KIND_BITS if parameters.noisy_sums else 0
    return data.StructLayout({"number": IMAGE_BITS, "column": range(columns), "kind": kind})


class PipelinedNoise(Component):
    """Noise of a beat of columns from a pipeline.

    Throughput: one beat per cycle.

    Parameters
    ----------
    parameters, layer
        Parameters of `allspin.hdl.chip.use_noise.UseNoiseBlock`.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        self._layer = layer
        self._general = parameters.general
        self._lanes = lanes = parameters.crossbars[layer].neurons_per_clock
        last = len(parameters.crossbars) - 1
        keys = [Key(Purpose.NEURON_USE)] if layer < last else []
        if parameters.noisy_sums and layer < last:
            keys.append(Key(Purpose.READ))
        first = list(keys)
        if parameters.noisy_sums and layer >= last - 1:
            first.append(Key(Purpose.READ, last - layer))
        self._keys = (tuple(first), *(tuple(keys) for _ in range(lanes - 1)))
        spread_bits = parameters.noise_spread_bits(layer)
        kinds = len(NoiseKind) if parameters.noisy_sums else 1
        self._kind_bits = KIND_BITS if parameters.noisy_sums else 0
        ports = {
            # The chip.
            "seed": In(SEED_BITS),
            # One standard deviation, by `NoiseKind`.
            "spreads": In(signed(spread_bits)).array(kinds),
            # An image's beats begin in the next clock.
            "begun": In(1),
            "beats": In(stream.Signature(beat_layout(parameters, layer))),
            # A beat has been drawn, for one clock.
            "made": Out(1),
            # Kind of the beat.
            "kind": Out(self._kind_bits),
            # Its normal values times their spread, a lane each; of kind `LAST` the first alone.
            "products": Out(signed(product_bits(spread_bits))).array(lanes),
        }
        if self._general:
            # The layer's number in the draws.
            ports["layer"] = In(LAYER_BITS)
        super().__init__(ports)

    def build(self, m: Module, platform: object) -> None:
        """Build the generator."""
        m.submodules.speck = speck = PipelinedSpeck(self._keys, self._kind_bits)
        self._build_keys(m, speck)
        beat = self.beats.payload
        m.d.comb += [
            speck.valid.eq(self.beats.valid & self.beats.ready),
            speck.draws.row.eq(beat.number[:WORD_BITS]),
            speck.draws.tag.eq(beat.kind),
        ]
        spread = self.spreads[0]
        chosen = Signal.like(spread, reset_less=True)
        if self._kind_bits:
            # The spread follows its look-up by two clocks.
            spread = Signal.like(spread, reset_less=True)
            m.d.sync += spread.eq(chosen)
        for lane in range(self._lanes):
            tag = 0 if lane else self._kind_bits
            m.submodules[f"normal_{lane}"] = normal = PipelinedNormal(len(spread), tag)
            m.d.comb += [
                speck.draws.columns[lane].eq(beat.column + lane),
                speck.draws.selects[lane].eq(beat.kind),
                normal.valid.eq(speck.done),
                normal.bits.eq(speck.bits[lane]),
                normal.spread.eq(spread),
                self.products[lane].eq(normal.product),
            ]
            if lane == 0:
                m.d.comb += [
                    normal.tag.eq(speck.tag),
                    self.made.eq(normal.done),
                    self.kind.eq(normal.tag_out),
                ]
                if self._kind_bits:
                    with m.Switch(normal.lookup):
                        for kind in NoiseKind:
                            with m.Case(kind):
                                m.d.sync += chosen.eq(self.spreads[kind])

    def _build_keys(self, m: Module, speck: PipelinedSpeck) -> None:
        """Make new round keys where needed. A set of keys serves one chip and 65,536 images; new
        keys wait until all draws under way have finished.
        """
        number = self.beats.payload.number
        keyed_seed = Signal(SEED_BITS)
        keyed_lot = Signal(IMAGE_BITS - WORD_BITS)
        lot = number[WORD_BITS:]
        keyed = Signal()
        same_seed = Signal()  # compared ahead: seeds change long before an image comes
        fits = Signal()
        fit = Signal()
        settling = Signal(range(SETTLE + 1))
        checking = Signal()
        m.d.comb += [
            fits.eq(keyed & same_seed & (keyed_lot == lot)),
            speck.seed.eq(self.seed),
            speck.layer.eq(self.layer if self._general else self._layer),
            speck.number.eq(lot),
            self.beats.ready.eq(fit & speck.keyed),
        ]
        with m.If(speck.valid):
            m.d.sync += settling.eq(SETTLE)
        with m.Elif(settling != 0):
            m.d.sync += settling.eq(settling - 1)
        same: Value = keyed_seed == self.seed
        if self._general:
            keyed_layer = Signal(LAYER_BITS)
            same = same & (keyed_layer == self.layer)
            with m.If(speck.rekey):
                m.d.sync += keyed_layer.eq(self.layer)
        m.d.sync += [checking.eq(self.begun), same_seed.eq(same)]
        with m.If(self.begun):
            m.d.sync += fit.eq(0)
        with m.Elif(checking):
            m.d.sync += [fit.eq(fits), keyed.eq(fits)]
        with m.Elif(~fit & ~keyed & (settling == 0)):
            m.d.comb += speck.rekey.eq(1)
            m.d.sync += [keyed.eq(1), keyed_seed.eq(self.seed), keyed_lot.eq(lot), fit.eq(1)]
