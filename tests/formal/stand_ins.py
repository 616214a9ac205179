"""Stand-ins for a block's memories and inputs that make a solver's work easier."""

from collections.abc import Sequence
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import (
    Assert,
    Elaboratable,
    Module,
    Mux,
    ShapeLike,
    Signal,
    Value,
    ValueLike,
)
from amaranth.lib.memory import ReadPort, WritePort
from amaranth.lib.wiring import Out
from amaranth.utils import ceil_log2

from allspin.hdl.stream.buffers import Reservation
from tests.formal.proof import anything, later


class FewWords(Elaboratable):
    """Stands in for a block's memory: keeps words at a few addresses, any; others are anything.

    A proof with it holds for the whole memory, since its words are any. Solvers find it much easier
    than a memory.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a word.
    depth : int
        Addresses.
    addresses : sequence of ValueLike
        Addresses of the words that are kept; they must not change.

    Attributes
    ----------
    words : list of Signal
        Content of each of the addresses.
    """

    def __init__(self, shape: ShapeLike, depth: int, addresses: Sequence[ValueLike]) -> None:
        self._of: Any = {"shape": shape, "addr_width": ceil_log2(depth)}
        self._addresses = [Value.cast(address) for address in addresses]
        self._reads: list[ReadPort] = []
        self._writes: list[WritePort] = []
        self.words = [Signal(shape, name=f"word{k}") for k in range(len(addresses))]

    def read_port(self, *, domain: str) -> ReadPort:
        """Add a write port, as `amaranth.lib.memory.Memory` has it."""
        assert domain == "comb"
        self._reads.append(ReadPort.Signature(**self._of).create())
        return self._reads[-1]

    def write_port(self) -> WritePort:
        """Add a read port of the ``comb`` domain, as `amaranth.lib.memory.Memory` has it."""
        self._writes.append(WritePort.Signature(**self._of).create())
        return self._writes[-1]

    def elaborate(self, platform: object) -> Module:
        """Build the words."""
        m = Module()
        m.d.comb += [anything(port.data) for port in self._reads]
        for word, address in zip(self.words, self._addresses, strict=True):
            for port in self._reads:
                with m.If(port.addr == address):
                    m.d.comb += port.data.eq(word)
            for port in self._writes:
                with m.If(port.en & (port.addr == address)):
                    m.d.sync += word.eq(port.data)
        return m


class Waiting(Reservation):
    """Stand-in for a Reservation: no item comes out, and its credits come from outside."""

    @property
    def ahead(self) -> int:
        """Number of items that may set out from `credits_ahead` on."""
        return self._ahead

    def elaborate(self, platform: object) -> Module:
        """Build ports that are driven from outside."""
        m = Module()
        m.d.comb += [anything(self.credit), anything(self.credits_ahead)]
        return m

    def check(self, m: Module) -> tuple[Signal, list[Signal]]:
        """Assert the rules of a Reservation: an item sets out only with a credit, and all arrive.

        Parameters
        ----------
        m : Module
            Gets the logic.

        Returns
        -------
        left : Signal
            Number of items that may still set out.
        set_out : list of Signal
            An item sets out now, did a clock ago, and two clocks ago.
        """
        left = Signal(range(self.ahead + 1))
        may = Mux(self.credits_ahead, self.ahead, left)
        set_out = [later(m, self.taken, clocks) for clocks in range(3)]
        m.d.sync += left.eq(may - (self.taken & (may != 0)))
        m.d.comb += [
            Assert(~self.taken | self.credit | (may != 0)),
            Assert(self.arrives == set_out[2]),
        ]
        return left, set_out


def offer(m: Module, target: Any, may: ValueLike = 1) -> None:
    """Put anything on a stream at any time, each item until it is taken.

    Parameters
    ----------
    m : Module
        Gets the logic.
    target : stream
        Input of the block, or output of a part's stand-in.
    may : ValueLike
        Condition on which an item may be offered.
    """
    payload = Value.cast(target.payload)
    waits, item = later(m, target.valid & ~target.ready), later(m, payload)
    m.d.comb += [
        target.valid.eq(waits | (Value.cast(may) & AnySeq(1))),
        payload.eq(Mux(waits, item, AnySeq(len(payload)))),
    ]


def of_anything(kind: type) -> type:
    """In place of a component: it gives anything at any time."""

    class Stranger(kind):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            for _, member, port in self.signature.flatten(self):
                if member.flow is Out:
                    m.d.comb += anything(port)
            return m

    return Stranger
