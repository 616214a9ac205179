"""Images under way in the engine: from the first event taken to the last logit given."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.component import Component


class UnderWay(Component):
    """Counter of the images in the engine."""

    def __init__(self) -> None:
        super().__init__(
            {
                # An event is taken; if so, it is its image's last.
                "enters": In(1),
                "last": In(1),
                # An image's last logit is given.
                "leaves": In(1),
                # An image is under way; an image whose first event is taken in this clock does not
                # count.
                "any": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        arriving = Signal()
        count = Signal(24)
        none = Signal(init=1)
        # Counted a clock late: whether an event is taken is known late in its clock.
        entered = Signal()
        left = Signal()
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
