"""PyTorch, and other simulators of analogue arrays, where they are installed.

They are no dependencies. CrossSim comes from its own repository (package ``simulator``), the
others from the package index. Each is given the same cells with the same errors, computes float32,
and is as fast as we know how to make it: CrossSim's own errors would make its arrays float64, which
takes twice as long. aihwkit's tile is that of PyTorch: the one in C++ of its wheel refuses the
weights of a newer PyTorch.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.bench.float_forward import FloatForward, Floats

Images = npt.NDArray[np.uint8]

Classify = Callable[[Images, int], npt.NDArray[np.int64]]
"""Classifier of images; its second argument is the number of the first image."""


@dataclass(frozen=True)
class Peer:
    """Another program.

    Attributes
    ----------
    name : str
        Name of the program.
    package : str
        Name of its installed package.
    make : callable
        Makes a classifier of a float network, with its cells and its noise at each use.
    """

    name: str
    package: str
    make: Callable[[FloatForward], Classify]

    @property
    def version(self) -> str | None:
        """Installed version, or None."""
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
    """PyTorch; `analogue` turns a linear layer and its currents' noise into an analogue layer."""
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
