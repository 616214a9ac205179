"""Run a tool: in its folder, with its output kept in a log, and stoppable."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sim.errors import UserError

POLL = 0.2
"""Seconds between looks at a running tool."""

Progress = Callable[[str, float], None]
"""Called several times a second with what is being done and for how many seconds now."""


def no_progress(what: str, seconds: float) -> None:
    """Show nothing."""


def run_tool(
    command: Sequence[str], folder: Path, log: str, what: str, progress: Progress = no_progress
) -> int:
    """Run a command to its end.

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

    Returns
    -------
    int
        Its exit status.

    Raises
    ------
    UserError
        If it cannot be run.
    """
    begun = time.monotonic()
    progress(what, 0.0)
    with (folder / log).open("w") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # some tools start others
            )
        except OSError as error:
            raise UserError(f"cannot run {command[0]}: {error.strerror}") from error
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return process.wait(POLL)
                progress(what, time.monotonic() - begun)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def complaint(log: Path) -> str:
    """What a failed tool said: its first line with "error", else its last line."""
    with contextlib.suppress(OSError):
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
        lines = [line for line in lines if line]
        errors = (line for line in lines if "error" in line.lower())
        return next(errors, lines[-1] if lines else "it said nothing")
    return "it said nothing"
