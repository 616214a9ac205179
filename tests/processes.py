"""Processes that tests start, as Linux lists them, and waits for their effects."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PATIENCE = 600
"""Seconds after which a process is taken to hang: many, since a machine may be busy."""


def status(pid: int) -> list[str] | None:
    """Fields of a process's status from its state on; None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    # A zombie, which only waits for its status to be read, does not run.
    return None if fields[0] in "ZX" else fields


def wait_for(condition: Callable[[], Any]) -> Any:
    """Return the first true value of a condition."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition does not become true"
        time.sleep(0.02)
    return found
