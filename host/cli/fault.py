"""A fault of this program: a line for the user, and a file for whoever mends it."""

import hashlib
import os
import platform
import shlex
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from allspin.host.show.revision import commit, version
from allspin.host.show.say import one_line, printable, tell, warn

DEBUG = "ALLSPIN_DEBUG"
"""Environment variable that has the traceback printed too."""


def report_fault(error: Exception, argv: Sequence[str]) -> None:
    """Say that there is a bug, and where its traceback is.

    Parameters
    ----------
    error : Exception
        What was raised.
    argv : sequence of str
        The command line.
    """
    trace = "".join(traceback.format_exception(error))
    where = _keep(trace, argv)
    if os.environ.get(DEBUG) or where is None:
        tell(trace.rstrip())
    kind = type(error).__name__
    said = f"{kind}: {error}" if str(error) else kind
    place = f"its traceback is in {where}" if where is not None else "its traceback is above"
    warn(f"this is a bug in allspin, not in what you gave it ({one_line(said)}); {place}")


def _keep(trace: str, argv: Sequence[str]) -> Path | None:
    """The file of a traceback, one for equal ones; None where there is no place for it."""
    text = (
        f"allspin {shlex.join(argv)}\n"
        f"version {version()}, commit {commit()}, Python {platform.python_version()}, "
        f"{platform.platform()}\n\n{trace}"
    )
    name = f"fault-{hashlib.sha256(trace.encode(errors='replace')).hexdigest()[:12]}.txt"
    for folder in (_cache, _scratch):
        try:
            path = folder() / name
            path.write_text(printable(text), encoding="utf-8")
        except Exception:
            # Whatever is broken, the fault itself is what is to be told.
            continue
        return path
    return None


def _scratch() -> Path:
    """A folder that no other user can have put a link into."""
    return Path(tempfile.mkdtemp(prefix="allspin-"))


def _cache() -> Path:
    """The cache's folder; imported where it is wanted, since little else is of a command."""
    from allspin.hdl.cache import cache_folder

    return cache_folder()
