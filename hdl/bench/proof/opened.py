"""A block whose inner signals can be named."""

import contextlib

from amaranth.hdl import (
    Cat,
    Const,
    Elaboratable,
    Fragment,
    MemoryInstance,
    Shape,
    Signal,
    Value,
    ValueLike,
)
from amaranth.hdl._ast import SignalSet


class Opened(Elaboratable):
    """A block whose inner signals can be named, for the invariants of an induction.

    Parameters
    ----------
    block : Elaboratable
        Elaborated here, once; this takes its place as a submodule.
    """

    def __init__(self, block: Elaboratable) -> None:
        self._fragment = Fragment.get(block, None)
        self._signals: dict[str, SignalSet] = {}
        self._memories: dict[str, MemoryInstance] = {}
        self._collect(self._fragment, "")

    def _collect(self, fragment: Fragment, prefix: str) -> None:
        if isinstance(fragment, MemoryInstance):
            self._memories[prefix[:-1]] = fragment
        for statements in fragment.statements.values():  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
            for statement in statements:
                for signal in statement._lhs_signals():
                    self._signals.setdefault(prefix + signal.name, SignalSet()).add(signal)
        for part, name, _ in fragment.subfragments:  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
            self._collect(part, f"{prefix}{name}.")

    def named(self, name: str) -> list[Signal]:
        """The signals of a name that the block drives; of a submodule as ``submodule.name``."""
        return list(self._signals.get(name, ()))

    def __getitem__(self, name: str) -> Signal:
        """The signal of a name.

        Raises
        ------
        KeyError
            If the block drives none of that name, or several.
        """
        found = self.named(name)
        if len(found) != 1:
            raise KeyError(f"{name}: {len(found)} signals; there are {sorted(self._signals)}")
        return found[0]

    def state(self, fsm: str, *states: str) -> Value:
        """Whether a state machine is in one of these states."""
        signal = self[f"{fsm}_state"]
        assert signal.decoder is not None
        numbers = {}
        for number in range(2 ** len(signal)):
            with contextlib.suppress(KeyError):  # more numbers than states
                numbers[str(signal.decoder(number)).split("/")[0]] = number
        return Cat(signal == numbers[state] for state in states).any()

    def word(self, memory: str, address: ValueLike) -> Signal:
        """A word of one of the block's memories; the memory by the name of its submodule."""
        instance = self._memories[memory]
        data = Signal(Shape.cast(instance._data.shape))  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
        instance.read_port(domain="comb", addr=address, data=data, en=Const(1), transparent_for=())  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
        return data

    def elaborate(self, platform: object) -> Fragment:
        """The block."""
        return self._fragment
