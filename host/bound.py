"""The clocks that an image must take, whatever the gateware does."""

import numpy as np
import numpy.typing as npt

from hdl.parameters import EngineParameters
from sim.golden import GoldenModel
from sim.network import Network

CHUNK = 2048
"""Images traced at a time; it bounds the memory that intermediate values take."""


def cycle_bounds(
    network: Network, parameters: EngineParameters, images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    """Clocks of each image's slowest stage.

    A crossbar takes a clock for each active row and each group of columns, and at least
    one; the neurons at its foot are visited one after another, a clock each, as are the
    logits. Layers overlap, so in steady state an image costs its slowest stage.

    Parameters
    ----------
    network : Network
        What runs.
    parameters : EngineParameters
        What it runs on.
    images : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels, 0 to 255.

    Returns
    -------
    ndarray of int64, shape (images,)
    """
    model = GoldenModel(network)
    bounds = np.empty(len(images), dtype=np.int64)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        stages = []
        for trace, crossbar in zip(model.trace(images[part]), parameters.crossbars, strict=True):
            active = np.count_nonzero(trace.inputs, axis=1)
            stages.append(np.maximum(active, 1) * crossbar.passes)
            stages.append(np.full_like(active, crossbar.columns))
        bounds[part] = np.max(stages, axis=0)
    return bounds
