"""A program that runs a network, and how long it takes."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.study.bench.peers.forward import FloatForward
from allspin.host.study.bench.peers.simulators import PEERS, USE, WRITE, Classify, Images
from allspin.host.study.bench.timing import Timed, timed
from allspin.sim.chip.chip import Chip
from allspin.sim.network.golden import GoldenModel
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

GOLDEN = "golden model"
PLAIN = "plain NumPy, float32"


@dataclass(frozen=True)
class Program:
    """A program, and what it runs.

    Parameters
    ----------
    name : str
        `GOLDEN`, `PLAIN` or a peer's.
    network, device : str
        Names of the catalogue.
    images : int
        How many of the test images.
    noisy : bool
        Whether it is a chip of the device; its programming counts.
    """

    name: str
    network: str
    device: str
    images: int
    noisy: bool = False

    def opened(self) -> Classify:
        """Read its files, and return what makes all else anew and classifies."""
        network, device = open_network(self.network), open_device(self.device)

        def golden(images: Images) -> npt.NDArray[np.int64]:
            if not self.noisy:
                return GoldenModel(network).classify(images)
            chip = Chip(device, 0)
            words = program_chip(chip, network, Programming()).words
            return chip.golden(network, words).classify(images)

        def plain(images: Images) -> npt.NDArray[np.int64]:
            write, use = (WRITE, USE) if self.noisy else (0.0, 0.0)
            return FloatForward(network, write, use).classify(images)

        def peers(images: Images) -> npt.NDArray[np.int64]:
            (peer,) = (peer for peer in PEERS if peer.name == self.name)
            return peer.make(FloatForward(network), self.noisy)(images)

        return {GOLDEN: golden, PLAIN: plain}.get(self.name, peers)


@cache
def _test_set() -> tuple[Images, npt.NDArray[np.integer]]:
    return load_test_set(None)


def run(program: Program) -> tuple[Timed, float]:
    """Time of a program in this process, once it has run before, and its accuracy."""
    images, labels = _test_set()
    images, labels = images[: program.images], labels[: program.images]
    classify = program.opened()
    with threadpool_limits(1):
        classify(images)
        took, answers = timed(lambda: classify(images))
    return took, float(np.mean(answers == labels))
