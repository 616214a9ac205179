"""Whether what a board reached was reached with the gateware of these sources."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from allspin.boards.board import Board
from allspin.boards.build.gateware import gateware_of
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.tools.process import Progress, no_progress
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network


def built_profile(board: Board, record: Mapping[str, Any]) -> HardwareProfile:
    """The profile that was built: the board's, with the lanes and rows per clock of the build.

    Parameters
    ----------
    board : Board
        It has the profile.
    record : mapping
        What ``allspin build --json`` says of the build.

    Raises
    ------
    ValueError
        If there is no such profile.
    """
    hardware = board.profiles[record["profile"]].hardware
    changes = {name: record[name] for name in ("lanes", "rows_per_clock")}
    return dataclasses.replace(hardware, **changes)


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
        parameters = ShellParameters.from_network(
            board.running(record["profile"]), network, built_profile(board, record)
        )
    except (UserError, ValueError):
        return True
    return record["gateware"] != gateware_of(parameters, progress=progress)
