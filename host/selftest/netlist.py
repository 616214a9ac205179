"""Proof of a netlist: a network is loaded through its pins, and logits are compared."""

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
"""Clocks a second at which every computer simulates a netlist."""
QUIET_CLOCKS = 200_000
"""Clocks without a bit on either wire after which a board has sent all its answers."""
START_CLOCKS = 4096
"""Clocks before the first bit, in which a board releases its reset."""

Progress = Callable[[str, float], None]
"""Called several times a second with the name of the step, and its seconds or a count."""


class _Stopwatch:
    """Wall clock of the steps of a proof."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def lap(self) -> float:
        """Return the seconds since the last call, or since construction."""
        now = time.monotonic()
        seconds = now - self._begun
        self._begun = now
        return seconds


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
        Netlist of a machine that the network fits.
    pins : Pins
        Pins of the clock and the UART.
    bit_clocks : float
        Clocks of the machine that a bit of the host takes.
    network : Network
        Network to load.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels, 0 to 255.
    progress : callable
        Called with the name of the step and its progress.
    optimise : bool
        See `allspin.boards.gates.simulator.build`.

    Returns
    -------
    dict
        Number of images, of logits compared, and of wrong logits or classes; findings of the
        machine's other parts (see `allspin.host.selftest.checks.check_parts`); clocks of the
        machine from the first byte to the last, and seconds of the wall clock.

    Raises
    ------
    UserError
        If the netlist cannot be simulated, or does not answer.
    """
    stopwatch = _Stopwatch()
    seconds = {}
    program = build_netlist(netlist, pins, progress, optimise=optimise)
    seconds["seconds_compiling"] = stopwatch.lap()
    with open_netlist(program, bit_clocks) as machine:
        machine.check(network)
        machine.start_stopwatch()
        machine.load(network, lambda done: progress("programming, frames", done))
        clocks_programming = machine.elapsed_clocks()
        seconds["seconds_programming"] = stopwatch.lap()
        answers = machine.stream(images, lambda done: progress("streaming, images", done))
        seconds["seconds_streaming"] = stopwatch.lap()
        checks = [finding.to_dict() for finding in check_parts(machine, network, images)]
        seconds["seconds_checking"] = stopwatch.lap()
        resent = machine.resent
    expected = GoldenModel(network).logits(images)
    wrong_logits = np.count_nonzero(answers.logits != expected)
    wrong_classes = np.count_nonzero(answers.classes != expected.argmax(axis=1))
    return {
        "images": len(images),
        "logits_compared": expected.size,
        "mismatches": int(wrong_logits + wrong_classes),
        "checks": checks,
        "resent": resent,
        "cells": netlist.types,
        "clocks_programming": clocks_programming,
        "clocks_streaming": answers.clocks,
        **seconds,
    }


def open_netlist(program: Path, bit_clocks: float) -> LinkedMachine:
    """Open the machine that a netlist's program simulates.

    Parameters
    ----------
    program : Path
        Program from `allspin.boards.gates.simulator.build`.
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
"""Board that stands for each family."""


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


def _family_name(board: Board) -> str:
    """Return the name of a board's family of parts."""
    return family_of(board.create_platform()).name


def _has_models(board: Board) -> bool:
    """Return True if the cells of a board's part have models."""
    return _family_name(board).lower() in FAMILIES


def find_provable(names: list[str]) -> list[Board]:
    """Return boards whose netlists can be simulated.

    Parameters
    ----------
    names : list of str
        Names of boards or families; an empty list stands for a board of each family.

    Raises
    ------
    UserError
        If a board does not exist, or its cells have no models.
    """
    wanted = [FAMILY_BOARDS.get(name, name) for name in names or FAMILIES]
    boards = [find_board(name) for name in dict.fromkeys(wanted)]
    for board in boards:
        if not _has_models(board):
            able = [name for name in find_boards() if _has_models(find_board(name))]
            raise UserError(
                f"the cells of {board.name} ({_family_name(board)}) have no models: "
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
        Board, machine and network, as `allspin.host.bitstreams.builds.make_job` makes it.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    stage : ProvedStage, optional
        Netlist to simulate (the synthesised one).
    progress : Display, optional
        Display of the two steps.

    Returns
    -------
    dict
        Record that ``allspin gates --json`` prints; see ``docs/gates.md``.

    Raises
    ------
    UserError
        If the network does not fit the board, a tool is missing or fails, or the netlist does
        not answer.
    """
    stage = stage or ProvedStage()
    display = progress or Display()
    board = job.board

    def advance(step: str, done: float) -> None:
        display.advance(done, None, f"{board.name}: {step} ... {done:,.0f}")

    display.start(f"{board.name}: netlist")
    build = Build(job.shell(), stage.tools, advance)
    file, bitstream = _make_netlist(build, board, stage)
    netlist = GateNetlist.read(file)
    display.finish(netlist.digest)
    display.start(f"{board.name}: simulating {len(netlist.cells):,} cells")
    network = job.runs or job.network
    bit_clocks = board.machine_frequency / board.baud
    proof = prove(netlist, Pins.of_board(board), bit_clocks, network, images, advance)
    display.finish(f"{proof['mismatches']} of {proof['logits_compared']} logits differ")
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


def _make_netlist(build: Build, board: Board, stage: ProvedStage) -> tuple[Path, str | None]:
    """Make the netlist of a stage, and return its file; a routed one's bitstream as SHA-256 too."""
    synthesised = build.synthesise()
    if not stage.routed:
        return synthesised.folder / "top.json", None
    routed = build.route(synthesised, stage.seed, written=True)
    if routed.bitstream is None:
        raise UserError(f"{board.name} has no room for this machine: try fewer lanes")
    return routed.folder / ROUTED, file_sha256(routed.bitstream)
