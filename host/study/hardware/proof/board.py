"""Proof of a whole board: the netlist that its bitstream is made of, against the golden model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.boards.board import Board
from allspin.boards.build.families import ICE40, family_of
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.gates.models import FAMILIES
from allspin.boards.gates.netlist import Netlist
from allspin.boards.gates.pins import Pins
from allspin.host.bitstreams.build.job import Job
from allspin.host.show.display import Display, Silent
from allspin.host.show.revision import commit
from allspin.host.study.hardware.proof.netlist import Proof, prove
from allspin.sim.errors import UserError

FAMILY_BOARDS = {"ice40": "icebreaker", "ecp5": "ulx3s-25f"}
"""The board that stands for each family."""


@dataclass(frozen=True)
class Stage:
    """Which netlist of a board is proved, and what makes it.

    Parameters
    ----------
    routed : bool
        Whether it is the placed and routed one, in place of the synthesised.
    seed : int
        Of placing, for the routed one.
    tools : {"auto", "native", "pypi"}
        Which tools.
    """

    routed: bool = False
    seed: int = 1
    tools: Wanted = "auto"

    @property
    def name(self) -> str:
        """As results have it."""
        return "routed" if self.routed else "synthesised"


@dataclass(frozen=True)
class BoardProof:
    """What came of a board's netlist.

    Attributes
    ----------
    board, stage, network, tools : str
        What was proved, and what made it.
    frequency : int
        Hz of the machine's clock.
    proof : Proof
        What came of its simulation.
    commit : str or None
        Of the sources.
    """

    board: str
    stage: str
    network: str
    tools: str
    frequency: int
    proof: Proof
    commit: str | None

    @property
    def simulated_images_per_second(self) -> float:
        """Images/s at the machine's clock."""
        return self.proof.images * self.frequency / self.proof.clocks_streaming

    def to_dict(self) -> dict[str, Any]:
        """As ``allspin gates --json`` prints it; see ``docs/gates.md``."""
        proof = self.proof
        return {
            "board": self.board,
            "stage": self.stage,
            "network": self.network,
            "netlist": proof.netlist,
            "tools": self.tools,
            "images": proof.images,
            "logits_compared": proof.logits,
            "mismatches": proof.mismatches,
            "resent": proof.resent,
            "cells": proof.cells,
            "clocks_programming": proof.clocks_programming,
            "clocks_streaming": proof.clocks_streaming,
            "simulated_images_per_second": self.simulated_images_per_second,
            "seconds_compiling": proof.seconds_compiling,
            "seconds_programming": proof.seconds_programming,
            "seconds_streaming": proof.seconds_streaming,
            "commit": self.commit,
        }


def _has_models(board: Board) -> bool:
    return family_of(board.create_platform()).name.lower() in FAMILIES


def find_provable(names: list[str], stage: Stage) -> list[Board]:
    """Boards whose netlists can be simulated.

    Parameters
    ----------
    names : list of str
        Each a board's or a family's; none for a board of each family.
    stage : Stage
        Which netlist is wanted.

    Raises
    ------
    UserError
        If there is no such board, there are no models of its cells, or its routed netlist is
        wanted and it is no iCE40.
    """
    wanted = [FAMILY_BOARDS.get(name, name) for name in names or FAMILIES]
    boards = [find_board(name) for name in dict.fromkeys(wanted)]
    for board in boards:
        family = family_of(board.create_platform())
        if not _has_models(board):
            able = [name for name in find_boards() if _has_models(find_board(name))]
            raise UserError(
                f"there are no models of the cells of {board.name} ({family.name}): "
                f"take one of {', '.join(able)}"
            )
        if stage.routed and family is not ICE40:
            raise UserError(f"`routed` is for iCE40, and {board.name} has an {family.name}")
    return boards


def _netlist_file(board: Board, build: Build, stage: Stage) -> Path:
    synthesised = build.synthesise()
    if not stage.routed:
        return synthesised.folder / "top.json"
    routed = build.route(synthesised, stage.seed)
    if routed.bitstream is None:
        raise UserError(f"{board.name} has no room for this machine: try fewer lanes")
    return routed.folder / "routed.json"


def prove_board(
    job: Job,
    images: npt.NDArray[np.uint8],
    stage: Stage | None = None,
    display: Display | None = None,
) -> BoardProof:
    """Build a board's netlist, program a network through its pins, and compare its logits.

    Parameters
    ----------
    job : Job
        The board with its machine and network, of `allspin.host.bitstreams.build.job.make_job`.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    stage : Stage, optional
        Which netlist: what synthesis makes.
    display : Display, optional
        Shows the two steps.

    Raises
    ------
    UserError
        If the network cannot run there, a tool is missing or fails, or the netlist does not
        answer.
    """
    stage, display = stage or Stage(), display or Silent()
    board = job.board

    def progress(what: str, done: float) -> None:
        display.advance(done, None, f"{board.name}: {what} ... {done:,.0f}")

    display.start(f"{board.name}: netlist")
    parameters = job.shell()
    build = Build(parameters, stage.tools, progress)
    netlist = Netlist.read(_netlist_file(board, build, stage))
    display.finish(netlist.digest)
    display.start(f"{board.name}: simulating {len(netlist.cells):,} cells")
    bit_clocks = board.machine_frequency / board.baud
    proof = prove(netlist, Pins.of_board(board), bit_clocks, job.network, images, progress)
    display.finish(f"{proof.mismatches} of {proof.logits} logits differ")
    return BoardProof(
        board=board.name,
        stage=stage.name,
        network=job.network_name,
        tools=str(build.tools),
        frequency=board.machine_frequency,
        proof=proof,
        commit=commit(),
    )
