"""Where the cache is, and how tools run: with a cache of their own, with a log, and stoppable."""

import contextlib
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from allspin.sim.errors import UserError, refused
from allspin.sim.systems import SystemModule

fcntl, system = map(SystemModule, ("fcntl", "os"))

OTHERS = stat.S_IWGRP | stat.S_IWOTH
"""Mode by which others may write."""
VARIABLE = "ALLSPIN_CACHE"
"""Environment variable that names another folder for the cache."""
FIX = f"set {VARIABLE} to a folder that can be written"
USERS_CACHE = "XDG_CACHE_HOME"
"""Environment variable that names the user's cache folder, where Amaranth's Yosys and YoWASP's
tools keep what they compile of themselves. The former does not run without such a folder."""


def cache_folder() -> Path:
    """Where builds are kept.

    Returns
    -------
    Path
        The folder that the environment variable ALLSPIN_CACHE names; else ``allspin`` in the
        user's cache folder; else, for a user who has no home or may not write there (as in
        containers), a folder of the user's own among the system's temporary files.

    Raises
    ------
    UserError
        If it cannot be made, or is not the user's own.
    """
    if named := os.environ.get(VARIABLE):
        return _made(Path(os.path.expanduser(named)).absolute())
    # By the XDG Base Directory Specification a path that is not absolute does not count.
    if os.path.isabs(users := os.environ.get(USERS_CACHE, "")):
        return _made(Path(users) / "allspin")
    if own := users_folder():
        return _made(own)
    with refused("there is no place for a cache: ", f"; {FIX}", OSError):
        place = tempfile.gettempdir()
    # All users may write there, so a link is refused: who laid it is not known.
    return _made(Path(place) / f"allspin-{system.getuid()}", Path.lstat)


def users_folder() -> Path | None:
    """``.cache/allspin`` in the user's home; None where there is no home or it is read-only."""
    if not os.path.isabs(home := os.path.expanduser("~")):
        return None
    folder = Path(home) / ".cache" / "allspin"
    try:
        folder.mkdir(stat.S_IRWXU, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _made(folder: Path, look: Callable[[Path], os.stat_result] = Path.stat) -> Path:
    """Make a folder of programs unless it is there; one where another user may write is refused."""
    with refused(f"cannot make the cache folder {folder}: ", f"; {FIX}", OSError):
        folder.mkdir(stat.S_IRWXU, parents=True, exist_ok=True)
        found = look(folder)
    if found.st_uid != system.getuid() or found.st_mode & OTHERS:
        raise UserError(
            f"the cache folder {folder} is open to other users, and programs in it are run; "
            f"chmod -R go-w {folder}, or set {VARIABLE} to a folder of your own"
        )
    return folder


def kept_folder(name: str) -> Path:
    """A folder within the cache's, which is made.

    Raises
    ------
    UserError
        If the cache cannot be written, or others may write there.
    """
    return _made(cache_folder() / name)


def digest(*parts: str | bytes) -> str:
    """Name for a build: the same parts give the same name, others another.

    Parameters
    ----------
    *parts : str or bytes
        All that the build depends on.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()[:32]


POLL = 0.1
"""Seconds between looks at a lock that another process holds, and at a running tool."""


@contextlib.contextmanager
def only_builder(name: str, waiting: Callable[[float], None]) -> Iterator[None]:
    """Be the only process that makes a build; the system ends the lock with its process.

    Parameters
    ----------
    name : str
        Of the build.
    waiting : callable
        Told several times a second for how many seconds another process has been at it.
    """
    begun = time.monotonic()
    with (kept_folder("locks") / name).open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting(time.monotonic() - begun)
                time.sleep(POLL)
        yield


def tool_environment() -> dict[str, str]:
    """The variables with which a tool is started; all have a cache, also without a home."""
    # By the XDG Base Directory Specification a path that is not absolute does not count.
    if os.path.isabs(os.environ.get(USERS_CACHE, "")) or users_folder():
        return dict(os.environ)
    return {**os.environ, USERS_CACHE: str(kept_folder("tools"))}


SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""As Python's -P: a Python takes no module from the current folder, which may be anybody's."""


@contextlib.contextmanager
def for_tools_of_others() -> Iterator[None]:
    """Give this process those variables, while a library starts a tool or a Python by itself."""
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
                    system.killpg(process.pid, signal.SIGKILL)
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
