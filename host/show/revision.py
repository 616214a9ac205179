"""Which allspin this is: its commit, and its version."""

import importlib.metadata
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("allspin", "sim", "hdl", "boards", "host")
CHANGED = " and changes"
"""What is said of sources that are not those of the commit."""


def version() -> str | None:
    """The version that is installed; None where allspin runs from its folder."""
    try:
        return importlib.metadata.version("allspin")
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """The commit that is checked out; None where this is no clone, or git is missing.

    With `CHANGED` where the sources are not its own.
    """
    try:
        answer = _git("rev-parse", "--show-toplevel", "HEAD")
        if answer.returncode:
            return None
        folder, revision = answer.stdout.splitlines()
        # An installed copy may lie in some other project's clone.
        if Path(folder) != ROOT:
            return None
        changed = _git("diff", "--quiet", "HEAD", "--", *SOURCES).returncode
    except OSError:
        return None
    return revision + CHANGED if changed else revision


def short(revision: str) -> str:
    """A commit in few characters, for people."""
    number, *changed = revision.partition(" ")
    return "".join([number[:12], *changed])


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
