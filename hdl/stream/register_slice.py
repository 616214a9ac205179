"""Registers across a stream, where no path may go straight through."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


class RegisterSlice(wiring.Component):
    """Every signal of both sides comes from a register.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item.
    every_clock : bool
        Whether an item can go through in every clock, for a second register, or in every
        other.

    Attributes
    ----------
    i, o : In(stream), Out(stream)
        Items, a clock later.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, shape: Any, *, every_clock: bool = False) -> None:
        self._every_clock = every_clock
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        """Build the registers."""
        m = Module()
        if not self._every_clock:
            m.d.comb += self.i.ready.eq(~self.o.valid)
            with m.If(~self.o.valid):
                m.d.sync += [self.o.payload.eq(self.i.payload), self.o.valid.eq(self.i.valid)]
            with m.Elif(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
            return m
        held = Signal(self.i.payload.shape())
        holds = Signal()  # an item that came when the last one was not taken
        m.d.comb += self.i.ready.eq(~holds)
        with m.If(~holds):
            m.d.sync += held.eq(self.i.payload)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                self.o.valid.eq(holds | self.i.valid),
                holds.eq(0),
            ]
            with m.If(holds):
                m.d.sync += self.o.payload.eq(held)
            with m.Else():
                m.d.sync += self.o.payload.eq(self.i.payload)
        with m.Else():
            m.d.sync += holds.eq(holds | self.i.valid)
        return m
