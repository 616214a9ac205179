"""Errors of column sums: read noise and the offset of the amplifier."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.normal import product_bits
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import AMPLIFIERS, SUM_NOISE
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOADS
from allspin.sim.chip.generator import FRACTION_BITS
from allspin.sim.chip.words import USE_BITS

SPREAD_BYTES = 4
LINE_BYTES = 8
START_BYTES = 6
DROPPED_BITS = FRACTION_BITS + USE_BITS


def load_spread(m: Module, port: stream.Interface, layer: int, memory: int) -> Signal:
    """Take bytes for a layer's memory of a spread from a port; ignore others."""
    load = port.payload
    loaded = Signal(8 * SPREAD_BYTES, reset_less=True)
    m.d.comb += port.ready.eq(1)
    with m.If(port.valid & (load.layer == layer) & (load.memory == memory)):
        m.d.sync += loaded.eq(Cat(loaded[8:], load.data))
    return loaded


class SumErrors(Component):
    """Errors of sums: normal values times their spread, with the offset of the amplifier.

    Beats come in the order of columns. The offset is added before fraction bits are dropped, and
    contains the half that rounds.

    Throughput: one beat per cycle; latency 2.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    layer : int
        Layer of the sums.
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
                # The layer has errors to add.
                "on": Out(1),
                # One standard deviation of read noise.
                "spread": Out(spread),
                # A beat of products.
                "valid": In(1),
                # Its normal values times `spread`.
                "products": In(product).array(lanes),
                # The errors of a beat, for one clock.
                "made": Out(1),
                # Errors that are added to its sums.
                "errors": Out(signed(parameters.sum_noise_bits(layer))).array(lanes),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        loaded = load_spread(m, self.load, self._layer, SUM_NOISE)
        # The host sends no wider spread; the highest bit switches the errors on.
        m.d.comb += [
            self.spread.eq(loaded[: len(self.spread) - 1]),
            self.on.eq(loaded[-1]),
        ]
        line = Signal(range(self._lines))
        with m.If(self.valid):
            m.d.sync += line.eq(Mux(line == self._lines - 1, 0, line + 1))
        found = Signal()
        summed = Signal()
        m.d.sync += [found.eq(self.valid), summed.eq(found)]
        m.d.comb += self.made.eq(summed)
        writes = self._build_starts(m)
        for lane, product in enumerate(self.products):
            memory = block_memory(
                signed(self._start_bits), self._lines, distributed=self._target.distributed_ram
            )
            m.submodules[f"starts_{lane}"] = memory
            address, enable, start = writes[lane]
            write = memory.write_port()
            read = memory.read_port(domain="comb")
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
        """Take eight bytes for a column, of which the first six are the offset.

        Returns
        -------
        list of tuple
            Address, write enable and start of each lane's memory.
        """
        load = self.load.payload
        taken = Signal()
        whole = Signal()
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
