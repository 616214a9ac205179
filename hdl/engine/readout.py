"""The readout: the last crossbar's sums as logits, and the winning class."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.stream.buffers import Component
from allspin.hdl.stream.layouts import AmplifiedLayout, ResultLayout


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
                    stream.Signature(AmplifiedLayout(parameters, len(parameters.crossbars) - 1))
                ),
                "results": Out(stream.Signature(ResultLayout(parameters))),
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
