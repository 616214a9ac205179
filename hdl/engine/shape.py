"""Shape register: which layer of a general machine is the last hidden one, and its classes."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import In, Out

from allspin.hdl.chip.speck import LAYER_BITS
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import ENGINE, SHAPE, SHAPE_BYTES
from allspin.hdl.stream.component import Component
from allspin.hdl.stream.layouts import (
    LOADS,
)

CLASS_BITS = 16


class NetworkShape(Component):
    """Shape of the network on a general machine: its last hidden layer, and its classes.

    Parameters
    ----------
    parameters : EngineParameters
        Parameters of the whole engine, which give the shape until another is written.
    """

    def __init__(self, parameters: EngineParameters) -> None:
        last = len(parameters.crossbars) - 1
        super().__init__(
            {
                # Bytes for the memory SHAPE are taken, others ignored.
                "load": In(LOADS),
                # Last hidden layer.
                "route": Out(LAYER_BITS, init=last - 1),  # pyright: ignore[reportCallIssue]  # the stubs leave init out
                "classes": Out(CLASS_BITS, init=parameters.classes),  # pyright: ignore[reportCallIssue]
            }
        )

    def build(self, m: Module, platform: object) -> None:
        """Build the registers."""
        load = self.load.payload
        line = Cat(self.route, Signal(8 - LAYER_BITS), self.classes)
        assert len(line) == 8 * SHAPE_BYTES
        m.d.comb += self.load.ready.eq(1)
        with m.If(self.load.valid & (load.layer == ENGINE) & (load.memory == SHAPE)):
            m.d.sync += line.eq(Cat(line[8:], load.data))
