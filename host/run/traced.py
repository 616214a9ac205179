"""Images streamed through the virtual board while the engine's activity is recorded."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.bound import cycle_bounds
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.host.link.answers import Answers
from allspin.host.machines.opening import open_virtual
from allspin.host.run.showing import Images, stream_images
from allspin.host.show.display import BuildWatch, Display
from allspin.host.virtual.activity_tap import read_trace
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.parameters import Brief

TRACED_IMAGES = 6
"""Images in the timeline."""


@dataclass(frozen=True, eq=False)
class TracedRun(Brief):
    """Answers of a run, with a record of the engine's activity.

    Attributes
    ----------
    answers : Answers
        The machine's answers.
    seconds : float
        Wall-clock time of the streaming.
    cycles : int
        Clocks from the first image to the last, by the hardware's counter.
    bound : float
        Mean clocks per image that the slowest stage alone takes.
    activity : ndarray of uint64, shape (clocks,)
        The engine's activity word in each clock from the first event on.
    """

    answers: Answers
    seconds: float
    cycles: int
    bound: float
    activity: npt.NDArray[np.uint64]


def run_traced(network: Network, images: Images, progress: Display) -> TracedRun:
    """Build the virtual board, load a network and stream images through it.

    Parameters
    ----------
    network : Network
        Network to run.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    progress : Display
        Display of the steps.

    Raises
    ------
    UserError
        If no C++ compiler is installed, or the machine fails or miscounts.
    """
    bounds = cycle_bounds(network, EngineParameters.from_network(network), images)
    # Enough for the images of the timeline to pass through all layers.
    clocks = 2 * int(bounds[: TRACED_IMAGES + len(network.layers)].sum()) + 1000
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "activity"
        progress.start("compiling the gateware into a simulator")
        watch = BuildWatch(progress)
        with open_virtual(network, trace=(trace, clocks), progress=watch) as machine:
            progress.finish(watch.outcome.removeprefix("; "))
            progress.start("programming")
            machine.load(network, lambda done: progress.advance(done, None))
            progress.finish()
            shown = stream_images(machine, images, np.zeros(len(images), np.int64), progress)
            counters = machine.counters()
        if counters.images != len(images):
            raise UserError(
                f"{len(images)} images were streamed, but the machine's counters say {counters}"
            )
        assert shown.answers is not None
        activity = read_trace(trace)
    return TracedRun(shown.answers, shown.seconds, counters.cycles, float(bounds.mean()), activity)
