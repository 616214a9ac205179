"""Simulators compiled from the gateware, kept from one run to the next."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sim.errors import UserError

VARIABLE = "ALLSPIN_CACHE"
"""Environment variable that names another folder for the cache."""
POLL = 0.1
"""Seconds between looks at a lock that another process holds."""


def cache_folder() -> Path:
    """Where builds are kept.

    Returns
    -------
    Path
        The folder that the environment variable ALLSPIN_CACHE names, else ``allspin`` in
        the user's cache folder.

    Raises
    ------
    UserError
        If it cannot be made.
    """
    named = os.environ.get(VARIABLE)
    if named:
        folder = Path(named).expanduser().absolute()
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "allspin"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the cache folder {folder}: {error.strerror}; "
            f"set {VARIABLE} to a folder that can be written"
        ) from error
    return folder


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


def _wait_alone(seconds: float) -> None:
    """Say nothing while another process builds."""


def build_once(
    name: str,
    build: Callable[[Path], None],
    waiting: Callable[[float], None] = _wait_alone,
) -> Path:
    """The folder of a build, built now unless it is there.

    Processes that want the same build at once wait for the first. A build that is cut
    short leaves nothing that could be taken for a build.

    Parameters
    ----------
    name : str
        Of the build, unique (see `digest`).
    build : callable
        Fills the empty folder that it is given. The folder is moved afterwards, so nothing
        in it may hold its path.
    waiting : callable
        Told several times a second for how many seconds another process has been building.

    Returns
    -------
    Path
        The finished folder; it must not be changed.

    Raises
    ------
    UserError
        If the cache cannot be written.
    """
    folder = cache_folder()
    done = folder / name
    if done.is_dir():
        return done
    with contextlib.ExitStack() as stack:
        try:
            # The lock stays behind: whoever waits for it must wait for the same file.
            lock = stack.enter_context((folder / f"{name}.lock").open("w"))
            begun = time.monotonic()
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                waiting(time.monotonic() - begun)
                time.sleep(POLL)
            if done.is_dir():
                return done
            for left_over in folder.glob(f".{name}.*"):  # of a build that was killed
                shutil.rmtree(left_over, ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder))
        except OSError as error:
            raise UserError(
                f"cannot write the cache folder {folder}: {error.strerror}; "
                f"set {VARIABLE} to a folder that can be written"
            ) from error
        stack.callback(shutil.rmtree, work, ignore_errors=True)
        build(work)
        work.chmod(0o755)
        work.rename(done)
    return done
