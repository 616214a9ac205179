"""Images streamed through the virtual board while the engine's activity is recorded."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from allspin.host.link.machines.opening import open_virtual
from allspin.host.link.payloads.answers import Answers
from allspin.host.link.virtual.board import read_trace
from allspin.host.show.display import BuildWatch, Display
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

TRACED_IMAGES = 6
"""Images in the timeline."""


@dataclass(frozen=True, eq=False)
class TracedRun:
    """What came of a run.

    Attributes
    ----------
    answers : Answers
        What the machine answered.
    seconds : float
        Of the streaming, wall clock.
    cycles : int
        Clocks from the first image to the last, by the hardware's counter.
    activity : ndarray of uint64, shape (clocks,)
        The engine's activity word in each clock from the first event on.
    """

    answers: Answers
    seconds: float
    cycles: int
    activity: npt.NDArray[np.uint64]


def traced_clocks(network: Network, bounds: npt.NDArray[np.int64]) -> int:
    """Clocks that let the images of the timeline pass through all layers.

    Parameters
    ----------
    network : Network
        What runs.
    bounds : ndarray of int64, shape (images,)
        Of `allspin.hdl.cost.bound.cycle_bounds`.
    """
    return 2 * int(bounds[: TRACED_IMAGES + len(network.layers)].sum()) + 1000


def run_traced(
    network: Network, images: npt.NDArray[np.uint8], clocks: int, display: Display
) -> TracedRun:
    """Build the virtual board, program it and stream images through it.

    Parameters
    ----------
    network : Network
        What to run.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    clocks : int
        For how long the activity is recorded.
    display : Display
        Told of each step.

    Raises
    ------
    UserError
        If there is no C++ compiler, or the machine fails or miscounts.
    """
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "activity"
        display.start("compiling the gateware into a simulator")
        watch = BuildWatch(display)
        with open_virtual(
            network,
            trace=(trace, clocks),
            progress=watch,
        ) as machine:
            display.finish(watch.outcome.removeprefix("; "))
            display.start("programming weights, tables and converters over the link")
            machine.program(network)
            display.finish()
            display.start(f"streaming {len(images):,} test images")
            begun = time.perf_counter()
            answers = machine.stream(images, lambda done: display.advance(done, len(images)))
            seconds = time.perf_counter() - begun
            display.finish(f"{len(images) / seconds:,.0f} images/s")
            counters = machine.counters()
        if counters.images != len(images):
            raise UserError(
                f"{len(images)} images were streamed, but the machine's counters say {counters}"
            )
        return TracedRun(answers, seconds, counters.cycles, read_trace(trace))
