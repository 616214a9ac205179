"""Proof of a whole board: the netlist that its bitstream is made of, against the golden model."""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from allspin.boards.board import Board
from allspin.boards.build.families import ROUTED, family_of
from allspin.boards.build.figures import file_sha256
from allspin.boards.build.flow import Build
from allspin.boards.build.tools import Wanted
from allspin.boards.catalogue import find_board, find_boards
from allspin.boards.gates.models import FAMILIES
from allspin.boards.gates.netlist import GateNetlist
from allspin.boards.gates.pins import Pins
from allspin.boards.gates.simulator import build as build_netlist
from allspin.hdl.bench.runner import build
from allspin.hdl.bench.sim_bench import PROGRESS, RESULT
from allspin.hdl.bench.simulator import engine_source, simulate
from allspin.hdl.bench.tools import SIMULATORS, find_tools
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.jobs import BuildJob
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import Data, load_test_set
from allspin.host.data.files import check_writable
from allspin.host.keywords import takes
from allspin.host.machines.opening import LinkedMachine
from allspin.host.run.machine_checks import check_parts
from allspin.host.show.display import Display
from allspin.host.show.version import commit
from allspin.host.virtual.board import VirtualTransport
from allspin.sim.errors import UserError, not_one_of, refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.parameters import option

# A network's engine in an HDL simulator, with every logit beside the golden model's.

STALLS = 0.3
"""Share of the clocks with a stall, where a seed asks for stalls."""
IMAGES = 20
"""Test images, where nothing else is asked for."""
POLL = 0.2
"""Seconds between two looks at the simulation's progress."""


@dataclass(frozen=True)
class SimulatorOptions:
    """How an engine is simulated.

    Parameters
    ----------
    simulator : str
        One of `allspin.hdl.bench.tools.SIMULATORS`.
    seed : int or None
        Stalls both ends of the engine at random; None for no stalls.
    waves : Path or None
        Where to record waveforms: a file that ends in ``.fst``.

    Raises
    ------
    ValueError
        If there is no such simulator, or waveforms have another ending.
    """

    simulator: str = field(
        default=SIMULATORS[0], metadata=option("the simulator (verilator)", choices=SIMULATORS)
    )
    seed: int | None = field(
        default=None,
        metadata=option(
            "stall both ends of the engine at random, drawn from this seed (no stalls)", "S"
        ),
    )
    waves: Path | None = field(
        default=None, metadata=option("record waveforms, in FST", "OUT.fst", type=Path)
    )

    def __post_init__(self) -> None:
        if self.simulator not in SIMULATORS:
            raise ValueError(not_one_of("simulator", self.simulator, SIMULATORS))
        if self.waves is not None and self.waves.suffix != ".fst":
            raise ValueError(
                f"waves must be FST: name the file {self.waves.stem}.fst, not {self.waves.name}"
            )


@dataclass(frozen=True)
class Simulated:
    """What came of a simulation.

    Attributes
    ----------
    images, logits_compared, mismatches : int
        How many were answered, compared, and found to differ.
    first_mismatch : str or None
        The first, in words.
    cycles_per_image : float or None
        Clocks of the engine; None if it answered none.
    seconds : float
        That the images took to simulate, of the wall's clock.
    """

    images: int
    logits_compared: int
    mismatches: int
    first_mismatch: str | None
    cycles_per_image: float | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The figures, as ``allspin sim --json`` has them."""
        figures = asdict(self)
        del figures["first_mismatch"]
        return figures


@contextmanager
def _watched(folder: Path, progress: Display) -> Iterator[None]:
    """Say how far the simulation is while it runs."""
    file, over = folder / PROGRESS, threading.Event()

    def look() -> None:
        while not over.wait(POLL):
            if file.exists():
                done, total = map(int, file.read_text().split())
                progress.advance(done, total, f"{done} of {total} images")

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@takes(profile=HardwareProfile, options=SimulatorOptions)
def simulate_engine(
    network: str | Path | Network,
    images: npt.NDArray[np.uint8] | int = IMAGES,
    profile: HardwareProfile | None = None,
    options: SimulatorOptions | None = None,
    *,
    data: Data | None = None,
    progress: Any = None,
    **keywords: Any,
) -> Simulated:
    """Program a network's engine in a simulator, and stream images through it.

    Parameters
    ----------
    network : str, Path or Network
        A network, its file, or the name of one that ships.
    images : ndarray of uint8, shape (images, height, width), or int
        Grey levels; or how many of the first test images.
    profile : HardwareProfile, optional
        What the engine runs on: all columns at a time, a row per clock.
    options : SimulatorOptions, optional
        Which simulator, with which stalls, and where waveforms go.
    data : str, Path or tuple of array_like, optional
        Whose test images, as of `allspin.load_dataset`; MNIST's.
    progress : Display or bool, optional
        Shows how far it is: by default a bar, in a terminal or a notebook. The last of two steps
        is left for the caller to end.
    **keywords
        Of `HardwareProfile`, and what ``allspin sim`` has: ``seed``, ``simulator``, ``waves``.

    Raises
    ------
    UserError
        If there is no such network, the waveforms cannot be written, or the simulator is not there.
    allspin.hdl.bench.simulator.BenchFailure
        If the engine hangs or says what it must not.
    """
    profile, options = profile or HardwareProfile(), options or SimulatorOptions()
    network = open_network(network)
    if isinstance(images, int):
        images = load_test_set(data, [network], images)[0][:images]
    if options.waves is not None:
        check_writable(options.waves)
    find_tools(options.simulator)
    with refused("the gateware cannot run this network: "):
        parameters = EngineParameters.from_network(network, profile)
    progress.start("preparing the simulator, compiled once for a design")
    verilog = engine_source(parameters)
    build(verilog, simulator=options.simulator, waves=options.waves is not None)
    progress.finish()
    progress.start("simulating")
    with tempfile.TemporaryDirectory(prefix="allspin-sim-") as temporary:
        folder = Path(temporary)
        with _watched(folder, progress):
            simulate(
                verilog,
                "allspin.hdl.bench.sim_bench",
                simulator=options.simulator,
                network=network,
                images=images,
                profile=profile,
                options={"stalls": 0.0 if options.seed is None else STALLS},
                seed=options.seed or 0,
                waves=options.waves,
                folder=folder,
            )
        return Simulated(**json.loads((folder / RESULT).read_text()))


# Proof at the gate: a netlist programmed and asked through its pins, against the golden model.

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
        the machine's other parts (see `allspin.host.run.machine_checks.check_parts`); clocks of
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
        machine.program(network, lambda done: progress("programming, frames", done))
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

    routed: bool = field(
        default=False,
        metadata=option("simulate what nextpnr has placed and routed"),
    )
    seed: int = field(default=1, metadata=option("seed of the placement, with --routed (1)", "N"))
    tools: Wanted = field(
        default="auto", metadata=option("which tools (auto)", choices=get_args(Wanted))
    )


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
        The board with its machine and network, of `allspin.host.bitstreams.jobs.make_job`.
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
