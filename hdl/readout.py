"""The readout: the last crossbar's sums as logits, and the winning class."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.parameters import EngineParameters
from hdl.streams import ResultLayout, SumLayout


class Readout(wiring.Component):
    """Pass the logits on and keep the lowest class with the largest one.

    One class a clock, one clock later. Softmax is the host's: it does not change the
    winner.

    Parameters
    ----------
    parameters : EngineParameters
        Of the whole engine.

    Attributes
    ----------
    sums : In(stream)
        `SumLayout` of the last crossbar.
    results : Out(stream)
        `ResultLayout`.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        self._parameters = parameters
        super().__init__(
            {
                "sums": In(stream.Signature(SumLayout(parameters.crossbars[-1]))),
                "results": Out(stream.Signature(ResultLayout(parameters))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the block."""
        m = Module()
        sum_ = self.sums.payload.sums[0]
        class_ = Signal(range(self._parameters.classes))
        result = self.results.payload
        best = Signal.like(sum_)
        better = Signal()
        first = Signal(init=1)  # class 0 comes; a register, since the comparison is long enough
        # Strictly greater, so that of equal classes the lowest wins.
        m.d.comb += better.eq(first | (sum_ > best))
        with m.If(~self.results.valid | self.results.ready):
            m.d.comb += self.sums.ready.eq(1)
            m.d.sync += self.results.valid.eq(self.sums.valid)
            with m.If(self.sums.valid):
                m.d.sync += [
                    result.logit.eq(sum_),
                    result.last.eq(self.sums.payload.last),
                    class_.eq(Mux(self.sums.payload.last, 0, class_ + 1)),
                    first.eq(self.sums.payload.last),
                ]
                with m.If(better):
                    m.d.sync += [best.eq(sum_), result.winner.eq(class_)]
        return m
