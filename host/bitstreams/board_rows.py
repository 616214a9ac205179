"""Rows of the table of boards: each machine with its latest or best build."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allspin.boards.board import Board
from allspin.boards.build.capacity import weights_fit
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.cache.process import Progress, no_progress
from allspin.hdl.link.protocol import LinkParameters, identity_bytes
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.bitstreams.jobs import ANY, known_as, usual_network
from allspin.host.bitstreams.kept import kept_manifests
from allspin.host.bitstreams.manifest import Manifest, check_manifest, is_older
from allspin.host.data.catalogue import open_network
from allspin.host.link.identity import Identity
from allspin.sim.errors import UserError
from allspin.sim.files import read_file
from allspin.sim.network.network import Network
from allspin.sim.plain_values import MAX_JSON, parse_json

Row = dict[str, Any]
MachineNames = tuple[str, str, str]
"""Names of a board, its profile and the network."""
Manifests = Mapping[MachineNames, Manifest]


def read_documented(path: Path) -> Manifests:
    """Read the manifests in a document's JSON.

    Parameters
    ----------
    path : Path
        File that ``allspin boards --write`` has written beside a page; it may be missing.

    Raises
    ------
    UserError
        If it is another file.
    """
    if not os.path.exists(path):
        return {}
    content = read_file(path, "file of builds", MAX_JSON)
    try:
        rows = parse_json(content)["boards"]
        manifests = [check_manifest(row["built"]) for row in rows if row["built"]]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is not what allspin boards --write has made: {error}") from error
    return {_names(manifest): manifest for manifest in manifests}


def _names(manifest: Manifest) -> MachineNames:
    return manifest["board"], manifest["profile"], manifest["network"]


def find_rows(
    network: str | None = None,
    documented: Manifests | None = None,
    progress: Progress = no_progress,
) -> list[Row]:
    """Return a row for each board's usual machine, and for each other machine that was built.

    Parameters
    ----------
    network : str, optional
        Network of the machines, as it was named for the builds; by default each machine's usual
        one.
    documented : mapping, optional
        Manifests of machines that were built elsewhere. If a machine was built here too, a build
        of this gateware wins, then the one with more seeds, then the one from here.
    progress : callable
        Called with the step and the seconds since it began.
    """
    here: dict[MachineNames, Manifest] = {}
    for manifest in kept_manifests():
        here.setdefault(_names(manifest), manifest)
    rows = []
    for board in find_boards().values():
        usual = next(iter(board.profiles))
        for name, profile in board.profiles.items():
            own = network or usual_network(profile)
            machine = (board.name, name, known_as(profile, own))
            builds = [
                manifests[machine] for manifests in (here, documented or {}) if machine in manifests
            ]
            # Rates of a machine for any network are those of the usual network.
            is_comparable = not (network and profile.sizes)
            if name == usual or (builds and is_comparable):
                made_for = profile.built_for(open_network(own))
                rows.append(_row(board.running(name), name, made_for, builds, progress))
    return rows


def _row(
    board: Board,
    profile: str,
    network: Network,
    builds: list[Manifest],
    progress: Progress,
) -> Row:
    """Row of a machine, by the best of its builds."""

    def show(what: str, seconds: float) -> None:
        progress(f"{board.name}, {profile}: {what}", seconds)

    hardware = board.profile().hardware
    dated = [(manifest, is_older(manifest, network, show)) for manifest in builds]
    built = None
    older = None
    if dated:
        built, older = max(dated, key=lambda build: (not build[1], len(build[0]["seeds"])))
        fits = built["fits"] and built["meets_timing"]
        why = built["shortfall"] or "built"
    else:
        try:
            shell = ShellParameters.from_network(board, network, hardware)
            fits, why = weights_fit(shell.machine.link.engine, board.create_platform())
        except UserError as error:
            fits = False
            why = str(error)
    return {
        "board": board.name,
        "title": board.title,
        "part": board.part,
        "profile": profile,
        "clock_mhz": board.machine_frequency / 1e6,
        "baud": board.baud,
        "bridge": board.bridge,
        "memory": hardware.memory,
        "lanes": hardware.lanes,
        "rows_per_clock": hardware.rows_per_clock,
        "fits": fits,
        "why": why,
        "older": older,
        "built": None if built is None else dict(built),
    }


def machines_for(network: Network) -> list[Row]:
    """Compare a network with all machines, of the tables and built here, as they are.

    Parameters
    ----------
    network : Network
        The network.

    Returns
    -------
    list of dict
        For each machine its board and profile, the network that it was built for, its widths,
        True if the network fits, and the reason if it does not.
    """
    built: dict[tuple[str, str], set[str]] = {}
    for manifest in kept_manifests():
        machine = (manifest["board"], manifest["profile"])
        built.setdefault(machine, set()).add(manifest["network"])
    rows = []
    for board in find_boards().values():
        for name, profile in board.profiles.items():
            names = {usual_network(profile)} | built.get((board.name, name), set())
            for own in [ANY] if profile.sizes else sorted(names):
                try:
                    made_for = profile.built_for(network if own == ANY else open_network(own))
                except UserError:  # its file no longer exists
                    continue
                engine = EngineParameters.from_network(made_for, profile.hardware)
                identity = Identity.parse(identity_bytes(LinkParameters(engine)))
                why = network.beyond_words or identity.mismatch(network)
                rows.append(
                    {
                        "board": board.name,
                        "profile": name,
                        "built_for": own,
                        "topology": list(identity.topology),
                        "fits": why is None,
                        "why": why,
                    }
                )
    return rows
