"""Registers in a row, and registers across a stream."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from allspin.hdl.stream.component import Component


def later(m: Module, value: Any, name: str, clocks: int = 1, guarded: bool = False) -> Any:
    """Delay a value; a value that only comes with a valid bit needs no reset."""
    for number in range(clocks):
        own = name if clocks == 1 else f"{name}_{number}"
        register = Signal.like(value, name=own, reset_less=not guarded)
        m.d.sync += register.eq(value)
        value = register
    return value


class RegisterSlice(Component):
    """Registers across a stream: every signal of both sides comes from a register.

    Throughput: one item per cycle, or per 2 cycles; latency 1.

    Parameters
    ----------
    shape : ShapeLike
        Shape of an item.
    every_clock : bool
        True if an item can go through in every clock, with a second register; else in every other
        clock.
    """

    def __init__(self, shape: Any, *, every_clock: bool = False) -> None:
        self._every_clock = every_clock
        super().__init__(
            {
                # Items, a clock later.
                "i": In(stream.Signature(shape)),
                "o": Out(stream.Signature(shape)),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers."""
        if not self._every_clock:
            m.d.comb += self.i.ready.eq(~self.o.valid)
            with m.If(~self.o.valid):
                m.d.sync += [self.o.payload.eq(self.i.payload), self.o.valid.eq(self.i.valid)]
            with m.Elif(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
            return
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
