"""Build jobs: a board with the machine, network and button's images that it gets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from allspin.boards.board import Board
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.profiles import Profile
from allspin.boards.shell import ShellParameters
from allspin.hdl.link.protocol import identity_bytes
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.build_options import BuildChanges
from allspin.host.bitstreams.button_images import button_frames
from allspin.host.data.catalogue import network_name, open_network
from allspin.host.link.identity import Identity
from allspin.sim.network.network import Network

ALL = "all"
"""Name that stands for every board."""
DEFAULT_NETWORK = "mnist-10"
ANY = "any network"
"""Name of the network in the manifests of machines for any network."""
MHZ = 1e6


def usual_network(profile: Profile) -> str:
    """Return the network that a machine is built for or measured with by default."""
    return profile.network or DEFAULT_NETWORK


def known_as(profile: Profile, network_name: str) -> str:
    """Return a network's name in a build's manifest; a machine for any network is `ANY`."""
    return network_name if profile.sizes is None else ANY


def network_of(manifest: Mapping[str, Any]) -> Network:
    """Return the network that a build's machine was made for; board and profile must exist."""
    profile = find_boards()[manifest["board"]].profiles[manifest["profile"]]
    name = usual_network(profile) if manifest["network"] == ANY else manifest["network"]
    return profile.built_for(open_network(name))


@dataclass(frozen=True)
class BuildJob:
    """A board with the machine that it gets.

    Parameters
    ----------
    board : Board
        The board, with the clock of that machine.
    profile_name : str
        Name of the machine.
    profile : HardwareProfile
        The machine, with the user's changes.
    network_name : str
        Network as the user wrote it, or `ANY`.
    network : Network
        Network that the machine is made for.
    runs : Network or None
        Network that the user named, if the machine is made for any network.
    """

    board: Board
    profile_name: str
    profile: HardwareProfile
    network_name: str
    network: Network
    runs: Network | None = None

    def shell(self) -> ShellParameters:
        """Return the machine on the board, with the images that its button shows.

        Raises
        ------
        UserError
            If the network cannot run there.
        """
        frames = button_frames(self.board, self.network)
        shell = ShellParameters.from_network(self.board, self.network, self.profile, frames)
        if self.runs is not None:
            identity = Identity.parse(identity_bytes(shell.machine.link))
            identity.check(f"{self.board.name}:{self.profile_name}", self.runs)
        return shell


def make_job(
    board: Board,
    profile: str | None,
    network_name: str,
    network: Network,
    changes: BuildChanges,
) -> BuildJob:
    """Return the job of a board with one of its machines; by default its first.

    Raises
    ------
    UserError
        If the board has no such machine.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    name = profile or next(iter(board.profiles))
    running = _with_changed_board(board, name, changes)
    own = running.profile()
    hardware = replace(own.hardware, **changes.named("lanes", "rows_per_clock"))
    return BuildJob(
        running,
        name,
        hardware,
        known_as(own, network_name),
        own.built_for(network),
        network,
    )


def _with_changed_board(board: Board, profile: str, changes: BuildChanges) -> Board:
    """Board with one machine, and with another clock, baud rate or link."""
    others = changes.named("baud", "link")
    try:
        frequency = None if changes.frequency is None else round(changes.frequency)
        return board.running(profile, frequency, **others)
    except (OverflowError, ValueError) as error:
        if changes.frequency is not None:
            name, value = "frequency", f"{changes.frequency / MHZ:g}"
        else:
            name, value = next(iter(others.items()))
        raise ValueError(f"`{name}` {value}: {error}") from error


def find_jobs(
    boards: Sequence[str],
    network: str | Path | Network | None,
    profile: str | None,
    changes: BuildChanges,
) -> list[BuildJob]:
    """Return the jobs of boards, checked as far as possible without building.

    Parameters
    ----------
    boards : sequence of str
        Names of boards, each alone or as ``board:profile``; or `ALL`.
    network : str, Path, Network or None
        A network, its file, or the name of one that ships; None for each profile's usual one.
    profile : str or None
        Machine of the boards that name none; None for their first.
    changes : BuildChanges
        Changes to the machines.

    Raises
    ------
    UserError
        If the network, board or profile is unknown.
    ValueError
        If a change is out of its range; the message begins with its name.
    """
    # First, so that a wrong name is the only message.
    opened = None if network is None else open_network(network)
    jobs = []
    for board, name in _named_machines(boards, profile):
        own = network or usual_network(board.profile(name))
        own_network = opened or open_network(own)
        jobs.append(make_job(board, name, network_name(own), own_network, changes))
    return jobs


def _named_machines(boards: Sequence[str], profile: str | None) -> list[tuple[Board, str | None]]:
    """Boards with the names of their machines; None for a board's first one."""
    machines: list[tuple[Board, str | None]] = []
    if ALL in boards:
        for board in find_boards().values():
            machines.append((board, profile if profile in board.profiles else None))
        return machines
    for text in dict.fromkeys(boards):
        name, _, own = text.partition(":")
        machines.append((find_board(name), own or profile))
    return machines
