"""Functional coverage: events within a component while a bench drives it.

A `Recording` keeps the handshakes of all streams, the states of all FSMs and the pointers of all
rings, clock by clock; a `Coverage` counts from it how often each named bin was hit.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.hdl import Cat, Fragment, Module, Shape, Signal
from amaranth.lib import wiring

from tests.hdl.streams import StreamBench

RINGS = {
    "BeatPlayer": ("head",),
    "CobsEncoder": ("head", "tail", "place"),
    "FrameBuffer": ("head", "whole", "tail"),
    "FrameReceiver": ("oldest", "newest"),
    "Queue": ("head",),
    "Replay": ("start", "cursor"),
    "Reservation": ("head",),
    "Ring": ("end",),
}
"""Pointers that count round a memory, by the component that has it."""

STREAM = ("moves", "held back", "awaited")
"""Bins of a stream: a clock in which it moves, in which only its source is willing, or its sink."""

_NUMBER = re.compile(r"[._]\d+")
"""Number of a port among several alike."""
Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Part:
    """A component within a design.

    Attributes
    ----------
    path : tuple of str
        Names of the submodules that lead to it.
    component : wiring.Component
        The component itself.
    fragment : Fragment
        Its statements and FSMs.
    """

    path: tuple[str, ...]
    component: Any
    fragment: Any

    @property
    def kind(self) -> str:
        """The class of the component."""
        return type(self.component).__name__

    def streams(self) -> Iterator[tuple[str, Any, Any]]:
        """Each of its streams: name, `valid` and `ready`."""
        ports = {
            tuple(map(str, path)): port
            for path, _, port in self.component.signature.flatten(self.component)
        }
        for path, port in ports.items():
            if path[-1] == "valid" and (*path[:-1], "ready") in ports:
                yield ".".join(path[:-1]), port, ports[*path[:-1], "ready"]

    def signal(self, name: str) -> Any:
        """A register or wire of its own.

        Raises
        ------
        KeyError
            If it drives no signal of that name.
        """
        for statements in self.fragment.statements.values():
            for statement in statements:
                for signal in statement._lhs_signals():
                    if signal.name == name:
                        return signal
        raise KeyError(f"{self.kind} has no signal {name!r}")


def parts(fragment: Any, path: tuple[str, ...] = ()) -> Iterator[Part]:
    """The components of a design, the outermost first."""
    for origin in fragment.origins or ():
        if isinstance(origin, wiring.Component):
            yield Part(path, origin, fragment)
    for inner, name, _ in fragment.subfragments:
        yield from parts(inner, (*path, name or ""))


class Recording:
    """Signals of a design, clock by clock.

    Parameters
    ----------
    dut : Elaboratable
        The design; it is elaborated here.

    Attributes
    ----------
    parts : tuple of Part
        Its components.
    """

    def __init__(self, dut: Any) -> None:
        self._dut = Fragment.get(dut, None)
        self.parts = tuple(parts(self._dut))
        self._signals: list[Any] = []
        self._places: dict[int, int] = {}
        self._word: Any = None  # all of them, of the clock before
        self._words: list[int] = []
        self._bits: Bits | None = None
        for part in self.parts:
            for _, valid, ready in part.streams():
                self.keep(valid, ready)
            self.keep(*(machine.state for machine in part.fragment.generated.values()))
            self.keep(*(part.signal(name) for name in RINGS.get(part.kind, ())))

    def keep(self, *signals: Any) -> None:
        """Keep more signals; before `simulated`."""
        for signal in signals:
            if id(signal) not in self._places:
                self._places[id(signal)] = sum(len(kept) for kept in self._signals)
                self._signals.append(signal)

    def simulated(self) -> Module:
        """The design for the simulator, with a register that keeps its signals.

        The simulator compiles the register, but interprets each signal that a testbench asks for.
        """
        m = Module()
        m.submodules.dut = self._dut
        self._word = Signal(sum(map(len, self._signals)), reset_less=True)
        m.d.sync += self._word.eq(Cat(self._signals))
        return m

    async def sample(self, ctx: Any) -> None:
        """A testbench, for the background, that writes all of it down."""
        while True:
            await ctx.tick()
            self._words.append(ctx.get(self._word))
            self._bits = None

    def bench(self, *, stall: float = 0.0, seed: int = 0) -> StreamBench:
        """A bench that drives the design while this writes it down."""
        bench = StreamBench(self.simulated(), stall=stall, seed=seed)
        bench.play(self.sample)
        return bench

    def __len__(self) -> int:
        """Clocks so far."""
        return len(self._words)

    def values(self, signal: Any) -> npt.NDArray[np.int64]:
        """A signal that was kept, in each clock just before the edge that ends it."""
        if self._bits is None:
            size = -(-sum(map(len, self._signals)) // 8)
            content = b"".join(word.to_bytes(size, "little") for word in self._words)
            packed = np.frombuffer(content, np.uint8).reshape(-1, size)
            self._bits = np.unpackbits(packed, axis=1, bitorder="little").astype(np.bool_)
        first, width = self._places[id(signal)], len(signal)
        powers = 1 << np.arange(width, dtype=np.int64)
        if Shape.cast(signal.shape()).signed:
            powers[-1] *= -1
        return self._bits[:, first : first + width] @ powers

    def of(self, kind: str) -> Iterator[Part]:
        """The components of a class."""
        return (part for part in self.parts if part.kind == kind)


class Coverage:
    """Named bins, and how often each was hit.

    Parameters
    ----------
    never : mapping of str to str
        Patterns of bins that cannot be hit, and the reasons; a hit of one of them is an error.
    """

    def __init__(self, never: Mapping[str, str] | None = None) -> None:
        self.hits: Counter[str] = Counter()
        self._never = dict(never or {})

    def count(self, name: str, hits: int | np.integer | Bits = 1) -> None:
        """Count hits of a bin; 0 hits count too, and give the bin its name.

        Parameters
        ----------
        name : str
            The bin's.
        hits : int or ndarray of bool, shape (clocks,)
            Number of hits, or the clocks, each true one a hit.
        """
        self.hits[name] += int(np.count_nonzero(hits) if isinstance(hits, np.ndarray) else hits)

    def add(self, recording: Recording, but: Collection[str] = ()) -> None:
        """Count the stalls of all streams, the states of all FSMs and the turns of all rings.

        Components of a class share their bins: a stream of the class is held back if that of one
        of them is.

        Parameters
        ----------
        recording : Recording
            Recording whose events are counted.
        but : collection of str
            Classes of components that are not counted: those that only a bench has.
        """
        for part in recording.parts:
            if part.kind in but:
                continue
            for name, valid, ready in part.streams():
                offered = recording.values(valid) == 1
                wanted = recording.values(ready) == 1
                stream = f"{part.kind}.{_NUMBER.sub('', name)}"
                for how, clocks in zip(
                    STREAM,
                    (offered & wanted, offered & ~wanted, ~offered & wanted),
                    strict=True,
                ):
                    self.count(f"{stream}: {how}", clocks)
            for name, machine in part.fragment.generated.items():
                states = recording.values(machine.state)
                for state, number in machine.encoding.items():
                    self.count(f"{part.kind}.{name}: {state}", states == number)
            for name in RINGS.get(part.kind, ()):
                pointer = part.signal(name)
                steps = np.diff(recording.values(pointer))
                # Wound back by less than half a turn it has not wrapped.
                self.count(f"{part.kind}.{name}: wraps", steps < -(1 << len(pointer) - 1))

    def table(self) -> str:
        """Counts of all bins: a line for each stream, then one for each other bin; then reasons."""

        def cell(name: str) -> str:
            return "never" if self._reason(name) else f"{self.hits[name]:,}"

        streams = {n.rpartition(": ")[0] for n in self.hits if n.rpartition(": ")[2] in STREAM}
        in_streams = [[f"{stream}: {how}" for how in STREAM] for stream in sorted(streams)]
        others = sorted(set(self.hits).difference(*in_streams))
        lines = [f"{'stream':38}" + "".join(f"{how:>12}" for how in STREAM)]
        for names in in_streams:
            stream = names[0].rpartition(": ")[0]
            lines.append(f"{stream:38}" + "".join(f"{cell(name):>12}" for name in names))
        lines += ["", f"{'bin':62}{'hits':>12}"]
        lines += [f"{name:62}{cell(name):>12}" for name in others]
        reasons = sorted(set(self._never.values()))
        if reasons:
            lines += ["", "never"]
        for reason in reasons:
            lines.append(reason)
            lines += [f"    {one}" for one, why in self._never.items() if why == reason]
        return "\n".join(lines)

    def check(self) -> None:
        """See that each bin was hit, but those that cannot be.

        Raises
        ------
        AssertionError
            If a bin was not hit, one was that never should, or a pattern is of no bin.
        """
        missed = [name for name, hits in self.hits.items() if not hits and not self._reason(name)]
        assert not missed, f"never hit: {', '.join(sorted(missed))}"
        wrong = [name for name, hits in self.hits.items() if hits and self._reason(name)]
        assert not wrong, f"hit, and said to be never: {', '.join(sorted(wrong))}"
        empty = [one for one in self._never if not any(fnmatchcase(n, one) for n in self.hits)]
        assert not empty, f"patterns of no bin: {', '.join(empty)}"

    def _reason(self, name: str) -> str | None:
        return next((why for one, why in self._never.items() if fnmatchcase(name, one)), None)
