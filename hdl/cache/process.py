"""Run a tool: in its folder, with its output kept in a log, and stoppable."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from allspin.hdl.cache.folder import cache_folder, users_folder
from allspin.sim.errors import UserError

# The environment variables of tools: those in WebAssembly need a cache of their own.
#
# Amaranth's Yosys and YoWASP's tools keep what they compile of themselves in the user's cache
# folder. The former does not run where there is no such folder.

USERS_CACHE = "XDG_CACHE_HOME"
"""Environment variable that names the user's cache folder."""


def tool_environment() -> dict[str, str]:
    """The variables with which a tool is started; all have a cache, also without a home."""
    # By the XDG Base Directory Specification a path that is not absolute does not count.
    if os.path.isabs(os.environ.get(USERS_CACHE, "")) or users_folder():
        return dict(os.environ)
    return {**os.environ, USERS_CACHE: str(cache_folder() / "tools")}


@contextlib.contextmanager
def for_tools_of_others() -> Iterator[None]:
    """Give this process those variables, while a library starts a tool by itself."""
    before = os.environ.get(USERS_CACHE)
    wanted = tool_environment().get(USERS_CACHE)
    try:
        if wanted is not None:
            os.environ[USERS_CACHE] = wanted
        yield
    finally:
        if before is None:
            os.environ.pop(USERS_CACHE, None)
        else:
            os.environ[USERS_CACHE] = before


POLL = 0.2
"""Seconds between looks at a running tool."""
GUARD = Path(__file__).with_name("guard.py")
"""What runs the tool, and ends it when this process is gone."""

Progress = Callable[[str, float], None]
"""Called several times a second with what is being done and for how many seconds now."""


def no_progress(what: str, seconds: float) -> None:
    """Show nothing."""


def run_tool(
    command: Sequence[str],
    folder: Path,
    log: str,
    what: str,
    progress: Progress = no_progress,
    *,
    variables: Mapping[str, str | None] | None = None,
) -> int:
    """Run a command to its end, or to the end of this process.

    The command and all that it starts are a process group. They end with an exception that is
    raised meanwhile, such as for Ctrl-C, and with this process, however it ends.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    folder : Path
        Where it runs.
    log : str
        File in the folder that gets all that it prints.
    what : str
        What it does, for `progress`.
    progress : callable
        Told how long it has been running.
    variables : mapping, optional
        Environment variables that it gets besides, or that it lacks where the value is None.

    Returns
    -------
    int
        Its exit status; 128 and the signal's number where a signal ended it.

    Raises
    ------
    UserError
        If it cannot be run.
    """
    begun = time.monotonic()
    progress(what, 0.0)
    if shutil.which(command[0]) is None:
        raise UserError(f"cannot run {command[0]}: there is no such program")
    changed = {**tool_environment(), **(variables or {})}
    with (folder / log).open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), *command],
            cwd=folder,
            env={name: value for name, value in changed.items() if value is not None},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        assert process.stdin is not None
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL)
                progress(what, time.monotonic() - begun)
        finally:
            if process.poll() is None or process.returncode < 0:  # the guard, not the tool
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdin.close()


def cannot_run(program: str, error: OSError) -> UserError:
    """One line for a program that was found but does not start."""
    reason = error.strerror
    if isinstance(error, FileNotFoundError) and os.path.exists(program):
        reason = "what it names as its interpreter is not there"
    return UserError(f"cannot run {program}: {reason}")


def first_line(command: Sequence[str]) -> str:
    """The first line that a command prints, such as its version; empty if it prints none.

    Raises
    ------
    UserError
        If it cannot be run.
    """
    try:
        done = subprocess.run(
            command,
            env=tool_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise cannot_run(command[0], error) from error
    lines = (done.stdout or done.stderr).splitlines()
    return lines[0] if lines else ""


def complaint(log: Path) -> str:
    """What a failed tool said: its first line with "error", else its last line."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
        lines = [line for line in lines if line]
        errors = (line for line in lines if "error" in line.lower())
        return next(errors, lines[-1] if lines else "it said nothing")
    return "it said nothing"
