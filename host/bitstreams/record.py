"""What is known of a board's build: the object that ``allspin build --json`` prints.

It is kept in the cache, written into ``docs/boards.json``, and printed in tables; whoever reads it
from a file checks it here first.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allspin.boards.build.gateware import gateware_of
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache import kept_folder, read_note, write_note
from allspin.hdl.cache.process import Progress, no_progress
from allspin.host.show.say import warn
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network


def is_older(record: Mapping[str, Any], network: Network, progress: Progress = no_progress) -> bool:
    """Whether a build is of other gateware than these sources make, at the clock that is told now.

    A build that says no gateware is from before builds did. Otherwise the machine is elaborated,
    once after each change of the sources: some ten seconds for an ECP5's, so it is asked only of
    machines that were built.

    Parameters
    ----------
    record : mapping
        What ``allspin build --json`` says of the build.
    network : Network
        What was built.
    progress : callable
        Told what is being done, and for how many seconds now.
    """
    if not record.get("gateware"):
        return True
    board = find_boards().get(record["board"])
    if board is None or record["profile"] not in board.profiles:
        return True
    try:
        running = board.running(record["profile"])
        # With the lanes and rows per clock of the build.
        changes = {name: record[name] for name in ("lanes", "rows_per_clock")}
        profile = dataclasses.replace(running.profile().hardware, **changes)
        parameters = ShellParameters.from_network(running, network, profile)
    except (UserError, ValueError):
        return True
    return record["gateware"] != gateware_of(parameters, progress=progress)


Number = int | float
FIELDS: Mapping[str, Any] = {
    **dict.fromkeys(("board", "part", "profile", "network"), str),
    **dict.fromkeys(("lanes", "rows_per_clock", "luts", "memories"), int),
    **dict.fromkeys(("fits", "meets_timing"), bool),
    **dict.fromkeys(("fmax_mhz", "worst_fmax_mhz", "cycles_per_image"), Number | None),
    **dict.fromkeys(("need_mhz", "luts_share", "memories_share", "seconds"), Number),
    "images_per_second": Number | None,
    "seeds": list,
    "tools": Mapping,
    "shortfall": str | None,
    "gateware": str | None,
}
"""What each record has, and of which type; there is more that nobody relies on."""


def check_record(value: Any) -> dict[str, Any]:
    """A record, if it is one.

    Parameters
    ----------
    value : object
        What a file says.

    Raises
    ------
    ValueError
        If it is none.
    """
    if not isinstance(value, Mapping):
        raise ValueError("it is not what allspin build says of a board")
    if not value.keys() >= FIELDS.keys():
        raise ValueError(f"it lacks {', '.join(sorted(FIELDS.keys() - value.keys()))}")
    for name, kind in FIELDS.items():
        if not isinstance(value[name], kind):
            raise ValueError(f"its {name} is not what allspin build says of a board")
    if value["fits"] and (value["fmax_mhz"] is None or value["worst_fmax_mhz"] is None):
        raise ValueError("it fits, but has no fmax_mhz or worst_fmax_mhz")
    return dict(value)


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
