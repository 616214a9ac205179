"""Folder of the cache, and digests that name its entries."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from allspin.sim.errors import UserError, refused
from allspin.sim.systems import SystemModule

system = SystemModule("os")

OTHERS = stat.S_IWGRP | stat.S_IWOTH
"""Mode bits that let other users write."""
VARIABLE = "ALLSPIN_CACHE"
"""Environment variable that names another cache folder."""
FIX = f"set {VARIABLE} to a folder that can be written"
USERS_CACHE = "XDG_CACHE_HOME"
"""Environment variable that names the user's cache folder. Amaranth's Yosys and YoWASP's tools keep
their compiled code there; Amaranth's Yosys does not run without such a folder."""
BUILDS = "builds"
"""Folder of builds within the cache."""


def cache_folder() -> Path:
    """Return the cache folder, and create it if necessary.

    Returns
    -------
    Path
        The folder that the environment variable ALLSPIN_CACHE names; else ``allspin`` in the
        user's cache folder. A user who has no home or may not write there (as in containers)
        gets a folder of their own among the system's temporary files.

    Raises
    ------
    UserError
        If the folder cannot be created, or other users may write to it.
    """
    if named := os.environ.get(VARIABLE):
        return _create(Path(os.path.expanduser(named)).absolute())
    # The XDG Base Directory Specification ignores relative paths.
    if os.path.isabs(users := os.environ.get(USERS_CACHE, "")):
        return _create(Path(users) / "allspin")
    if own := users_folder():
        return _create(own)
    with refused("there is no place for a cache: ", f"; {FIX}", OSError):
        place = tempfile.gettempdir()
    # Any user may create files there, so a symbolic link is refused.
    return _create(Path(place) / f"allspin-{system.getuid()}", Path.lstat)


def users_folder() -> Path | None:
    """Return ``.cache/allspin`` in the user's home; None without a writable home."""
    if not os.path.isabs(home := os.path.expanduser("~")):
        return None
    folder = Path(home) / ".cache" / "allspin"
    try:
        folder.mkdir(stat.S_IRWXU, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _create(folder: Path, look: Callable[[Path], os.stat_result] = Path.stat) -> Path:
    """Create a folder of programs if necessary; refuse one that another user may write to."""
    with refused(f"cannot make the cache folder {folder}: ", f"; {FIX}", OSError):
        folder.mkdir(stat.S_IRWXU, parents=True, exist_ok=True)
        status = look(folder)
    if status.st_uid != system.getuid() or status.st_mode & OTHERS:
        raise UserError(
            f"the cache folder {folder} is open to other users, and programs in it are run; "
            f"chmod -R go-w {folder}, or set {VARIABLE} to a folder of your own"
        )
    return folder


def kept_folder(name: str) -> Path:
    """Return a folder within the cache, and create it if necessary.

    Raises
    ------
    UserError
        If the cache cannot be written, or other users may write there.
    """
    return _create(cache_folder() / name)


def digest(*parts: str | bytes) -> str:
    """Return a name for a cache entry: equal parts give equal names, other parts another name.

    Parameters
    ----------
    *parts : str or bytes
        Everything that the entry depends on.

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
