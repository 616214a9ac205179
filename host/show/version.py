"""The version and the commit of the allspin that runs."""

import importlib.metadata
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("allspin", "sim", "hdl", "boards", "host")
"""Folders of `ROOT` that hold sources."""
CHANGED = " and changes"
"""Suffix of a commit whose sources have been changed."""


def version() -> str | None:
    """Return the installed version; None where allspin runs from its folder."""
    try:
        return importlib.metadata.version("allspin")
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """Return the commit that is checked out, with `CHANGED` where the sources differ from it.

    Returns
    -------
    str or None
        None where this is no clone, or git is missing.
    """
    try:
        answer = _git("rev-parse", "--show-toplevel", "HEAD")
        if answer.returncode:
            return None
        folder, revision = answer.stdout.splitlines()
        # An installed copy may lie in some other project's clone.
        if Path(folder) != ROOT:
            return None
        differs = _git("diff", "--quiet", "HEAD", "--", *SOURCES).returncode
    except OSError:
        return None
    return revision + CHANGED if differs else revision


def short_commit(revision: str) -> str:
    """Shorten a commit to 12 characters, and keep `CHANGED`."""
    number, *changed = revision.partition(" ")
    return "".join([number[:12], *changed])


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
