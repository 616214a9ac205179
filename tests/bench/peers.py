"""Images/s of the golden model and of other programs, side by side."""

import importlib.util
import multiprocessing
import signal
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from allspin.hdl.cache.process import for_tools_of_others
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.errors import refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

# How long work takes, by the wall's clock and by the processor's.

Result = TypeVar("Result")


@dataclass(frozen=True)
class Timed:
    """Time that work took.

    Parameters
    ----------
    wall, processor : float
        Seconds that passed, and that processors worked: on a machine that does other things
        too, the second is what the work itself takes.
    """

    wall: float
    processor: float


def timed(work: Callable[[], Result], repeats: int = 1) -> tuple[Timed, Result]:
    """Do work some times, and return the median time, and the last result.

    Parameters
    ----------
    work : callable
        What to do, in this process.
    repeats : int
        How often, 1 or more.
    """
    runs: list[tuple[Timed, Result]] = []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        result = work()
        took = Timed(time.perf_counter() - wall, time.process_time() - processor)
        runs.append((took, result))
    return median([took for took, _ in runs]), runs[-1][1]


def median(runs: Sequence[Timed]) -> Timed:
    """Wall's and processor's, each for itself; of an even number the faster in the middle."""
    return Timed(
        statistics.median_low(took.wall for took in runs),
        statistics.median_low(took.processor for took in runs),
    )


# The same network in plain NumPy floats: what the golden model is compared with.
#
# It is what one would write who does not care for bits: float32 throughout, the V-I converter a
# factor and an offset, the neuron two straight knees, noise from NumPy's own generator.

Floats = npt.NDArray[np.float32]


class FloatForward:
    """A network as float32 matrices.

    Parameters
    ----------
    network : Network
        Of neurons with two knees, such as SOT ones.
    write, use : float
        Standard deviation of R_AH as a fraction of the range, drawn once, and of each neuron's
        current at each use as a fraction of full scale; 0 for none.
    seed : int
        Of both.

    Raises
    ------
    ValueError
        If its neurons have no such knees.
    """

    def __init__(
        self, network: Network, write: float = 0.0, use: float = 0.0, seed: int = 0
    ) -> None:
        knees = network.neuron.knees
        if knees is None:
            raise ValueError(f"neurons must be sot, not {network.neuron.name}")
        self.knees = knees
        self.use = np.float32(use)
        self.rng = np.random.default_rng(seed)
        self.matrices: list[Floats] = []
        self.offsets: list[Floats] = []
        scale = 1 / 255
        full = 2**network.current_bits - 1
        for number, layer in enumerate(network.layers):
            words = layer.words.astype(np.float32)
            if write:
                span = float(layer.levels[-1]) - float(layer.levels[0])
                noise = self.rng.standard_normal(words.shape, np.float32)
                words += np.float32(write * span) * noise
            top = 2 ** network.input_bits(number) - 1
            gain = np.ones(layer.columns)
            offset = np.zeros(layer.columns)
            if layer.converter is not None:
                gain = layer.converter.gains / 2.0**layer.converter.shift / full
                offset = layer.converter.offsets / full
            self.matrices.append((words * (gain * top * scale)).astype(np.float32))
            self.offsets.append(offset.astype(np.float32))
            scale = 1.0  # a hidden activation is a fraction already

    def logits(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Column sums of the last layer, shape (images, classes), in arbitrary units."""
        knees = self.knees
        values: Floats = images.reshape(len(images), -1).astype(np.float32)
        for matrix, offset in zip(self.matrices[:-1], self.offsets[:-1], strict=True):
            values = values @ matrix
            values -= offset
            if self.use:
                values += self.use * self.rng.standard_normal(values.shape, np.float32)
            values -= np.float32(knees.threshold)
            values *= np.float32(knees.slope)
            np.clip(values, 0, np.float32(knees.saturation), out=values)
        return values @ self.matrices[-1]

    def classify(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Class of each image."""
        return self.logits(images).argmax(axis=1)


# Other simulators of analogue arrays, where they are installed.
#
# Neither is a dependency. CrossSim comes from its own repository (package ``simulator``),
# aihwkit-lightning from the package index. Each runs the same two matrices on the same images;
# what lies between them is the plain float neuron of `tests.bench.peers`.

Images = npt.NDArray[np.uint8]
Classify = Callable[[Images], npt.NDArray[np.int64]]

WRITE = 0.03
"""Standard deviation of a peer's weights in noisy runs, of the range."""
USE = 0.014
"""Standard deviation of noise at each use, as the paper's neuron."""


@dataclass(frozen=True)
class Peer:
    """Another simulator.

    Attributes
    ----------
    name : str
        What it is called.
    module : str
        What is imported.
    make : callable
        Makes a classifier of a float network; noisy or not.
    noisy_images : int
        Images that a noisy run is given, so that it ends within seconds.
    """

    name: str
    module: str
    make: Callable[[FloatForward, bool], Classify]
    noisy_images: int

    @property
    def installed(self) -> bool:
        """Whether it can be imported."""
        return importlib.util.find_spec(self.module) is not None


def _through(
    network: FloatForward, products: list[Callable[[npt.NDArray[Any]], npt.NDArray[Any]]]
) -> Classify:
    """Classify by matrix products of somebody else's."""
    knees = network.knees

    def classify(images: Images) -> npt.NDArray[np.int64]:
        values = images.reshape(len(images), -1).astype(np.float32)
        for product, offset in zip(products[:-1], network.offsets[:-1], strict=True):
            currents = product(values) - offset
            values = np.clip((currents - knees.threshold) * knees.slope, 0, knees.saturation)
        return products[-1](values).argmax(axis=1)

    return classify


def crosssim(network: FloatForward, noisy: bool) -> Classify:
    """CrossSim: programming error and read noise in noisy runs."""
    import simulator  # pyright: ignore[reportMissingImports]

    parameters = simulator.CrossSimParameters()
    if noisy:
        device = parameters.xbar.device
        for error, magnitude in ((device.programming_error, WRITE), (device.read_noise, USE)):
            error.enable = True
            error.model = "NormalIndependentDevice"
            error.magnitude = magnitude

    def product(matrix: npt.NDArray[np.float32]) -> Callable[[Any], Any]:
        core = simulator.AnalogCore(np.ascontiguousarray(matrix.T), parameters)
        return lambda values: np.asarray(core.matmat(values.T)).T

    return _through(network, [product(matrix) for matrix in network.matrices])


def lightning(network: FloatForward, noisy: bool) -> Classify:
    """aihwkit-lightning: output noise in noisy runs, weights drawn once."""
    import torch  # pyright: ignore[reportMissingImports]
    from aihwkit_lightning.nn import AnalogLinear  # pyright: ignore[reportMissingImports]
    from aihwkit_lightning.simulator.configs import (  # pyright: ignore[reportMissingImports]
        TorchInferenceRPUConfig,
    )

    torch.set_num_threads(1)
    torch.manual_seed(0)

    def product(number: int, matrix: npt.NDArray[np.float32]) -> Callable[[Any], Any]:
        weights = matrix
        config = TorchInferenceRPUConfig()
        if noisy:
            config.forward.out_noise = USE
            # Its noise is relative to the input's range: grey levels, then activations.
            config.pre_post.input_range.enable = True
            config.pre_post.input_range.learn_input_range = False
            config.pre_post.input_range.init_value = 1.0 if number else 255.0
            spread = np.float32(WRITE * np.ptp(matrix))
            weights = matrix + spread * network.rng.standard_normal(matrix.shape, np.float32)
        layer = AnalogLinear(*matrix.shape, bias=False, rpu_config=config)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights.T)))
        layer.train(noisy)  # its noise is for training

        def multiply(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            with torch.no_grad():
                return layer(torch.from_numpy(np.ascontiguousarray(values))).numpy()

        return multiply

    products = [product(number, matrix) for number, matrix in enumerate(network.matrices)]
    return _through(network, products)


PEERS = (
    Peer("CrossSim", "simulator", crosssim, 50),
    Peer("aihwkit-lightning", "aihwkit_lightning", lightning, 10_000),
)


# A program that runs a network, and how long it takes.

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


TARGETS = {
    (PLAIN, False): 0.9,
    ("aihwkit-lightning", False): 1.0,
    ("aihwkit-lightning", True): 3.0,
    ("CrossSim", True): 1000.0,
}
"""How many times as fast the golden model shall be, by program and whether it is noisy."""

Say = Callable[[str], None]


@contextmanager
def apart() -> Iterator[Callable[[Program], tuple[Timed, float]]]:
    """A process for one program's runs: what `run` finds there.

    Raises
    ------
    UserError
        If the process has ended.
    """
    # An interrupt is for this process alone.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    context = multiprocessing.get_context("spawn")
    with for_tools_of_others(), ProcessPoolExecutor(1, context, signal.signal, ignore) as pool:

        def there(program: Program) -> tuple[Timed, float]:
            lacking = f"the process of {program.name} ended, perhaps for want of memory: "
            with refused(lacking, kinds=BrokenProcessPool):
                return pool.submit(run, program).result()

        yield there


def ratios(program: Program, repeats: int, say: Say) -> list[dict[str, Any]]:
    """Images/s of one thread, by processor time, ours and others' in turn.

    Each program has a process of its own, so that none works in memory that another one has warmed
    or given back. A first round does not count.

    Parameters
    ----------
    program : Program
        The golden model's; the others have the same, but that slow ones have fewer images.
    repeats : int
        How many runs of each; the median counts.
    say : callable
        Told each round.
    """
    installed = [peer for peer in PEERS if peer.installed]
    names = [GOLDEN, PLAIN, *(peer.name for peer in installed)]
    few = {peer.name: min(peer.noisy_images, program.images) for peer in installed}
    rows = []
    with ExitStack() as stack:
        processes = [stack.enter_context(apart()) for _ in names]
        for noisy in (False, True):
            programs = [
                replace(
                    program,
                    name=name,
                    noisy=noisy,
                    images=few.get(name, program.images) if noisy else program.images,
                )
                for name in names
            ]
            rounds = []
            for number in range(repeats + 1):
                kind = "noisy" if noisy else "ideal"
                say(f"{kind}, run {number} of {repeats}" if number else f"{kind}, each once")
                pairs = zip(processes, programs, strict=True)
                rounds.append([process(each) for process, each in pairs])
            rows += _rows(programs, rounds[1:])
    return rows


def _rows(programs: list[Program], rounds: list[list[tuple[Timed, float]]]) -> list[dict[str, Any]]:
    """Of each program, by its runs in each round; and of peers that are not installed."""
    rows: list[dict[str, Any]] = []
    for program, runs in zip(programs, zip(*rounds, strict=True), strict=True):
        rate = program.images / median([took for took, _ in runs]).processor
        best = rows[0]["images_per_second"] if rows else rate
        rows.append(
            {
                "what": program.name,
                "noisy": program.noisy,
                "images": program.images,
                "images_per_second": rate,
                "accuracy": runs[-1][1],
                "golden_is_times_as_fast": best / rate,
            }
        )
    absent = {"images_per_second": None, "golden_is_times_as_fast": None}
    for peer in PEERS:
        if not peer.installed:
            rows.append({"what": peer.name, "noisy": programs[0].noisy, **absent})
    return [{**row, "target": TARGETS.get((row["what"], row["noisy"]))} for row in rows]
