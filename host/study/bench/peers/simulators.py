"""Other simulators of analogue arrays, where they are installed.

Neither is a dependency. CrossSim comes from its own repository (package ``simulator``),
aihwkit-lightning from the package index. Each runs the same two matrices on the same images;
what lies between them is the plain float neuron of `allspin.host.study.bench.peers.forward`.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.study.bench.peers.forward import FloatForward

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
