"""Departure of sums from the shadow registers of a crossbar's columns."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.stream.component import Component


class Departure(Component):
    """Departure of sums with credits: the next pass may end as soon as these sums are sure to
    leave.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    ahead : int
        Clocks from a pass's last beat to its sums in the shadow; of `credits_ahead` too.
    """

    def __init__(self, parameters: CrossbarParameters, ahead: int, **more: Any) -> None:
        self._parameters = parameters
        self._ahead = ahead
        super().__init__(
            {
                # A pass's last beat is taken.
                "begins": In(1),
                # Its sums go into the shadow; those of an image's last pass.
                "ends": In(1),
                "final": In(1),
                # Credits of `allspin.hdl.stream.buffers.Reservation`.
                "credit": In(1),
                "credits_ahead": In(1),
                # No pass may end.
                "busy": Out(1),
                # The next `neurons_per_clock` sums set out.
                "sets_out": Out(1),
                # The sums are the image's last.
                "last": Out(1),
                **more,
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the counter."""
        p = self._parameters
        step = p.neurons_per_clock
        left = Signal(range(p.lanes + 1))  # sums in the shadow that have not set out
        promised = Signal()  # the credits of the remaining sums are sure
        image_ends = Signal()
        m.d.comb += [
            self.sets_out.eq((left != 0) & (self.credit | promised)),
            self.last.eq((left <= step) & image_ends),
        ]
        with m.If(self.sets_out):
            m.d.sync += left.eq(Mux(left > step, left - step, 0))
            with m.If(left <= step):
                m.d.sync += promised.eq(0)
                # The credits never sufficed for all, so the next sums have waited until now.
                with m.If(~promised):
                    m.d.sync += self.busy.eq(0)
        # Few sums are left, and the credits suffice for all, so they are gone by the time that the
        # next sums come.
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


class PipelinedDeparture(Departure):
    """Departure that ends a pass as soon as all its sums have places, so that sums follow without a
    stop.

    Sums set out at a fixed distance from the last beat of their pass. So a pass may end as soon as
    the sums of the pass before will have left when its own come. `ends` and `final` belong to the
    clock of `begins` here, and `credits_ahead` to a pass's sums; `credit` is not used.

    Parameters
    ----------
    parameters : CrossbarParameters
        Parameters of the crossbar.
    ahead : int
        Clocks from a pass's last beat to its first sums that set out.
    """

    def __init__(self, parameters: CrossbarParameters, ahead: int) -> None:
        # A place is taken for the next sums.
        super().__init__(parameters, ahead, taken=Out(1))

    def build(self, m: Module, platform: object) -> None:
        """Build the counter."""
        whole, final = self._parameters.drains
        left = Signal(range(max(whole, final)))  # that take their places later than in this clock
        image_ends = Signal()
        closes = Signal()
        way = Signal(self._ahead)
        lasts = Signal(self._ahead)
        m.d.comb += [
            self.busy.eq((left != 0) | ~self.credits_ahead),
            self.taken.eq(self.begins | (left != 0)),
            closes.eq(Mux(self.begins, self.final & (final == 1), image_ends & (left == 1))),
            self.sets_out.eq(way[-1]),
            self.last.eq(lasts[-1]),
        ]
        m.d.sync += [way.eq(Cat(self.taken, way)), lasts.eq(Cat(closes, lasts))]
        with m.If(self.begins):
            m.d.sync += [
                left.eq(Mux(self.final, final - 1, whole - 1)),
                image_ends.eq(self.final),
            ]
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
