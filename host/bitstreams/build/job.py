"""What is to be built: a board, one of its machines, and a network for it."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allspin.boards.board import Board
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.build.shown import shown_images
from allspin.host.data.catalogue import network_name, open_network
from allspin.sim.network.network import Network

ALL = "all"
"""Stands for every board."""
DEFAULT_NETWORK = "mnist-10"
MHZ = 1e6


@dataclass(frozen=True)
class Job:
    """One board with the machine that it gets.

    Parameters
    ----------
    board : Board
        The board, with the clock of that machine.
    profile_name : str
        Which of its machines.
    profile : HardwareProfile
        That machine, with what was changed of it.
    network_name : str
        As the user wrote it.
    network : Network
        What the machine runs.
    """

    board: Board
    profile_name: str
    profile: HardwareProfile
    network_name: str
    network: Network

    def shell(self) -> ShellParameters:
        """The machine on the board, with the images that its button shows.

        Raises
        ------
        UserError
            If the network cannot run there.
        """
        shown = shown_images(self.board, self.network)
        return ShellParameters.from_network(self.board, self.network, self.profile, shown)


@dataclass(frozen=True)
class BuildChanges:
    """What a machine has in place of what its profile says.

    Parameters
    ----------
    lanes : int or None
        Columns that a row drives in a clock, 1 to 65535; None leaves the profile's.
    rows_per_clock : int or None
        Rows that are driven in a clock, 1, 2, 4 or 8; None leaves the profile's.
    frequency : float or None
        Of the machine's clock, Hz; None leaves the profile's.
    """

    lanes: int | None = None
    rows_per_clock: int | None = None
    frequency: float | None = None

    def profile(self, profile: HardwareProfile) -> HardwareProfile:
        """A profile with these changes.

        Raises
        ------
        ValueError
            If one is out of its range; the message begins with its name.
        """
        for name in ("lanes", "rows_per_clock"):
            if (value := getattr(self, name)) is not None:
                profile = dataclasses.replace(profile, **{name: value})
        return profile

    def board(self, board: Board, profile: str) -> Board:
        """A board with one of its profiles alone, and these changes.

        Raises
        ------
        UserError
            If there is no profile of that name.
        ValueError
            If the frequency is out of its range; the message begins with ``frequency``.
        """
        if self.frequency is None:
            return board.running(profile)
        try:
            return board.running(profile, round(self.frequency))
        except (OverflowError, ValueError) as error:
            raise ValueError(f"frequency {self.frequency / MHZ:g}: {error}") from error


def make_job(
    board: Board,
    profile: str | None,
    network_name: str,
    network: Network,
    changes: BuildChanges,
) -> Job:
    """A board with one of its machines, the first if none is named.

    Raises
    ------
    UserError
        If the board has no such machine.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    changed = changes.profile(board.profile(profile).hardware)
    name = profile or next(iter(board.profiles))
    return Job(changes.board(board, name), name, changed, network_name, network)


def find_jobs(
    boards: Sequence[str],
    network: str | Path | Network,
    profile: str | None,
    changes: BuildChanges,
) -> list[Job]:
    """What is to be built, checked as far as it can be without building.

    Parameters
    ----------
    boards : sequence of str
        Each a board's name, or ``board:profile``; or `ALL`.
    network : str, Path or Network
        A network, its file, or the name of one that ships.
    profile : str or None
        The machine of those that name none; None for their first.
    changes : BuildChanges
        What the machines have in place of what their profiles say.

    Raises
    ------
    UserError
        If there is no such network, board or profile.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    opened = open_network(network)
    if ALL in boards:
        # Of all boards, those that lack the profile get their usual one.
        found = [
            (board, profile if profile in board.profiles else None)
            for board in find_boards().values()
        ]
    else:
        named = (name.partition(":") for name in dict.fromkeys(boards))
        found = [(find_board(name), own or profile) for name, _, own in named]
    called = network_name(network)
    return [make_job(board, name, called, opened, changes) for board, name in found]
