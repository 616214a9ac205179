"""What the engine tells: the last crossbar's sums as logits with the winner, and counters."""

from itertools import chain

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream

from allspin.hdl.parameters.engine import ENGINE, EngineParameters
from allspin.hdl.stream.buffers import Component, In, Out, block_memory
from allspin.hdl.stream.layouts import amplified_layout, result_layout


class Readout(Component):
    """Pass the logits on and keep the lowest class with the largest one.

    One class a clock, two clocks later; where logic is slow, comparing takes a clock of its own
    and a class two. Softmax is the host's: it does not change the winner.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "sums": In(
                    stream.Signature(amplified_layout(parameters, len(parameters.crossbars) - 1))
                ),
                "results": Out(stream.Signature(result_layout(parameters))),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        # A register first: the comparison is long enough without the way from the crossbar.
        sum_ = Signal.like(self.sums.payload.sums[0], reset_less=True)
        last = Signal(reset_less=True)
        valid = Signal()
        class_ = Signal(range(self._parameters.classes))
        result = self.results.payload
        best = Signal.like(sum_)
        better = Signal()
        first = Signal(init=1)  # class 0 comes; a register, for the same reason
        compared = Signal()  # where logic is slow: with the sum that waits
        # Strictly greater, so that of equal classes the lowest wins.
        takes = ~self.results.valid | self.results.ready
        if self._parameters.target.slow_clock:
            above = Signal()
            m.d.comb += better.eq(first | above)
            m.d.sync += [above.eq(sum_ > best), compared.eq(valid)]
            with m.If(self.results.ready):
                m.d.sync += self.results.valid.eq(0)
            takes &= compared | ~valid
        else:
            m.d.comb += better.eq(first | (sum_ > best))
        with m.If(takes):
            if self._parameters.target.slow_clock:
                m.d.sync += compared.eq(0)
            m.d.comb += self.sums.ready.eq(1)
            m.d.sync += [
                sum_.eq(self.sums.payload.sums[0]),
                last.eq(self.sums.payload.last),
                valid.eq(self.sums.valid),
                self.results.valid.eq(valid),
            ]
            with m.If(valid):
                m.d.sync += [
                    result.logit.eq(sum_),
                    result.last.eq(last),
                    class_.eq(Mux(last, 0, class_ + 1)),
                    first.eq(last),
                ]
                with m.If(better):
                    m.d.sync += [best.eq(sum_), result.winner.eq(class_)]


VISIT = 2
"""Clocks to read a counter, and to add to it."""


class Counters(Component):
    """Count what the engine does.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Notes
    -----
    All counters lie in one memory and are visited in turn by one adder; what happens between
    two visits is kept in a few bits each. Forty bits of adder for each counter would be a
    tenth of an iCE40.
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
                # Layer whose counters are shown, or `ENGINE`.
                "layer": In(4),
                # Which of its two counters, as ``docs/protocol.md`` numbers them.
                "line": In(1),
                # That counter, while it is `shown`.
                "value": Out(64),
                # Once in each `loop`; after one of clocks in which nothing happens, all is counted.
                "shown": Out(1),
            }
        )

    @property
    def loop(self) -> int:
        """Clocks in which all counters are visited."""
        return VISIT * 2 * (len(self._parameters.crossbars) + 1)

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
            # A register, since what happens in a clock is known late in it.
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


# Images under way: from the first event taken to the last logit given.


class UnderWay(Component):
    """Tell whether any image is under way."""

    def __init__(self) -> None:
        super().__init__(
            {
                # An event is taken; if so, it is its image's last.
                "enters": In(1),
                "last": In(1),
                # An image's last logit is given.
                "leaves": In(1),
                # An image is under way, the one whose first event is being taken not counted.
                "any": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        arriving = Signal()
        count = Signal(24)
        none = Signal(init=1)
        # Counted a clock late: whether an event is taken is known late in its clock.
        entered, left = Signal(), Signal()
        m.d.comb += self.any.eq(arriving | entered | ~none)
        m.d.sync += [
            entered.eq(self.enters & self.last),
            left.eq(self.leaves),
            count.eq(count + entered - left),
        ]
        with m.If(self.enters):
            m.d.sync += arriving.eq(~self.last)
        with m.If(entered):
            m.d.sync += none.eq(0)
        with m.Elif(left):
            m.d.sync += none.eq(count == 1)
