"""A network's engine in an HDL simulator, with every logit beside the golden model's."""

import json
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.bench.cocotb.session import PROGRESS, RESULT
from allspin.hdl.bench.simulators.runner import build, engine_source, simulate
from allspin.hdl.bench.simulators.tools import SIMULATORS, find_tools
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.data.files import check_writable
from allspin.host.show.display import Display, Silent
from allspin.sim.errors import not_one_of, refused
from allspin.sim.network.network import Network

STALLS = 0.3
"""Share of the clocks with a stall, where a seed asks for stalls."""
POLL = 0.2
"""Seconds between two looks at the simulation's progress."""


@dataclass(frozen=True)
class SimulatorOptions:
    """How an engine is simulated.

    Parameters
    ----------
    simulator : str
        One of `allspin.hdl.bench.simulators.tools.SIMULATORS`.
    seed : int or None
        Stalls both ends of the engine at random; None for no stalls.
    waves : Path or None
        Where to record waveforms: a file that ends in ``.fst``.

    Raises
    ------
    ValueError
        If there is no such simulator, or waveforms have another ending.
    """

    simulator: str = SIMULATORS[0]
    seed: int | None = None
    waves: Path | None = None

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


class _Watch:
    """Say how far the simulation is while it runs."""

    def __init__(self, folder: Path, display: Display) -> None:
        self._file = folder / PROGRESS
        self._display = display
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(POLL):
            if self._file.exists():
                done, total = map(int, self._file.read_text().split())
                self._display.advance(done, total, f"{done} of {total} images")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def simulate_engine(
    network: str | Path | Network,
    images: npt.NDArray[np.uint8],
    profile: HardwareProfile | None = None,
    options: SimulatorOptions | None = None,
    display: Display | None = None,
) -> Simulated:
    """Program a network's engine in a simulator, and stream images through it.

    Parameters
    ----------
    network : str, Path or Network
        A network, its file, or the name of one that ships.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    profile : HardwareProfile, optional
        What the engine runs on: all columns at a time, a row per clock.
    options : SimulatorOptions, optional
        Which simulator, with which stalls, and where waveforms go.
    display : Display, optional
        Shows the two steps; the second is left for the caller to end.

    Raises
    ------
    UserError
        If there is no such network, the waveforms cannot be written, or the simulator is not there.
    allspin.hdl.bench.simulators.runner.BenchFailure
        If the engine hangs or says what it must not.
    """
    profile, options = profile or HardwareProfile(), options or SimulatorOptions()
    network, display = open_network(network), display or Silent()
    if options.waves is not None:
        check_writable(options.waves)
    find_tools(options.simulator)
    with refused("the gateware cannot run this network: "):
        parameters = EngineParameters.from_network(network, profile)
    display.start("preparing the simulator, compiled once for a design")
    verilog = engine_source(parameters)
    build(verilog, simulator=options.simulator, waves=options.waves is not None)
    display.finish()
    display.start("simulating")
    with tempfile.TemporaryDirectory(prefix="allspin-sim-") as temporary:
        folder = Path(temporary)
        with _Watch(folder, display):
            simulate(
                verilog,
                "allspin.hdl.bench.cocotb.session",
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
