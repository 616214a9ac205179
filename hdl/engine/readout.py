"""Logits of the last crossbar, and the class that wins."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.engine.shape import CLASS_BITS
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    amplified_layout,
    result_layout,
)


class Readout(Component):
    """Logits, and the lowest class with the largest one.

    Where logic is slow, the comparison takes a clock of its own, and a class two. Softmax is
    the host's: it does not change the winner.

    Throughput: one class per cycle; latency 2.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        ports = {
            "sums": In(
                stream.Signature(amplified_layout(parameters, len(parameters.crossbars) - 1))
            ),
            "results": Out(stream.Signature(result_layout(parameters))),
        }
        if parameters.general:
            # Classes that may win: the first ones.
            ports["classes"] = In(CLASS_BITS)
        super().__init__(ports)

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
        wins: Value = better
        if self._parameters.general:
            # Sums behind the last class never win.
            spare = Signal()
            wins = better & ~spare
            with m.If(takes & valid):
                m.d.sync += spare.eq(~last & (spare | (class_ + 1 == self.classes)))
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
                with m.If(wins):
                    m.d.sync += [best.eq(sum_), result.winner.eq(class_)]
