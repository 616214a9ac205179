"""Proof of a netlist: programmed and asked through its pins, against the golden model."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from allspin.boards.board import Board
from allspin.boards.build.families import ROUTED, family_of
from allspin.boards.build.figures import file_sha256
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.gates.models import (
    FAMILIES,
)
from allspin.boards.gates.netlist import GateNetlist, Pins
from allspin.boards.gates.simulator import (
    build as build_netlist,
)
from allspin.host.bitstreams.builds import BuildJob
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.options import HIDDEN
from allspin.host.selftest.checks import check_parts
from allspin.host.show.display import Display
from allspin.host.show.version import commit
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

SLOWEST = 1e3
"""Clocks a second that any machine simulates of a netlist."""
QUIET_CLOCKS = 200_000
"""Clocks without a bit on either wire after which no board has anything left to say."""
START_CLOCKS = 4096
"""Clocks before the first bit, in which a board releases its reset."""

Progress = Callable[[str, float], None]
"""Called several times a second with what is being done and how far it is: seconds or a count."""


def prove(
    netlist: GateNetlist,
    pins: Pins,
    bit_clocks: float,
    network: Network,
    images: npt.NDArray[np.uint8],
    progress: Progress,
    *,
    optimise: bool = True,
) -> dict[str, Any]:
    """Simulate a netlist, program a network through its pins, and compare its logits.

    Parameters
    ----------
    netlist : GateNetlist
        What was built for such a network.
    pins : Pins
        How to speak to it.
    bit_clocks : float
        Clocks of the machine that a bit of the host takes.
    network : Network
        What to program.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels, 0 to 255.
    progress : callable
        Told what is being done.
    optimise : bool
        See `allspin.boards.gates.simulator.build`.

    Returns
    -------
    dict
        Images that were run, logits compared, logits or classes found wrong; what was found of
        the machine's other parts (see `allspin.host.selftest.checks.check_parts`); clocks of
        the machine, and seconds of the wall's clock, from the first byte to the last.

    Raises
    ------
    UserError
        If the netlist cannot be simulated, or does not answer.
    """
    begun = time.monotonic()
    program = build_netlist(netlist, pins, progress, optimise=optimise)
    compiled = time.monotonic()
    with open_netlist(program, bit_clocks) as machine:
        machine.check(network)
        machine.start_stopwatch()
        machine.load(network, lambda done: progress("programming, frames", done))
        clocks_programming = machine.elapsed_clocks()
        programmed = time.monotonic()
        answers = machine.stream(images, lambda done: progress("streaming, images", done))
        streamed = time.monotonic()
        checks = [finding.to_dict() for finding in check_parts(machine, network, images)]
        checked = time.monotonic()
        resent = machine.resent
    expected = GoldenModel(network).logits(images)
    mismatches = np.count_nonzero(answers.logits != expected) + np.count_nonzero(
        answers.classes != expected.argmax(axis=1)
    )
    return {
        "images": len(images),
        "logits_compared": expected.size,
        "mismatches": int(mismatches),
        "checks": checks,
        "resent": resent,
        "cells": netlist.types,
        "clocks_programming": clocks_programming,
        "clocks_streaming": answers.clocks,
        "seconds_compiling": compiled - begun,
        "seconds_programming": programmed - compiled,
        "seconds_streaming": streamed - programmed,
        "seconds_checking": checked - streamed,
    }


def open_netlist(program: Path, bit_clocks: float) -> LinkedMachine:
    """The device that a netlist's program simulates.

    Parameters
    ----------
    program : Path
        What `allspin.boards.gates.simulator.build` returned.
    bit_clocks : float
        Clocks of the machine that a bit of the host takes.
    """
    options = ("--quiet-clocks", str(QUIET_CLOCKS), "--start-clocks", str(START_CLOCKS))
    return LinkedMachine(
        VirtualTransport(
            program, bit_clocks=bit_clocks, options=options, slowest=SLOWEST, name="the netlist"
        )
    )


FAMILY_BOARDS = {"ice40": "icebreaker", "ecp5": "ulx3s-25f"}
"""The board that stands for each family."""


@dataclass(frozen=True)
class ProvedStage:
    """Netlist of a board that is simulated, and the tools that make it.

    Parameters
    ----------
    routed : bool
        Simulate the netlist that nextpnr has placed and routed, in place of the synthesised one.
    seed : int
        Seed of the placement, for the routed netlist.
    tools : {"auto", "native", "pypi"}
        Installed tools only (native), those of PyPI only, or installed ones first (auto).
    """

    routed: bool = False
    seed: Annotated[int, HIDDEN] = 1
    tools: Wanted = "auto"


def _has_models(board: Board) -> bool:
    return family_of(board.create_platform()).name.lower() in FAMILIES


def find_provable(names: list[str]) -> list[Board]:
    """Boards whose netlists can be simulated.

    Parameters
    ----------
    names : list of str
        Each a board's or a family's; none for a board of each family.

    Raises
    ------
    UserError
        If there is no such board, or there are no models of its cells.
    """
    wanted = [FAMILY_BOARDS.get(name, name) for name in names or FAMILIES]
    boards = [find_board(name) for name in dict.fromkeys(wanted)]
    for board in boards:
        if not _has_models(board):
            able = [name for name in find_boards() if _has_models(find_board(name))]
            raise UserError(
                f"there are no models of the cells of {board.name} "
                f"({family_of(board.create_platform()).name}): "
                f"take one of {', '.join(able)}"
            )
    return boards


def prove_board(
    job: BuildJob,
    images: npt.NDArray[np.uint8],
    stage: ProvedStage | None = None,
    progress: Display | None = None,
) -> dict[str, Any]:
    """Build a board's netlist, program a network through its pins, and compare its logits.

    Parameters
    ----------
    job : BuildJob
        The board with its machine and network, of `allspin.host.bitstreams.builds.make_job`.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    stage : ProvedStage, optional
        Which netlist: what synthesis makes.
    progress : Display, optional
        Shows the two steps.

    Returns
    -------
    dict
        As ``allspin gates --json`` prints it; see ``docs/gates.md``.

    Raises
    ------
    UserError
        If the network cannot run there, a tool is missing or fails, or the netlist does not
        answer.
    """
    stage, progress = stage or ProvedStage(), progress or Display()
    board = job.board

    def told(what: str, done: float) -> None:
        progress.advance(done, None, f"{board.name}: {what} ... {done:,.0f}")

    progress.start(f"{board.name}: netlist")
    build = Build(job.shell(), stage.tools, told)
    synthesised = build.synthesise()
    file, bitstream = synthesised.folder / "top.json", None
    if stage.routed:
        routed = build.route(synthesised, stage.seed, written=True)
        if routed.bitstream is None:
            raise UserError(f"{board.name} has no room for this machine: try fewer lanes")
        file, bitstream = routed.folder / ROUTED, file_sha256(routed.bitstream)
    netlist = GateNetlist.read(file)
    progress.finish(netlist.digest)
    progress.start(f"{board.name}: simulating {len(netlist.cells):,} cells")
    bit_clocks = board.machine_frequency / board.baud
    proof = prove(netlist, Pins.of_board(board), bit_clocks, job.runs or job.network, images, told)
    differ = f"{proof['mismatches']} of {proof['logits_compared']} logits differ"
    progress.finish(differ)
    images_per_second = len(images) * board.machine_frequency / proof["clocks_streaming"]
    return {
        "board": board.name,
        "stage": "routed" if stage.routed else "synthesised",
        "network": job.network_name,
        "netlist": netlist.digest,
        "bitstream_sha256": bitstream,
        "tools": str(build.tools),
        **proof,
        "simulated_images_per_second": images_per_second,
        "commit": commit(),
    }
