"""What is known of a board's build: the object that ``allspin build --json`` prints.

It is kept in the cache, written into ``docs/boards.json``, and printed in tables; whoever reads it
from a file checks it here first.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
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


Check = Callable[[Any], bool]

MOST = 1 << 32
"""More than any count, frequency or time of a build."""
LONGEST = 4096
"""Characters of a text."""


def number(value: Any) -> bool:
    """Whether it is a number of at least 0, and no larger than any is."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST


def _cycles(value: Any) -> bool:
    return number(value) and value >= 1


def count(value: Any) -> bool:
    """Whether it is a whole number of at least 0."""
    return number(value) and isinstance(value, int)


def _some(value: Any) -> bool:
    return count(value) and value > 0


def text(value: Any) -> bool:
    """Whether it is a text of one line that leaves a terminal as it is."""
    return isinstance(value, str) and len(value) <= LONGEST and value.isprintable()


def _hexadecimal(value: Any) -> bool:
    return text(value) and re.fullmatch("(?:[0-9a-f]{2})*", value) is not None


def flag(value: Any) -> bool:
    """Whether it is true or false."""
    return isinstance(value, bool)


def or_none(check: Check) -> Check:
    """Whether it is null, or else is right."""
    return lambda value: value is None or check(value)


def _seeds(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(
            isinstance(each, Mapping)
            and count(each.get("seed"))
            and or_none(number)(each.get("fmax_mhz"))
            and or_none(number)(each.get("seconds"))
            for each in value
        )
    )


def _tools(value: Any) -> bool:
    return isinstance(value, Mapping) and all(text(each) for each in (*value, *value.values()))


def _blocks(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        text(name)
        and isinstance(use, Mapping)
        and use.keys() == {"used", "available"}
        and all(count(each) for each in use.values())
        for name, use in value.items()
    )


FIELDS: Mapping[str, Check] = {
    "board": text,
    "part": text,
    "profile": text,
    "network": text,
    "lanes": _some,
    "rows_per_clock": _some,
    "fits": flag,
    "meets_timing": flag,
    "fmax_mhz": or_none(number),
    "worst_fmax_mhz": or_none(number),
    "need_mhz": number,
    "luts": count,
    "luts_share": number,
    "memories": count,
    "memories_share": number,
    "seeds": _seeds,
    "tools": _tools,
    "seconds": number,
    "shortfall": or_none(text),
    "gateware": or_none(text),
    "cycles_per_image": or_none(_cycles),
    "images_per_second": or_none(number),
}
"""What each record has, and what it must be; there is more that nobody relies on."""
OPTIONAL: Mapping[str, Check] = {
    "baud": _some,
    "bitstream": or_none(text),
    "bitstream_sha256": or_none(_hexadecimal),
    "blocks": _blocks,
    "cells": count,
    "cells_share": number,
    "commit": or_none(text),
    "dsps": count,
    "dsps_share": number,
    "ffs": count,
    "ffs_share": number,
    "identity": or_none(_hexadecimal),
    "latency_cycles": or_none(_cycles),
    "link_images_per_second": or_none(number),
    "netlist": text,
    "netlist_sha256": _hexadecimal,
    "redraw_clocks": count,
    "resident_images": or_none(count),
    "seed": count,
    "synthesis_seconds": number,
}
"""What a record may have besides, and what it must be then."""


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
    for name, right in {**FIELDS, **OPTIONAL}.items():
        if name in value and not right(value[name]):
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
