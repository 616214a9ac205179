"""The figures of the boards that were built here, kept from one command to the next."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hdl.cache import cache_folder
from sim.netfile import write_atomically

FOLDER = "built"


def _folder() -> Path:
    folder = cache_folder() / FOLDER
    folder.mkdir(exist_ok=True)
    return folder


def remember(figures: Mapping[str, Any]) -> None:
    """Keep the figures of a board; those of the same board, profile and network go.

    Parameters
    ----------
    figures : mapping
        What ``allspin build --json`` prints.
    """
    network = Path(figures["network"]).stem
    name = f"{figures['board']}.{figures['profile']}.{network}.json"
    write_atomically(_folder() / name, json.dumps(figures, indent=1).encode())


def recall() -> list[dict[str, Any]]:
    """All figures that are kept, the latest first."""
    found = []
    for path in sorted(_folder().glob("*.json"), key=lambda path: -path.stat().st_mtime):
        with contextlib.suppress(OSError, ValueError):
            found.append(json.loads(path.read_text()))
    return found


def recall_one(
    board: str, profile: str | None = None, network: str | None = None
) -> dict[str, Any] | None:
    """The latest figures of a board, of one profile or network if that is asked for."""
    for figures in recall():
        if (
            figures["board"] == board
            and profile in (None, figures["profile"])
            and network in (None, figures["network"])
        ):
            return figures
    return None
