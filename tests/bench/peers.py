"""Images/s of the golden model and of other programs, side by side."""

import itertools
import multiprocessing
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import metadata
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from allspin.hdl.cache.process import for_tools_of_others
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.errors import refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation

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


# What all noisy runs have, and nothing else: an error of each cell, drawn once, and noise on each
# hidden neuron's current at each use, of which a column has one draw an image.

WRITE = 0.03
"""Standard deviation of a cell's error, of the range."""
USE = 0.014
"""Standard deviation of noise at each use, of the current's full scale; as the paper's neuron."""


def law(device: Device) -> Device:
    """A device that varies so, and not as its own file says."""
    assert isinstance(device.synapse, SotSynapse)
    synapse = replace(device.synapse, c2c=CycleVariation(WRITE, WRITE), d2d=DeviceVariation())
    return replace(device, synapse=synapse, neuron_variation=NeuronVariation(use=USE))


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
        Of both. Not one that a network is trained with: its first weights are the same draws, and
        errors in the direction of the weights do no harm.

    Attributes
    ----------
    matrices, offsets : list of ndarray of float32
        Of each layer: what images' grey levels or activations are multiplied with, shape (rows,
        columns), and what is then taken off: the converter's offset and the neuron's threshold.
    products : list of callable
        What multiplies with each; a peer puts its own here.

    Raises
    ------
    ValueError
        If its neurons have no such knees.
    """

    def __init__(
        self, network: Network, write: float = 0.0, use: float = 0.0, seed: int = 1000
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
                most = np.iinfo(layer.words.dtype).max  # the hardware holds no larger ones
                np.clip(words, -most, most, out=words)
            top = 2 ** network.input_bits(number) - 1
            gain = np.ones(layer.columns)
            offset = np.zeros(layer.columns)
            if layer.converter is not None:
                gain = layer.converter.gains / 2.0**layer.converter.shift / full
                offset = layer.converter.offsets / full + knees.threshold
            self.matrices.append((words * (gain * top * scale)).astype(np.float32))
            self.offsets.append(offset.astype(np.float32))
            scale = 1.0  # a hidden activation is a fraction already
        self.products: list[Callable[[Floats], Floats]] = [
            partial(_times, matrix) for matrix in self.matrices
        ]

    def logits(self, images: npt.NDArray[np.uint8]) -> Floats:
        """Column sums of the last layer, shape (images, classes), in arbitrary units."""
        values: Floats = images.reshape(len(images), -1).astype(np.float32)
        for product, offset in zip(self.products[:-1], self.offsets[:-1], strict=True):
            values = product(values)
            values -= offset
            if self.use:
                values += self.use * self.rng.standard_normal(values.shape, np.float32)
            values *= np.float32(self.knees.slope)
            np.clip(values, 0, np.float32(self.knees.saturation), out=values)
        return self.products[-1](values)

    def classify(self, images: npt.NDArray[np.uint8], first: int = 0) -> npt.NDArray[np.int64]:
        """Class of each image; the number of the first makes no difference."""
        return self.logits(images).argmax(axis=1)


def _times(matrix: Floats, values: Floats) -> Floats:
    return values @ matrix


# PyTorch, and other simulators of analogue arrays, where they are installed.
#
# None is a dependency. CrossSim comes from its own repository (package ``simulator``), the others
# from the package index. Each is given the same cells with the same errors, computes float32, and
# is as fast as we know how to make it: CrossSim's own errors would make its arrays float64, which
# takes twice as long. aihwkit's tile is that of PyTorch: the one in C++ of its wheel refuses the
# weights of a newer PyTorch.

Images = npt.NDArray[np.uint8]
Classify = Callable[[Images, int], npt.NDArray[np.int64]]
"""What classifies images; it is told the number of the first."""


@dataclass(frozen=True)
class Peer:
    """Another program.

    Attributes
    ----------
    name : str
        What it is called.
    package : str
        What it is installed as.
    make : callable
        Makes a classifier of a float network, with its cells and its noise at each use.
    """

    name: str
    package: str
    make: Callable[[FloatForward], Classify]

    @property
    def version(self) -> str | None:
        """That which is installed, or None."""
        with suppress(metadata.PackageNotFoundError):
            return metadata.version(self.package)
        return None


def crosssim(network: FloatForward) -> Classify:
    """CrossSim's products; noise of columns is NumPy's, since its own is of cells."""
    import simulator  # pyright: ignore[reportMissingImports]

    def product(core: Any, values: Floats) -> Floats:
        return np.asarray(core.matmat(values.T)).T

    parameters = simulator.CrossSimParameters()
    cells = [np.ascontiguousarray(matrix.T) for matrix in network.matrices]
    network.products = [partial(product, simulator.AnalogCore(each, parameters)) for each in cells]
    return network.classify


def in_torch(
    network: FloatForward, analogue: Callable[[Any, float], Any] | None = None
) -> Classify:
    """PyTorch, or what makes an analogue layer of its linear one and the noise of its currents."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.manual_seed(0)
    knees, layers = network.knees, []
    uses = [*[float(network.use)] * (len(network.matrices) - 1), 0.0]
    for matrix, offset, use in zip(network.matrices, network.offsets, uses, strict=True):
        layer = torch.nn.Linear(*matrix.shape)
        layer.weight.data = torch.from_numpy(np.ascontiguousarray(matrix.T))
        layer.bias.data = torch.from_numpy(-offset)
        layers.append(layer if analogue is None else analogue(layer, use))

    def classify(images: Images, first: int) -> npt.NDArray[np.int64]:
        with torch.inference_mode():
            values = torch.from_numpy(images.reshape(len(images), -1)).float()
            for layer, use in zip(layers[:-1], uses, strict=False):
                values = layer(values)
                if use and analogue is None:
                    values.add_(torch.randn_like(values), alpha=use)
                values = values.mul_(knees.slope).clamp_(0, knees.saturation)
            return layers[-1](values).argmax(1).numpy()

    return classify


def aihwkit(layer: Any, use: float) -> Any:
    """A layer in aihwkit's tile of PyTorch: in one piece, without converters, noise on columns."""
    from aihwkit.nn import AnalogLinear  # pyright: ignore[reportMissingImports]
    from aihwkit.simulator import configs  # pyright: ignore[reportMissingImports]

    periphery = configs.IOParameters(
        **dict.fromkeys(("inp_res", "out_res"), -1),
        **dict.fromkeys(("inp_bound", "out_bound", "inp_noise", "w_noise"), 0.0),
        is_perfect=not use,
        out_noise=use,
        noise_management=configs.NoiseManagementType.NONE,
        bound_management=configs.BoundManagementType.NONE,
    )
    mapping = configs.MappingParameter(
        max_input_size=0, max_output_size=0, weight_scaling_omega=0.0
    )
    config = configs.TorchInferenceRPUConfig(forward=periphery, mapping=mapping)
    return AnalogLinear.from_digital(layer, config).eval()


def lightning(layer: Any, use: float) -> Any:
    """A layer of aihwkit-lightning, with noise on columns."""
    from aihwkit_lightning.nn import AnalogLinear  # pyright: ignore[reportMissingImports]
    from aihwkit_lightning.simulator import configs  # pyright: ignore[reportMissingImports]

    config = configs.TorchInferenceRPUConfig()
    if use:
        # Its noise is relative to the input's range, which it clips to, and the largest weight.
        span = config.pre_post.input_range
        span.enable, span.learn_input_range, span.init_from_data = True, False, 0
        span.init_value = 255.0
        config.forward.out_noise = use / (
            span.init_value * float(layer.weight.detach().abs().max())
        )
    return AnalogLinear.from_digital(layer, config).train(use > 0)  # noise is for training


GOLDEN = "golden model"
PLAIN = "plain NumPy, float32"
PEERS = (
    Peer(PLAIN, "numpy", lambda network: network.classify),
    Peer("plain PyTorch, float32", "torch", in_torch),
    Peer("CrossSim", "CrossSim", crosssim),
    Peer("aihwkit", "aihwkit", partial(in_torch, analogue=aihwkit)),
    Peer("aihwkit-lightning", "aihwkit-lightning", partial(in_torch, analogue=lightning)),
)


# A program that runs a network, and how long it takes.


@dataclass(frozen=True)
class Program:
    """A program, and what it runs.

    Parameters
    ----------
    name : str
        `GOLDEN` or a peer's.
    network, device : str
        Names of the catalogue.
    images : int
        How many of the test images.
    batch : int
        How many it is given at a time.
    noisy : bool
        Whether it is a chip, of the device with the variation of `law`.
    """

    name: str
    network: str
    device: str
    images: int
    batch: int = 1
    noisy: bool = False

    def opened(self) -> Callable[[], Classify]:
        """Read its files, and return what makes all else anew."""
        network, device = open_network(self.network), law(open_device(self.device))

        def golden() -> Classify:
            if not self.noisy:
                return GoldenModel(network).classify
            chip = Chip(device, 0)
            return golden(
                chip, network, program(network, chip.device, chip.seed, Programming()).words
            ).classify

        def others() -> Classify:
            (peer,) = (peer for peer in PEERS if peer.name == self.name)
            return peer.make(FloatForward(network, WRITE * self.noisy, USE * self.noisy))

        return golden if self.name == GOLDEN else others


@dataclass(frozen=True)
class Run:
    """What a run of a program took, and what came of it.

    Parameters
    ----------
    made, took : Timed
        To program the cells, and to classify the images.
    accuracy : float
        Share of them that are right.
    """

    made: Timed
    took: Timed
    accuracy: float


@cache
def _test_set() -> tuple[Images, npt.NDArray[np.integer]]:
    images, labels = load_test_set(None)
    return images.copy(), labels  # PyTorch warns of what it may not write


def run(program: Program) -> Run:
    """A run of a program in this process, once it has run before."""
    images, labels = _test_set()
    images, labels = images[: program.images], labels[: program.images]
    make = program.opened()

    def once() -> Run:
        made, classify = timed(make)

        def work() -> npt.NDArray[np.int64]:
            starts = range(0, len(images), program.batch)
            each = [classify(images[start : start + program.batch], start) for start in starts]
            return np.concatenate(each)

        took, answers = timed(work)
        return Run(made, took, float(np.mean(answers == labels)))

    # Some print what they lack when they are imported.
    with redirect_stdout(sys.stderr):
        once()
    return once()


BATCHES = (1, 10, 100, 1_000, 10_000)
"""Images that a program is given at a time."""
SAME = 0.003
"""Accuracies that differ by more are those of different machines: no ratio is told."""
TARGETS = {
    (PLAIN, False): 0.9,
    ("plain PyTorch, float32", False): 1.0,
    ("aihwkit-lightning", False): 1.0,
    ("aihwkit-lightning", True): 3.0,
}
"""How many times as fast the golden model shall be, by program and whether it is noisy."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What says how many threads libraries start."""

Say = Callable[[str], None]


@contextmanager
def apart() -> Iterator[Callable[[Program], Run]]:
    """A process of one thread for one program's runs: what `run` finds there.

    Raises
    ------
    UserError
        If the process has ended.
    """
    # An interrupt is for this process alone.
    ignore = (signal.SIGINT, signal.SIG_IGN)
    context = multiprocessing.get_context("spawn")
    # Libraries that compute ask the environment when they are loaded, and the process inherits it.
    with (
        patch.dict(os.environ, dict.fromkeys(THREADS, "1")),
        for_tools_of_others(),
        ProcessPoolExecutor(1, context, signal.signal, ignore) as pool,
    ):

        def there(program: Program) -> Run:
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
        The golden model's; the others have the same.
    repeats : int
        How many runs of each; the median counts.
    say : callable
        Told each round.
    """
    versions = {GOLDEN: ""} | {peer.name: peer.version for peer in PEERS}
    batches = [batch for batch in BATCHES if batch <= program.images]
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(apart())
            for name, version in versions.items()
            if version is not None
        }
        for noisy in (False, True):
            runs: dict[str, dict[int, list[Run]]] = {
                name: {batch: [] for batch in batches} for name in processes
            }
            for number in range(repeats + 1):
                kind = "noisy" if noisy else "ideal"
                say(f"{kind}, run {number} of {repeats}" if number else f"{kind}, each once")
                for batch, (name, process) in itertools.product(batches, processes.items()):
                    found = process(replace(program, name=name, noisy=noisy, batch=batch))
                    runs[name][batch] += [found] if number else []
            golden = None
            for name, version in versions.items():
                each = replace(program, name=name, noisy=noisy)
                row = {"version": version, **_row(each, runs.get(name), golden)}
                golden = golden or row
                rows.append(row)
    return rows


def _row(
    program: Program, runs: dict[int, list[Run]] | None, golden: dict[str, Any] | None
) -> dict[str, Any]:
    """A program's figures by its runs at each batch, and its best rate beside the golden model's.

    There are none where it is not installed.
    """
    row: dict[str, Any] = {
        "what": program.name,
        "noisy": program.noisy,
        "images": program.images,
        "target": TARGETS.get((program.name, program.noisy)),
        **dict.fromkeys(("images_per_second", "golden_is_times_as_fast")),
    }
    if runs is None:
        return row
    rates = {
        str(batch): program.images / median([each.took for each in found]).processor
        for batch, found in runs.items()
    }
    every = list(itertools.chain(*runs.values()))
    row |= {
        "images_per_second": max(rates.values()),
        "by_batch": rates,
        "programming_seconds": median([each.made for each in every]).processor,
        "accuracy": statistics.fmean(each.accuracy for each in every),
    }
    golden = golden or row
    if abs(row["accuracy"] - golden["accuracy"]) <= SAME:
        row["golden_is_times_as_fast"] = golden["images_per_second"] / row["images_per_second"]
    return row
