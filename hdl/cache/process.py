"""Tools as child processes: with a cache folder of their own and a log, and stoppable."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from allspin.hdl.cache.folder import USERS_CACHE, kept_folder, system, users_folder
from allspin.sim.errors import UserError

POLL = 0.1
"""Seconds between two looks at a running tool, and at a lock that another process holds."""


def tool_environment() -> dict[str, str]:
    """Return the environment variables of a tool; it has a cache folder even without a home."""
    # The XDG Base Directory Specification ignores relative paths.
    if os.path.isabs(os.environ.get(USERS_CACHE, "")) or users_folder():
        return dict(os.environ)
    return {**os.environ, USERS_CACHE: str(kept_folder("tools"))}


SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""Variable like Python's -P: no module is taken from the current folder, which may be anyone's."""


@contextlib.contextmanager
def for_tools_of_others() -> Iterator[None]:
    """Give this process a tool's variables while a library starts a tool or Python by itself."""
    wanted = {USERS_CACHE: tool_environment().get(USERS_CACHE), **SAFE_PATH}
    before = {name: os.environ.get(name) for name in wanted}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


GUARD = Path(__file__).with_name("guard.py")
"""Program that runs the tool, and ends it when this process has gone."""

Progress = Callable[[str, float], None]
"""Called several times a second with the current step and the seconds since it began."""


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

    The command and all its children form a process group. The group ends with an exception that
    is raised meanwhile, such as for Ctrl-C, and with this process, however it ends.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    folder : Path
        Its current folder.
    log : str
        File in the folder that receives its output.
    what : str
        Name of the step, for `progress`.
    progress : callable
        Called with the step and the seconds since it began.
    variables : mapping, optional
        Additional environment variables; a variable whose value is None is removed.

    Returns
    -------
    int
        Exit status; 128 plus the number of the signal that ended the command.

    Raises
    ------
    UserError
        If the command cannot be run.
    """
    begin = time.monotonic()
    progress(what, 0.0)
    if shutil.which(command[0]) is None:
        raise UserError(f"cannot run {command[0]}: there is no such program")
    environment = {**tool_environment(), **(variables or {})}
    with (folder / log).open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), *command],
            cwd=folder,
            env={name: value for name, value in environment.items() if value is not None},
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
                progress(what, time.monotonic() - begin)
        finally:
            if process.poll() is None or process.returncode < 0:  # the guard, not the tool
                with contextlib.suppress(ProcessLookupError):
                    system.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdin.close()


def cannot_run(program: str, error: OSError) -> UserError:
    """Return a one-line error for a program that exists but does not start."""
    reason = error.strerror
    if isinstance(error, FileNotFoundError) and os.path.exists(program):
        reason = "what it names as its interpreter is not there"
    return UserError(f"cannot run {program}: {reason}")


def first_line(command: Sequence[str]) -> str:
    """Return the first line that a command prints, such as its version; empty without output.

    Raises
    ------
    UserError
        If the command cannot be run.
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
    """Return a failed tool's message: its first line with "error", else its last line."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
        lines = [line for line in lines if line]
        errors = (line for line in lines if "error" in line.lower())
        return next(errors, lines[-1] if lines else "it said nothing")
    return "it said nothing"
