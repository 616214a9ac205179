"""Where the cache is, and how what it keeps is named."""

import contextlib
import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from allspin.sim.errors import UserError

VARIABLE = "ALLSPIN_CACHE"
"""Environment variable that names another folder for the cache."""
FIX = f"set {VARIABLE} to a folder that can be written"


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
    if os.path.isabs(users := os.environ.get("XDG_CACHE_HOME", "")):
        return _made(Path(users) / "allspin")
    return users_folder() or _temporary()


def users_folder() -> Path | None:
    """``.cache/allspin`` in the user's home; None where there is no home or it is read-only."""
    if not os.path.isabs(home := os.path.expanduser("~")):
        return None
    folder = Path(home) / ".cache" / "allspin"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the cache folder {folder}: {error.strerror}; {FIX}"
        ) from error
    return folder


def _temporary() -> Path:
    """A folder where all users may write, so one that another user laid there is refused."""
    try:
        folder = Path(tempfile.gettempdir()) / f"allspin-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise UserError(f"there is no place for a cache: {error.strerror}; {FIX}") from error
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o022:
        raise UserError(f"the cache folder {folder} is open to other users; {FIX}")
    return folder


def kept_folder(name: str) -> Path:
    """A folder within the cache's, which is made.

    Raises
    ------
    UserError
        If the cache cannot be written.
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
"""Seconds between looks at a lock that another process holds."""


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
