"""Files that have mutants, tests that are run for one, and mutants that no test can see."""

import ast
import hashlib
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from tests.mutants.mutations import Mutant, find_mutants

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("table.toml")
LAYERS = ("sim", "hdl", "boards", "host", "tests")


@dataclass(frozen=True)
class Unseen:
    """A mutant that no test could see.

    Parameters
    ----------
    file : str
        The file.
    line, changed : str
        The line that it changes, before and after, without indentation.
    reason : str
        Reason that no test could see it.
    """

    file: str
    line: str
    changed: str
    reason: str

    def is_of(self, mutant: Mutant, root: Path) -> bool:
        """True if this entry is about a mutant of a tree."""
        if self.file != mutant.path:
            return False
        source = (root / mutant.path).read_text(encoding="utf-8")
        lines = (text.splitlines()[mutant.line - 1] for text in (source, mutant.apply(source)))
        return tuple(line.strip() for line in lines) == (self.line, self.changed)


@dataclass(frozen=True)
class Table:
    """The table of a tree.

    Parameters
    ----------
    root : Path
        Of the tree.
    files : tuple of str
        Those that have mutants, in order.
    more : dict
        Patterns of tests, besides those of a file's own name, by patterns of files.
    unseen : tuple of Unseen
        Mutants that no test could see.
    """

    root: Path
    files: tuple[str, ...]
    more: dict[str, tuple[str, ...]]
    unseen: tuple[Unseen, ...]

    @classmethod
    def read(cls, path: Path = TABLE, root: Path = ROOT) -> "Table":
        """Read it."""
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        found = {
            file.relative_to(root).as_posix()
            for pattern in content["include"]
            for file in root.glob(pattern)
            if file.name != "__init__.py"
        }
        return cls(
            root,
            tuple(sorted(found)),
            {file: tuple(tests) for file, tests in content["tests"].items()},
            tuple(Unseen(**entry) for entry in content.get("unseen", [])),
        )

    def reason(self, mutant: Mutant) -> str:
        """Reason that no test could see a mutant; empty if a test could."""
        found = (unseen.reason for unseen in self.unseen if unseen.is_of(mutant, self.root))
        return next(found, "")

    def tests(self, file: str) -> tuple[str, ...]:
        """The files of tests that are run for a mutant of a file: its own first."""
        folder, _, name = file.rpartition("/")
        patterns = [f"tests/{folder}/test_{name}"]
        for of, tests in self.more.items():
            if fnmatchcase(file, of):
                patterns += tests
        found = (path for pattern in patterns for path in sorted(self.root.glob(pattern)))
        return tuple(dict.fromkeys(path.relative_to(self.root).as_posix() for path in found))

    def mutants(self) -> list[Mutant]:
        """The mutants of all files."""
        return [
            mutant
            for file in self.files
            for mutant in find_mutants(file, (self.root / file).read_text(encoding="utf-8"))
        ]

    def state(self, file: str) -> str:
        """Digest of all that decides the outcome of a mutant of a file.

        That is the file, its tests, and all files of this tree that these import.
        """
        return self._digest([file, *self.tests(file)])

    def state_of_designs(self) -> str:
        """The same of the designs that mutants of gateware are compared with."""
        return self._digest(["tests/mutants/designs.py"])

    def _digest(self, names: Iterable[str]) -> str:
        total = hashlib.sha256()
        for name in sorted(self._reached(names)):
            total.update(f"{name}\0".encode() + (self.root / name).read_bytes() + b"\0")
        return total.hexdigest()[:16]

    def _reached(self, names: Iterable[str]) -> set[str]:
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            waiting += _imports(self.root, name)
            folders = Path(name).parents if name.startswith("tests/") else ()
            waiting += [
                f"{folder}/conftest.py"
                for folder in folders
                if (self.root / folder / "conftest.py").is_file()
            ]
        return reached


@cache
def _imports(root: Path, name: str) -> list[str]:
    """Files of this tree that a file imports, at its top or within functions."""
    found = []
    for module in _modules(ast.parse((root / name).read_text(encoding="utf-8"))):
        path = module.removeprefix("allspin.").replace(".", "/")
        if path.split("/")[0] in LAYERS:
            found += [file for file in (f"{path}.py",) if (root / file).is_file()]
    return found


def _modules(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sample(mutants: Iterable[Mutant], seed: int, count: int) -> list[Mutant]:
    """Draw some mutants.

    Each has a place by a digest of its key and the seed, so a smaller sample is the beginning
    of a larger one, and a change of one file leaves the other files' mutants in the sample.
    """

    def place(mutant: Mutant) -> str:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).hexdigest()

    return sorted(mutants, key=place)[:count]
