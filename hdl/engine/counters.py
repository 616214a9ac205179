"""Counters of driven rows, sums and clocks."""

from itertools import chain

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE
from allspin.hdl.stream.block_memory import block_memory
from allspin.hdl.stream.component import Component


class EngineCounters(Component):
    """Counters of driven rows, sums, clocks and images.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.

    Notes
    -----
    All counters lie in one memory and are visited in turn by one adder; a few bits for each counter
    keep the events between two visits. Forty bits of adder for each counter would be a tenth of an
    iCE40.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        layers = len(parameters.crossbars)
        super().__init__(
            {
                # At least one image is under way in this clock.
                "busy": In(1),
                # An image's result is complete in this clock.
                "image": In(1),
                # Layer by layer: how many rows are driven, and how many columns' sums are taken
                # (their neurons are used), as many as are in a clock.
                "row": In(data.ArrayLayout(range(parameters.most_at_once + 1), layers)),
                "column": In(data.ArrayLayout(range(parameters.most_at_once + 1), layers)),
                # Set all counters to zero.
                "clear": In(1),
                # Layer of the counters to show, or `ENGINE`.
                "layer": In(4),
                # Counter of the layer, as ``docs/protocol.md`` numbers them.
                "line": In(1),
                # The counter, while it is `shown`.
                "value": Out(64),
                # The counter is shown once in each `loop`; after one idle loop all events are
                # counted.
                "shown": Out(1),
            }
        )

    @property
    def loop(self) -> int:
        """Clocks in which all counters are visited."""
        return 2 * 2 * (len(self._parameters.crossbars) + 1)  # reading a counter, and adding to it

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        layers = len(self._parameters.crossbars)
        of_layers = ([self.row[layer], self.column[layer]] for layer in range(layers))
        events: list[Value] = [*chain(*of_layers), self.busy, self.image]
        slots = len(events)

        m.submodules.counts = counts = block_memory(self._parameters.counter_bits, slots)
        read = counts.read_port(domain="comb")
        write = counts.write_port()
        slot = Signal(range(slots))
        chosen = Signal(range(slots))
        adds = Signal()  # the second clock of a visit
        stale = Signal(range(slots + 1), init=slots)  # visits to counters that start from zero
        stored = Signal(self._parameters.counter_bits)
        most = self._parameters.most_at_once * (self.loop + 1)
        recent = [Signal(range(most + 1), name=f"recent_{number}") for number in range(slots)]
        grabbed = Signal(range(most + 1))
        total = Signal(self._parameters.counter_bits)
        m.d.comb += [
            chosen.eq(Mux(self.layer == ENGINE, 2 * layers, self.layer << 1) + self.line),
            read.addr.eq(slot),
            total.eq(Mux(stale != 0, 0, stored) + grabbed),
        ]
        # An iCE40's adder takes most of a clock, so its sum leaves from a register; another counter
        # is read meanwhile.
        leaves = m.d.sync if self._parameters.target.slow_clock else m.d.comb
        leaves += [
            write.addr.eq(slot),
            write.data.eq(total),
            write.en.eq(adds),
            self.value.eq(total),
            self.shown.eq(adds & (slot == chosen)),
        ]
        for number, (sum_, more) in enumerate(zip(recent, events, strict=True)):
            # The events of a clock are known late in it, so they go through a register.
            seen = Signal.like(more, name=f"seen_{number}")
            m.d.sync += [seen.eq(more), sum_.eq(sum_ + seen)]
            with m.If(~adds & (slot == number)):
                m.d.sync += [sum_.eq(seen), grabbed.eq(sum_)]
            with m.If(self.clear):
                m.d.sync += [seen.eq(0), sum_.eq(0)]
        m.d.sync += [adds.eq(~adds), stored.eq(read.data)]
        with m.If(adds):
            m.d.sync += slot.eq(Mux(slot == slots - 1, 0, slot + 1))
            with m.If(stale != 0):
                m.d.sync += stale.eq(stale - 1)
        with m.If(self.clear):
            m.d.sync += [grabbed.eq(0), stale.eq(slots)]
