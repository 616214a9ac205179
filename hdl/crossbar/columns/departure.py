"""When sums leave a shadow on a way that never stalls."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar import CrossbarParameters


class Departure(wiring.Component):
    """Sums set out when there is a credit, and the next pass may end when they are sure to be gone.

    Parameters
    ----------
    parameters : CrossbarParameters
        Of the crossbar.
    ahead : int
        Clocks from a pass's last beat to its sums in the shadow; of `credits_ahead` too.

    Attributes
    ----------
    begins : In(1)
        A pass's last beat is taken.
    ends, final : In(1)
        Its sums go into the shadow; those of an image's last pass.
    credit, credits_ahead : In(1)
        As of `allspin.hdl.stream.reservation.Reservation`.
    busy : Out(1)
        No pass may end.
    sets_out : Out(1)
        The next `neurons_per_clock` sums set out.
    last : Out(1)
        They are the image's last.
    """

    begins: Signal
    ends: Signal
    final: Signal
    credit: Signal
    credits_ahead: Signal
    busy: Signal
    sets_out: Signal
    last: Signal

    def __init__(self, parameters: CrossbarParameters, ahead: int) -> None:
        self._parameters = parameters
        self._ahead = ahead
        super().__init__(
            {
                "begins": In(1),
                "ends": In(1),
                "final": In(1),
                "credit": In(1),
                "credits_ahead": In(1),
                "busy": Out(1),
                "sets_out": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the counter."""
        m = Module()
        p = self._parameters
        step = p.neurons_per_clock
        left = Signal(range(p.lanes + 1))  # sums in the shadow that have not set out
        promised = Signal()  # the others are sure to
        image_ends = Signal()
        m.d.comb += [
            self.sets_out.eq((left != 0) & (self.credit | promised)),
            self.last.eq((left <= step) & image_ends),
        ]
        with m.If(self.sets_out):
            m.d.sync += left.eq(Mux(left > step, left - step, 0))
            with m.If(left <= step):
                m.d.sync += promised.eq(0)
                # There never were credits for all, so the next sums have waited until now.
                with m.If(~promised):
                    m.d.sync += self.busy.eq(0)
        # Few are left, and there are credits for all: by the time that the next sums come they
        # are gone.
        with m.If((left != 0) & (left <= self._ahead * step) & self.credits_ahead & ~promised):
            m.d.sync += self.busy.eq(0)
            with m.If(~(self.sets_out & (left <= step))):
                m.d.sync += promised.eq(1)
        with m.If(self.ends):
            m.d.sync += [
                left.eq(Mux(self.final, p.columns - (p.passes - 1) * p.lanes, p.lanes)),
                image_ends.eq(self.final),
            ]
        with m.If(self.begins):
            m.d.sync += self.busy.eq(1)
        return m
