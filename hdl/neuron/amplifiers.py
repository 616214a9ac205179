"""Amplifiers of column sums: noise, offset, and the gain of the last layer."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import AMPLIFIERS, SUM_NOISE
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.buffers import Reservation
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    LOADS,
    amplified_layout,
    noise_layout,
    sum_layout,
)
from allspin.hdl.stream.multiplier import multiply
from allspin.hdl.stream.registers import later

GAIN_BITS = 14
"""Width of a share of the gain, signed: less than the gain itself. With it, unsigned."""
SHARE_BITS = 13
"""Fraction bits of a share."""
LINE_BYTES = 8
CLOCKS = 5
"""From a sum to its amplified one: noise, three for the product, rounding."""
UNDER_WAY = 16
"""Sums that may be in the amplifiers or wait behind them: more than their registers."""


class Amplifiers(Component):
    """Amplifiers of a hidden layer: they add noise to the sums of a beat.

    Throughput: R columns per cycle; latency 1.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    layer : int
        Layer of the columns.
    """

    def __init__(self, parameters: EngineParameters, layer: int) -> None:
        noise = noise_layout(parameters, layer)
        super().__init__(
            {
                "sums": In(stream.Signature(sum_layout(parameters.crossbars[layer]))),
                # `noise_layout`: noise of these columns.
                "noise": In(noise),
                "amplified": Out(stream.Signature(amplified_layout(parameters, layer))),
                # The neurons' part of the noise, with `amplified`.
                "uses": Out(noise["uses"].shape),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        given = self.amplified.payload
        found = self.sums.payload
        m.d.comb += self.sums.ready.eq(~self.amplified.valid | self.amplified.ready)
        with m.If(self.sums.ready):
            m.d.sync += [
                self.amplified.valid.eq(self.sums.valid),
                given.last.eq(found.last),
                self.uses.eq(self.noise.uses),
                *(
                    given.sums[lane].eq(found.sums[lane] + self.noise.sums[lane])
                    for lane in range(len(found.sums))
                ),
            ]


class LastAmplifiers(Component):
    """Amplifiers of the last layer: each sum gets noise and is multiplied by its gain.

    In hidden layers an amplifier's gain is a factor of its V-I converter's. The last layer has no
    converter, so the block multiplies the sum itself: ``sum + ((sum * share + 2**12) >> 13)``,
    which is ``(sum * (2**13 + share) + 2**12) >> 13``.

    Throughput: one column per cycle; latency 7.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._crossbar: CrossbarParameters = parameters.crossbars[-1]
        self._target = parameters.target
        layer = len(parameters.crossbars) - 1
        super().__init__(
            {
                "sums": In(stream.Signature(sum_layout(self._crossbar))),
                "noise": In(stream.Signature(noise_layout(parameters, layer))),
                # `LOAD_LAYOUT`, of this layer alone: bytes for SUM_NOISE and AMPLIFIERS are taken,
                # others ignored.
                "load": In(LOADS),
                "amplified": Out(stream.Signature(amplified_layout(parameters, layer))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        on, gain = self._build_load(m)
        given = self.amplified.payload
        width = signed(len(Value.cast(given.sums[0])))
        # The reader of the logits is far away, and no register of this block stalls for it.
        m.submodules.reservation = reservation = Reservation(
            given.shape(), UNDER_WAY, distributed=self._target.distributed_ram
        )
        wiring.connect(m, reservation.waiting, wiring.flipped(self.amplified))
        found = self.sums.payload
        credit = reservation.credit & (self.noise.valid | ~on)
        m.d.comb += [
            self.sums.ready.eq(credit),
            reservation.taken.eq(self.sums.valid & credit),
            self.noise.ready.eq(reservation.taken & on),
        ]
        noise = Mux(on, self.noise.payload.sums[0], 0)
        noisy = Signal(width)
        m.d.sync += noisy.eq(found.sums[0] + noise)
        product = multiply(m, platform, gain, noisy, "product")
        half = later(m, product + (1 << SHARE_BITS - 1), "half")
        m.d.comb += [
            reservation.arrives.eq(later(m, reservation.taken, "valid", CLOCKS, guarded=True)),
            reservation.payload.last.eq(later(m, found.last, "last", CLOCKS)),
            reservation.payload.sums[0].eq(half >> SHARE_BITS),
        ]

    def _build_load(self, m: Module) -> tuple[Signal, Signal]:
        """Build the memory of gains; return a noise-on bit, and the gain of the sum that is taken.

        The gain comes a clock later. It is a factor, as wide as the share of it that is kept; a
        class without a written gain has 1.
        """
        load = self.load.payload
        on = Signal(reset_less=True)  # a reset keeps it, like memories
        low = Signal(8, reset_less=True)
        byte = Signal(range(LINE_BYTES))
        class_ = Signal(range(self._crossbar.columns + 1))
        m.submodules.gains = gains = block_memory(
            signed(GAIN_BITS), self._crossbar.columns, distributed=self._target.distributed_ram
        )
        write = gains.write_port()
        read = gains.read_port(domain="comb")
        taken = self.load.valid & (load.memory == AMPLIFIERS)
        m.d.comb += [
            self.load.ready.eq(1),
            write.addr.eq(class_),
            write.data.eq(Cat(low, load.data)),
            write.en.eq(taken & ~load.first & (byte == LINE_BYTES - 1)),
        ]
        with m.If(self.load.valid & (load.memory == SUM_NOISE)):
            m.d.sync += on.eq(load.data[-1])  # the last byte's is the one that stays
        with m.If(taken):
            m.d.sync += [low.eq(load.data), byte.eq(byte + 1)]
            with m.If(load.first):
                m.d.sync += [byte.eq(1), class_.eq(load.address)]
            with m.Elif(byte == LINE_BYTES - 1):
                m.d.sync += class_.eq(class_ + 1)

        place = Signal(range(self._crossbar.columns))
        found = Signal(signed(GAIN_BITS), reset_less=True)
        gain = Signal(GAIN_BITS)
        m.d.comb += [read.addr.eq(place), gain.eq(found ^ (1 << SHARE_BITS))]
        m.d.sync += found.eq(read.data)
        with m.If(self.sums.valid & self.sums.ready):
            m.d.sync += place.eq(Mux(self.sums.payload.last, 0, place + 1))
        return on, gain
