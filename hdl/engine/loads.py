"""Bytes that are loaded into the engine's memories."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib.wiring import In, Out

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, STATES
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import LOAD_LAYOUT, LOADS


class Loads(Component):
    """Register of all loaded bytes, so that the link's logic ends before the broadcast; it tells
    when the last byte has arrived.

    Throughput: one byte per cycle.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine.
    settle : int
        Clocks from a byte here to the byte in its memory, at most.
    """

    def __init__(self, parameters: EngineParameters, settle: int) -> None:
        self._settle = settle
        self._has_states = parameters.variation is not None
        self._far = self._has_states and parameters.target.wide
        super().__init__(
            {
                # Byte from the link.
                "load": In(LOADS),
                # The byte.
                "byte": Out(LOAD_LAYOUT),
                # The byte is for a memory, but not for states.
                "valid": Out(1),
                # And for that layer's; a bit for each.
                "layers": Out(len(parameters.crossbars)),
                # Bytes of states. The Programmer may hold them back, and the link sees this
                # register and not the Programmer.
                "states": Out(LOADS),
                # The Programmer has words under way.
                "programming": In(1),
                # Not every byte is in its memory yet; a register, since much waits for it.
                "loading": Out(1),
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the block."""
        asked = self.load.payload
        states = Const(0)
        if self._has_states:
            states = (asked.memory == STATES) & (asked.layer != ENGINE)
        free = Signal(init=1)  # no byte is held back: a register for the link and the loads alone
        opens = Signal()  # it is a line's first: of its own, since `byte` goes everywhere
        chosen = Signal(len(self.layers))
        m.d.comb += [
            self.load.ready.eq(free),
            self.layers.eq(Mux(self.valid, chosen, 0)),
            self.states.payload.eq(self.byte),
        ]
        held = self.states.valid
        taken = self.states.ready
        if self._far:
            # The Programmer is far from here, so the signals that it waits for have a register
            # beside it.
            held = Signal(name="held")
            first = Signal(name="first", reset_less=True)
            taken = self.states.valid & self.states.ready
            m.d.sync += [self.states.valid.eq(held & ~taken), first.eq(opens)]
            m.d.comb += self.states.payload.first.eq(first)
        else:
            m.d.comb += self.states.payload.first.eq(opens)
        with m.If(free):
            m.d.sync += [
                self.byte.eq(asked),
                chosen.eq(1 << asked.layer),
                self.valid.eq(self.load.valid & ~states),
                held.eq(self.load.valid & states),
                free.eq(~(self.load.valid & states)),
                opens.eq(asked.first & states),
            ]
        with m.Elif(taken):
            m.d.sync += [held.eq(0), free.eq(1)]

        busy = Signal()
        settling = Signal(range(self._settle + 1))
        m.d.comb += busy.eq(self.valid | self.programming | held)
        m.d.sync += [
            settling.eq(Mux(busy, self._settle, settling - (settling != 0))),
            self.loading.eq(self.load.valid | busy | (settling > 1)),
        ]
