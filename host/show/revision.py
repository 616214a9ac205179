"""Which allspin this is: its commit, and its version."""

import importlib.metadata
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def version() -> str | None:
    """The version that is installed; None where allspin runs from its folder."""
    try:
        return importlib.metadata.version("allspin")
    except importlib.metadata.PackageNotFoundError:
        return None


def commit() -> str | None:
    """The commit that is checked out; None where this is no clone, or git is missing."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--show-toplevel", "HEAD"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        return None
    # An installed copy may lie in some other project's clone.
    return answer[1] if Path(answer[0]) == ROOT else None
