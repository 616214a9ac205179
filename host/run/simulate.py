"""Simulation of a network's engine in an HDL simulator, with every logit compared."""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from cyclopts import Parameter

from allspin.hdl.bench.runner import build
from allspin.hdl.bench.sim_bench import PROGRESS, RESULT
from allspin.hdl.bench.simulator import engine_source, simulate
from allspin.hdl.bench.tools import SIMULATORS, find_tools
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import Data, load_test_set
from allspin.host.data.files import check_writable
from allspin.host.options import Options
from allspin.host.show.display import Display
from allspin.host.show.progress import shows_progress
from allspin.sim.errors import not_one_of, refused
from allspin.sim.network.network import Network
from allspin.sim.parameters import choice

STALLS = 0.3
"""Share of the clocks with a stall, if a seed is given."""
IMAGES = 20
"""Default number of test images."""
POLL = 0.2
"""Seconds between two looks at the simulation's progress."""


@dataclass(frozen=True)
class SimulatorOptions(Options):
    """Options of the simulation of an engine.

    Parameters
    ----------
    simulator : str
        Simulator: verilator or icarus.
    seed : int or None
        Seed of random stalls at both ends of the engine; no stalls unless given.
    waves : Path or None
        File of the waveforms, which ends in .fst.

    Raises
    ------
    ValueError
        If the simulator is unknown, or waveforms have another ending.
    """

    simulator: str = choice(SIMULATORS[0], SIMULATORS)
    seed: int | None = None
    waves: Annotated[Path | None, Parameter(metavar="OUT.fst")] = None

    def __post_init__(self) -> None:
        if self.simulator not in SIMULATORS:
            raise ValueError(not_one_of("simulator", self.simulator, SIMULATORS))
        if self.waves is not None and self.waves.suffix != ".fst":
            raise ValueError(
                f"waves must be FST: name the file {self.waves.stem}.fst, not {self.waves.name}"
            )


@dataclass(frozen=True)
class Simulated:
    """Outcome of a simulation.

    Attributes
    ----------
    images, logits_compared, mismatches : int
        Number of images answered, of logits compared, and of logits that differ.
    first_mismatch : str or None
        First difference in words.
    cycles_per_image : float or None
        Clocks of the engine per image; None if it did not answer.
    seconds : float
        Wall-clock time of the simulation.
    """

    images: int
    logits_compared: int
    mismatches: int
    first_mismatch: str | None
    cycles_per_image: float | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``allspin sim --json`` prints."""
        figures = asdict(self)
        del figures["first_mismatch"]
        return figures


@contextmanager
def _watched(folder: Path, progress: Display) -> Iterator[None]:
    """Show the progress of the simulation while it runs."""
    file = folder / PROGRESS
    over = threading.Event()

    def poll() -> None:
        while not over.wait(POLL):
            if file.exists():
                done, total = map(int, file.read_text().split())
                progress.advance(done, total, f"{done} of {total} images")

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@shows_progress
def simulate_engine(
    network: str | Path | Network,
    images: npt.NDArray[np.uint8] | int = IMAGES,
    profile: HardwareProfile | None = None,
    options: SimulatorOptions | None = None,
    *,
    data: Data | None = None,
    progress: Any = None,
) -> Simulated:
    """Program a network's engine in a simulator, and stream images through it.

    Parameters
    ----------
    network : str, Path or Network
        A network, its file, or the name of one that ships.
    images : ndarray of uint8, shape (images, height, width), or int
        Grey levels; or number of the first test images.
    profile : HardwareProfile, optional
        Lanes and rows per clock of the engine (all columns at a time, a row per clock).
    options : SimulatorOptions, optional
        Simulator, stalls, and file of the waveforms.
    data : str, Path or tuple of array_like, optional
        Data set of the test images, as for `allspin.load_dataset` (MNIST).
    progress : Display or bool, optional
        Display of the steps: by default a bar, in a terminal or a notebook. The caller ends the
        last of the two steps.

    Raises
    ------
    UserError
        If the network does not exist, the waveforms cannot be written, or the simulator is
        missing.
    allspin.hdl.bench.simulator.BenchFailure
        If the engine hangs or breaks its protocol.
    """
    profile = profile or HardwareProfile()
    options = options or SimulatorOptions()
    network = open_network(network)
    if isinstance(images, int):
        images = load_test_set(data, [network], images)[0][:images]
    if options.waves is not None:
        check_writable(options.waves)
    find_tools(options.simulator)
    with refused("the gateware cannot run this network: "):
        parameters = EngineParameters.from_network(network, profile)
    progress.start("preparing the simulator, compiled once for each design")
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
