"""Noise from a pipeline, a beat of columns a clock, and what it is to the sums of a layer."""

from enum import IntEnum

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.normal import PipelinedNormal, product_bits
from allspin.hdl.chip.speck import LAYER_BITS, Key, PipelinedSpeck
from allspin.hdl.parameters.engine_parameters import AMPLIFIERS, SUM_NOISE, EngineParameters
from allspin.hdl.stream.buffers import Component, block_memory
from allspin.hdl.stream.layouts import IMAGE_BITS, LOADS
from allspin.sim.chip.generator import FRACTION_BITS, SEED_BITS, WORD_BITS, Purpose
from allspin.sim.chip.words import USE_BITS

SETTLE = 40
"""Clocks that a draw takes at most, pipelined."""


class NoiseKind(IntEnum):
    """What a beat's noise is for."""

    USE = 0
    """The currents of the layer's neurons."""
    READ = 1
    """The layer's sums."""
    LAST = 2
    """The last layer's sums, one in a beat."""


KIND_BITS = 2


def beat_layout(parameters: EngineParameters, layer: int) -> data.StructLayout:
    """Whose noise is drawn.

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
    """Draw a beat a clock.

    Parameters
    ----------
    parameters, layer
        As of `allspin.hdl.chip.use_noise.UseNoiseBlock`.
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
            # Its kind.
            "kind": Out(self._kind_bits),
            # Its normal values times their spread, a lane each; of kind `LAST` the first alone.
            "products": Out(signed(product_bits(spread_bits))).array(lanes),
        }
        if self._general:
            # As draws name it.
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
            # Behind the look-up of what is scaled, by two clocks.
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
        """Keys are of a chip and of 65,536 images; new ones wait for what is under way."""
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


SPREAD_BYTES = 4
LINE_BYTES = 8
START_BYTES = 6
DROPPED_BITS = FRACTION_BITS + USE_BITS


def load_spread(m: Module, port: stream.Interface, layer: int, memory: int) -> Signal:
    """Bytes for a layer's memory of a spread, which are taken from a port; others are ignored."""
    load = port.payload
    loaded = Signal(8 * SPREAD_BYTES, reset_less=True)
    m.d.comb += port.ready.eq(1)
    with m.If(port.valid & (load.layer == layer) & (load.memory == memory)):
        m.d.sync += loaded.eq(Cat(loaded[8:], load.data))
    return loaded


class SumErrors(Component):
    """Turn normal values times their spread into what is added to sums.

    A beat of columns a clock, in their order, two clocks later. An offset is added before fraction
    bits are dropped, and has the half that rounds.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    layer : int
        Whose sums they are.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        crossbar = parameters.crossbars[layer]
        self._layer = layer
        self._lanes = lanes = crossbar.neurons_per_clock
        self._lines = -(-crossbar.columns // lanes)
        self._start_bits = parameters.start_bits(layer)
        self._target = parameters.target
        spread = signed(parameters.sum_spread_bits(layer) + 1)
        product = signed(product_bits(parameters.sum_spread_bits(layer) + 1))
        super().__init__(
            {
                # The layer's bytes for SUM_NOISE and AMPLIFIERS are taken, others ignored.
                "load": In(LOADS),
                # There is something to be added.
                "on": Out(1),
                # One standard deviation of read noise.
                "spread": Out(spread),
                # A beat is there.
                "valid": In(1),
                # Its normal values times `spread`.
                "products": In(product).array(lanes),
                # It has been made, for one clock.
                "made": Out(1),
                # What is added to its sums.
                "errors": Out(signed(parameters.sum_noise_bits(layer))).array(lanes),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        loaded = load_spread(m, self.load, self._layer, SUM_NOISE)
        # What is wider than this the host does not send; the highest bit says whether it counts.
        m.d.comb += [
            self.spread.eq(loaded[: len(self.spread) - 1]),
            self.on.eq(loaded[-1]),
        ]
        line = Signal(range(self._lines))
        with m.If(self.valid):
            m.d.sync += line.eq(Mux(line == self._lines - 1, 0, line + 1))
        found, summed = Signal(), Signal()
        m.d.sync += [found.eq(self.valid), summed.eq(found)]
        m.d.comb += self.made.eq(summed)
        writes = self._build_starts(m)
        for lane, product in enumerate(self.products):
            memory = block_memory(
                signed(self._start_bits), self._lines, distributed=self._target.distributed_ram
            )
            m.submodules[f"starts_{lane}"] = memory
            address, enable, start = writes[lane]
            write, read = memory.write_port(), memory.read_port(domain="comb")
            offset = Signal(signed(self._start_bits), name=f"offset_{lane}", reset_less=True)
            held = Signal.like(product, name=f"product_{lane}", reset_less=True)
            total = Signal(signed(self._start_bits + 1), name=f"total_{lane}", reset_less=True)
            m.d.comb += [
                write.addr.eq(address),
                write.data.eq(start),
                write.en.eq(enable),
                read.addr.eq(line),
                self.errors[lane].eq(total >> DROPPED_BITS),
            ]
            m.d.sync += [offset.eq(read.data), held.eq(product), total.eq(held + offset)]

    def _build_starts(self, m: Module) -> list[tuple[Signal, Signal, Signal]]:
        """Eight bytes to a column, of which the first six are the offset.

        Returns
        -------
        list of tuple
            Address, whether it is written, and what, of each lane's memory.
        """
        load = self.load.payload
        taken, whole = Signal(), Signal()
        byte = Signal(range(LINE_BYTES))
        column = Signal(range(self._lines * self._lanes + 1))
        shifted = Signal(8 * START_BYTES, reset_less=True)  # the last bytes, the latest on top
        m.d.comb += taken.eq(
            self.load.valid & (load.layer == self._layer) & (load.memory == AMPLIFIERS)
        )
        m.d.sync += whole.eq(taken & ~load.first & (byte == START_BYTES - 1))
        with m.If(taken):
            m.d.sync += byte.eq(byte + 1)
            with m.If(load.first | (byte < START_BYTES)):
                m.d.sync += shifted.eq(Cat(shifted[8:], load.data))
            with m.If(load.first):
                m.d.sync += [byte.eq(1), column.eq(load.address)]
            with m.Elif(byte == LINE_BYTES - 1):
                m.d.sync += column.eq(column + 1)
        lane_bits = (self._lanes - 1).bit_length()
        writes = []
        for lane in range(self._lanes):
            address = Signal(range(self._lines), name=f"address_{lane}")
            enable = Signal(name=f"enable_{lane}")
            start = Signal(signed(self._start_bits), name=f"start_{lane}")
            m.d.comb += [
                address.eq(column[lane_bits:]),
                enable.eq(whole & (column[:lane_bits] == lane)),
                start.eq(shifted),
            ]
            writes.append((address, enable, start))
        return writes
