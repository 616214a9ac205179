"""Locks between processes, which end with the process that holds them, however it ends."""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

POLL = 0.1
"""Seconds between looks at a lock that another process holds."""
MOST_IN_USE = 128
"""Folders that a process keeps in use; a process may have a thousand files open, or fewer."""

_in_use: dict[Path, int] = {}
"""Open files whose shared locks say that this process uses something, the latest last."""


def _is_still(handle: int, path: Path) -> bool:
    """Whether a path still leads to the file that was opened."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


@contextlib.contextmanager
def only_builder(path: Path, waiting: Callable[[float], None]) -> Iterator[None]:
    """Be the only one that builds something; the lock's file is there only for that long.

    Parameters
    ----------
    path : Path
        The lock's file.
    waiting : callable
        Told several times a second for how many seconds another process has been at it.
    """
    begun = time.monotonic()
    while (handle := _try_exclusive(path, os.O_CREAT)) is None:
        waiting(time.monotonic() - begun)
        time.sleep(POLL)
    try:
        yield
    finally:
        # Whoever waits for this file finds that it is gone, and opens another.
        path.unlink(missing_ok=True)
        os.close(handle)


@contextlib.contextmanager
def nobody_else(path: Path) -> Iterator[bool]:
    """Whether no process holds the lock of a file, if there is one; none gets it meanwhile."""
    try:
        handle = _try_exclusive(path, 0)
    except OSError as error:
        yield isinstance(error, FileNotFoundError)
        return
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def _try_exclusive(path: Path, flags: int) -> int | None:
    """The open file whose lock this process alone has now; None where another has it."""
    handle = os.open(path, os.O_RDWR | flags, 0o666)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_still(handle, path):
            return handle
    os.close(handle)
    return None


def take_into_use(path: Path) -> bool:
    """Hold a file's lock together with others, until this process ends.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bool
        Whether it is there.
    """
    if (held := _in_use.pop(path, None)) is not None:
        if _is_still(held, path):
            _in_use[path] = held
            return True
        os.close(held)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe there must not hang it
    except OSError:
        return False
    fcntl.flock(handle, fcntl.LOCK_SH)  # whoever removes it is soon done
    if not _is_still(handle, path):
        os.close(handle)
        return False
    _in_use[path] = handle
    while len(_in_use) > MOST_IN_USE:
        os.close(_in_use.pop(next(iter(_in_use))))
    return True
