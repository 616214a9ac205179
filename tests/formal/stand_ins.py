"""What takes the place of a block's memory and of its inputs, so that a solver finds it easier."""

from collections.abc import Sequence
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import (
    Assert,
    Assume,
    Elaboratable,
    Module,
    Mux,
    Shape,
    ShapeLike,
    Signal,
    Value,
    ValueLike,
)
from amaranth.lib.memory import ReadPort, WritePort
from amaranth.utils import ceil_log2

from allspin.hdl.stream.buffers import Reservation


class FewWords(Elaboratable):
    """Stands in for a block's memory: keeps words at a few addresses, any; others are anything.

    What is proved with it holds of the memory, whose words are something. Solvers find it much
    easier than a memory.

    Parameters
    ----------
    shape : ShapeLike
        Of a word.
    depth : int
        Addresses.
    addresses : sequence of ValueLike
        Which words are kept; they must not change.

    Attributes
    ----------
    words : list of Signal
        What is at each of the addresses.
    """

    def __init__(self, shape: ShapeLike, depth: int, addresses: Sequence[ValueLike]) -> None:
        self._shape = shape
        self._depth = depth
        self._addresses = [Value.cast(address) for address in addresses]
        self._reads: list[ReadPort] = []
        self._writes: list[WritePort] = []
        self.words = [Signal(shape, name=f"word{k}") for k in range(len(addresses))]

    def read_port(self, *, domain: str) -> ReadPort:
        """As `amaranth.lib.memory.Memory` has it, in the ``comb`` domain."""
        assert domain == "comb"
        signature = ReadPort.Signature(shape=self._shape, addr_width=ceil_log2(self._depth))  # pyright: ignore[reportArgumentType]  # the stubs bind its shape to no type
        port = signature.create()
        self._reads.append(port)
        return port

    def write_port(self) -> WritePort:
        """As `amaranth.lib.memory.Memory` has it."""
        signature = WritePort.Signature(shape=self._shape, addr_width=ceil_log2(self._depth))  # pyright: ignore[reportArgumentType]  # the stubs bind its shape to no type
        port = signature.create()
        self._writes.append(port)
        return port

    def elaborate(self, platform: object) -> Module:
        """Build the words."""
        m = Module()
        for port in self._reads:
            m.d.comb += Value.cast(port.data).eq(AnySeq(Shape.cast(self._shape)))
        for word, address in zip(self.words, self._addresses, strict=True):
            for port in self._reads:
                with m.If(port.addr == address):
                    m.d.comb += port.data.eq(word)
            for port in self._writes:
                with m.If(port.en & (port.addr == address)):
                    m.d.sync += word.eq(port.data)
        return m


class Waiting(Reservation):
    """In place of a Reservation: nothing comes out, and what it says comes from outside."""

    @property
    def ahead(self) -> int:
        """How many may set out from `credits_ahead` on."""
        return self._ahead

    def elaborate(self, platform: object) -> Module:
        """Build what says anything."""
        m = Module()
        m.d.comb += [self.credit.eq(AnySeq(1)), self.credits_ahead.eq(AnySeq(1))]
        return m

    def check(self, m: Module) -> tuple[Signal, list[Signal]]:
        """Assert what a Reservation asks for: nothing sets out that may not, and all arrives.

        Parameters
        ----------
        m : Module
            Gets the logic.

        Returns
        -------
        left : Signal
            How many may still set out.
        set_out : list of Signal
            Whether something sets out now, did a clock ago, and two clocks ago.
        """
        may, left = Signal(range(self.ahead + 1)), Signal(range(self.ahead + 1))
        set_out = [self.taken, Signal(), Signal()]
        m.d.comb += [
            may.eq(Mux(self.credits_ahead, self.ahead, left)),
            Assert(~self.taken | self.credit | (may != 0)),
            Assert(self.arrives == set_out[2]),
        ]
        m.d.sync += [
            left.eq(may - (self.taken & (may != 0))),
            set_out[1].eq(set_out[0]),
            set_out[2].eq(set_out[1]),
        ]
        return left, set_out


def offer(m: Module, target: Any) -> None:
    """Put anything on a block's input stream, each item until it is taken.

    Parameters
    ----------
    m : Module
        Gets the logic.
    target : stream
        An input of the block.
    """
    payload = Value.cast(target.payload)
    waits = Signal()
    item = Signal(len(payload))
    m.d.comb += [target.valid.eq(AnySeq(1)), payload.eq(AnySeq(len(payload)))]
    m.d.sync += [waits.eq(target.valid & ~target.ready), item.eq(payload)]
    m.d.comb += Assume(~waits | (target.valid & (payload == item)))
