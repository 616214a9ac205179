"""The machines of all boards, each with what its build came to."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allspin.boards.board import Board
from allspin.boards.build.capacity import weights_fit
from allspin.boards.catalogue import find_boards
from allspin.boards.shell import ShellParameters
from allspin.hdl.tools.process import Progress, no_progress
from allspin.host.bitstreams.gateware import is_older
from allspin.host.bitstreams.kept import recall
from allspin.host.bitstreams.record import check_record
from allspin.sim.errors import UserError
from allspin.sim.files.plain import MAX_JSON, parse_json
from allspin.sim.files.user_file import read_file
from allspin.sim.network.network import Network

Row = dict[str, Any]
Machine = tuple[str, str]
"""Names of a board and of its profile."""
Records = Mapping[Machine, Mapping[str, Any]]


def read_documented(path: Path, network: str) -> Records:
    """The builds that a document's JSON tells of.

    Parameters
    ----------
    path : Path
        What ``allspin boards --write`` has put beside a page; it need not be there.
    network : str
        Of another network's builds there is none.

    Raises
    ------
    UserError
        If it is something else.
    """
    if not os.path.exists(path):
        return {}
    content = read_file(path, "file of builds", MAX_JSON)
    try:
        record = parse_json(content)
        if record["network"] != network:
            return {}
        records = [check_record(row["built"]) for row in record["boards"] if row["built"]]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is not what allspin boards --write has made: {error}") from error
    return {(record["board"], record["profile"]): record for record in records}


def find_rows(
    network_name: str,
    network: Network,
    documented: Records | None = None,
    progress: Progress = no_progress,
) -> list[Row]:
    """A row for each board's usual machine, and for each other one that was built.

    Parameters
    ----------
    network_name : str
        As it was written for the builds.
    network : Network
        What the machines run.
    documented : mapping, optional
        Builds by board and profile, for machines that were not built here. Where one was built
        here too, what is of this gateware goes before what is older, then what was placed with
        more seeds, and of two alike the one that was built here.
    progress : callable
        Told what is being done, and for how many seconds now.
    """
    here: dict[Machine, Mapping[str, Any]] = {}
    for record in recall():
        if record["network"] == network_name:
            here.setdefault((record["board"], record["profile"]), record)
    rows = []
    for board in find_boards().values():
        usual = next(iter(board.profiles))
        for name in board.profiles:
            found = [
                records[board.name, name]
                for records in (here, documented or {})
                if (board.name, name) in records
            ]
            if found or name == usual:
                rows.append(_row(board, name, network, found, progress))
    return rows


def _row(
    board: Board,
    name: str,
    network: Network,
    found: list[Mapping[str, Any]],
    progress: Progress,
) -> Row:
    board = board.running(name)
    hardware = board.profiles[name].hardware

    def told(what: str, seconds: float) -> None:
        progress(f"{board.name}, {name}: {what}", seconds)

    builds = [(record, is_older(record, network, told)) for record in found]
    built, older = max(
        builds, key=lambda build: (not build[1], len(build[0]["seeds"])), default=(None, None)
    )
    if built is not None:
        fits, why = built["fits"] and built["meets_timing"], built["shortfall"] or "built"
    else:
        fits, why = _weights_fit(board, name, network)
    return {
        "board": board.name,
        "title": board.title,
        "part": board.part,
        "profile": name,
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


def _weights_fit(board: Board, name: str, network: Network) -> tuple[bool, str]:
    """Whether a machine that was never built has room for its weights, and which."""
    try:
        parameters = ShellParameters.from_network(board, network, board.profiles[name].hardware)
    except UserError as error:
        return False, str(error)
    return weights_fit(parameters.machine.link.engine, board.create_platform())
