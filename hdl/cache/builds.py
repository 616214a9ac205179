"""Builds: folders that are made once, whole or not at all, and checked whenever they are opened."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from allspin.hdl.cache.folder import BUILDS, FIX, OTHERS, kept_folder
from allspin.hdl.cache.limit import remove, shrink_cache
from allspin.hdl.cache.process import POLL
from allspin.hdl.cache.seal import SEAL, find_flaw, seal, sync
from allspin.sim.errors import refused
from allspin.sim.systems import SystemModule

fcntl = SystemModule("fcntl")


def _wait_silently(seconds: float) -> None:
    """Show nothing while another process builds."""


def build_once(
    name: str,
    build: Callable[[Path], object],
    waiting: Callable[[float], None] = _wait_silently,
    program: str | None = None,
) -> Path:
    """Return the folder of a build, and make the build first unless it exists and is intact.

    Processes that want the same build at once wait for the first. An interrupted build leaves no
    folder that could be taken for a build. The seal has the digests of all files; if one is wrong,
    a line on stderr says so and the build is made again. After a new build the ones that were used
    longest ago make room for it (`allspin.hdl.cache.limit.shrink_cache`).

    Parameters
    ----------
    name : str
        Unique name of the build (see `allspin.hdl.cache.folder.digest`).
    build : callable
        Fills the empty folder that it is given. The folder is moved afterwards, so no file in it
        may contain its path.
    waiting : callable
        Called several times a second with the seconds for which another process has been building.
    program : str, optional
        File in the folder that must be executable.

    Returns
    -------
    Path
        The finished folder, which must not be changed. It stays for at least an hour.

    Raises
    ------
    UserError
        If the cache cannot be written.
    """
    folder = kept_folder(BUILDS)
    done = folder / name
    if _is_intact(done, program):
        return done
    with _only_builder(name, waiting):
        if _is_intact(done, program):
            return done
        if done.is_dir():
            flaw = find_flaw(done, program)
            line = f"allspin: the build {name} in the cache is made anew: {flaw}"
            print(line, file=sys.stderr, flush=True)
            remove(done)
        for left_over in folder.glob(f".{name}.*"):  # of a build that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        _make(done, build)
    shrink_cache()
    return done


def _make(done: Path, build: Callable[[Path], object]) -> None:
    """Build in a folder of another name, which gets its own once it is complete and on the disk."""
    folder = done.parent
    with _cannot_write(folder):
        work = Path(tempfile.mkdtemp(prefix=f".{done.name}.", dir=folder))
    try:
        with _cannot_write(folder):
            build(work)
            seal(work)
            # Compilers obey the umask, which may let other users write.
            for path in (work, *work.rglob("*")):
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode & ~OTHERS)
            work.chmod(0o755)
            work.rename(done)
            sync(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _cannot_write(folder: Path) -> contextlib.AbstractContextManager[None]:
    return refused(f"cannot write the cache folder {folder}: ", f"; {FIX}", OSError)


def _is_intact(done: Path, program: str | None) -> bool:
    """Check that a build exists and is intact; its time of last use is then now."""
    if not done.is_dir() or find_flaw(done, program) is not None:
        return False
    with contextlib.suppress(OSError):
        os.utime(done / SEAL)
    return True


@contextlib.contextmanager
def _only_builder(name: str, waiting: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock of a build; the system releases it when this process ends."""
    begin = time.monotonic()
    with (kept_folder("locks") / name).open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting(time.monotonic() - begin)
                time.sleep(POLL)
        yield
