"""The figures of the boards that were built here, kept from one command to the next."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allspin.hdl.cache import kept_folder, read_note, write_note
from allspin.host.bitstreams.record import check_record
from allspin.host.show.say import warn

FOLDER = "built"


def remember(figures: Mapping[str, Any]) -> None:
    """Keep the figures of a board; those of the same board, profile and network go.

    Parameters
    ----------
    figures : mapping
        What ``allspin build --json`` prints.

    Raises
    ------
    ValueError
        If it is something else.
    UserError
        If the cache cannot be written.
    """
    network = Path(figures["network"]).stem
    name = f"{figures['board']}.{figures['profile']}.{network}.json"
    write_note(kept_folder(FOLDER) / name, check_record(figures))


def recall() -> list[dict[str, Any]]:
    """All figures that are kept, the latest first; of damaged ones a line on stderr tells."""
    found = []
    for path in kept_folder(FOLDER).glob("*.json"):
        try:
            age = path.stat().st_mtime
            found.append((age, check_record(read_note(path))))
        except FileNotFoundError:
            continue  # it was removed meanwhile
        except (OSError, ValueError) as error:
            warn(f"{path} is left out: {error}")
    return [figures for _, figures in sorted(found, key=lambda pair: -pair[0])]


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
