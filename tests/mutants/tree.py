"""A copy of the tree that mutants are tried in, and the programs that run in it."""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.mutants.mutations import Mutant
from tests.mutants.plugin import KILLS, KNOWN, REPORT

LONGEST = 1800
"""Seconds after which anything is stopped: by the clock, and of the processor."""
MEMORY = 4 << 30
"""Bytes that a process may take; a mutant may ask for any number."""
LAYERS = ("sim", "hdl", "boards", "host")
PACKAGES = tuple(f"allspin.{layer}" for layer in LAYERS)
PR_SET_PDEATHSIG = 1
"""Option of prctl(2)."""
DESIGNS = "tests.mutants.designs"
GATEWARE = ("hdl/", "boards/")
SHARES_CACHE = ("sim/", "host/")
"""Mutants of these leave the gateware as it is, so its builds can be kept."""


class Stopped(Exception):
    """Somebody wants this to end."""


class Tree:
    """A copy of the tree.

    Parameters
    ----------
    source : Path
        The tree.
    names : sequence of str
        Its files.
    folder : Path
        Folder of the copy and, beside it, of the files that its tests write.
    cache : Path
        Folder of builds that stay for the next run.
    """

    def __init__(self, source: Path, names: Sequence[str], folder: Path, cache: Path) -> None:
        self.root = folder / "tree"
        self._scratch = folder / "scratch"
        self._cache = cache
        self._stopped = threading.Event()
        self.names = names
        for name in names:
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target)
        # Python takes a file of the same second and length for the same; by its digest it does not.
        self._check("-m", "compileall", "-q", "--invalidation-mode", "checked-hash", *LAYERS)
        # Another copy may be installed.
        packages = ", ".join(PACKAGES)
        where = f"import {packages}; print(*(m.__file__ for m in ({packages})))"
        for path in self._check("-c", where).split():
            assert Path(path).is_relative_to(self.root), f"{path} is not of {self.root}"

    @contextlib.contextmanager
    def changed(self, mutant: Mutant) -> Iterator[None]:
        """A mutant of the copy, which is then as it was."""
        path = self.root / mutant.path
        source = path.read_text(encoding="utf-8")
        path.write_text(mutant.apply(source), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(source, encoding="utf-8")

    def stop(self) -> None:
        """End the process that runs, and let no other begin."""
        self._stopped.set()

    def imports(self, path: str) -> bool:
        """True if a file can be imported."""
        module = path.removesuffix(".py").replace("/", ".")
        return self._run("-c", f"import allspin.{module}")[0] == 0

    def digests(
        self,
        names: Sequence[str] = (),
        expected: dict[str, str] | None = None,
        optimised: bool = False,
    ) -> dict[str, str]:
        """Digests of designs, up to the first that is not as expected.

        They are as `tests.mutants.designs` prints them; empty if it cannot be run.
        """
        options = ["--optimised"] if optimised else []
        if expected is not None:
            path = self.root.parent / "expected.json"
            path.write_text(json.dumps(expected))
            options += ["--expect", str(path)]
        status, said = self._run("-m", DESIGNS, *options, "--", *names)
        return _object(said) if status == 0 else {}

    def design_names(self) -> list[str]:
        """The names of all designs."""
        return _object(self._check("-m", DESIGNS, "--names"))

    def lines(self, names: Sequence[str]) -> dict[str, dict[str, list[int]]]:
        """The lines that each design executes."""
        return _object(self._check("-m", DESIGNS, "--trace", "--", *names))

    def test(
        self, tests: Sequence[str], known: Path, kills: Mapping[str, int], shares_cache: bool
    ) -> dict:
        """Run tests until one fails, and report as `tests.mutants.plugin` does.

        Where pytest came to no end, `failed` is the empty text.
        """
        report = self._scratch / "report.json"
        report.unlink(missing_ok=True)
        variables = {REPORT: str(report), KNOWN: str(known), KILLS: json.dumps(dict(kills))}
        if shares_cache:
            variables["ALLSPIN_CACHE"] = str(self._cache)
        base = self._scratch / "pytest"
        options = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"]
        options += ["-p", "tests.mutants.plugin", f"--basetemp={base}", f"--rootdir={self.root}"]
        status, said = self._run("-m", "pytest", *options, *tests, **variables)
        if status in (3, 4, 5):
            raise RuntimeError(f"pytest {' '.join(tests)}: {said.strip()[-500:]}")
        if not report.exists():
            said = f"ended with status {status}"
            return {"failed": "", "said": said, "where": "", "passed": {}}
        return json.loads(report.read_text())

    def _check(self, *arguments: str) -> str:
        status, said = self._run(*arguments)
        if status != 0:
            raise RuntimeError(f"python {' '.join(arguments)}: {said.strip()[-500:]}")
        return said

    def _run(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run Python in the copy, and end it if it takes long; its status and its output."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        for name in ("tmp", "cache"):
            (self._scratch / name).mkdir(parents=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "PYTHONHASHSEED": "0",
            # Keep bytecode: pytest's rewriting takes longer than most tests.
            "PYTHONDONTWRITEBYTECODE": "",
            "TMPDIR": str(self._scratch / "tmp"),
            "ALLSPIN_CACHE": str(self._scratch / "cache"),
            **variables,
        }
        output = self._scratch / "output"
        end = time.monotonic() + LONGEST
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=_limit,
            )
            while not self._stopped.is_set() and time.monotonic() < end:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(0.05)
                    break
            # With all that it has started.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            status = process.wait()
        if self._stopped.is_set():
            raise Stopped
        return status, output.read_text(encoding="utf-8", errors="replace")


def _limit() -> None:
    """Limit the time and memory of a new process, and let it end when this one does."""
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def listed_files(root: Path) -> list[str]:
    """Every file that git has, or that it would take."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [name for name in listing.split("\0") if name and (root / name).is_file()]


def write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _object(said: str) -> Any:
    """The object that one line is; a library may have said something before or after."""
    for line in reversed(said.splitlines()):
        with contextlib.suppress(ValueError):
            return json.loads(line)
    raise RuntimeError(f"no object in: {said.strip()[-500:]}")
