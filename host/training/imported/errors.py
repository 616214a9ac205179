"""How far each layer is from the model's."""

import numpy as np
import numpy.typing as npt

from allspin.host.training.imported.rounding import Reals
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

SMALLEST = 1e-12


def _apart(found: Reals, model: Reals, by_column: bool) -> float:
    """Root mean square of what a scale leaves between them, as a share of the model's."""
    axis = 0 if by_column else None
    squares = np.maximum(np.sum(found * found, axis=axis), SMALLEST)
    scale = np.sum(found * model, axis=axis) / squares
    missed = np.sum(np.square(scale * found - model))
    return float(np.sqrt(missed / max(float(np.sum(np.square(model))), SMALLEST)))


def layer_errors(
    network: Network, images: npt.NDArray[np.uint8], outputs: list[Reals]
) -> tuple[float, ...]:
    """Error of each layer's outputs, those before it being the machine's too.

    Parameters
    ----------
    network : Network
        As the machine runs it; hidden layers may have more neurons than the model's, at the end.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.
    outputs : list of ndarray of float64, each (images, columns)
        What each layer of the model makes of them: activations, and the logits in the end.

    Returns
    -------
    tuple of float
        Root mean square as a share of that of the model's outputs: of activations with a scale of
        each column's own, of logits with one scale, and less their mean over the classes.
    """
    errors = []
    for trace, model in zip(GoldenModel(network).trace(images), outputs, strict=True):
        if trace.activations is not None:
            found = trace.activations[:, : model.shape[1]].astype(np.float64)
            errors.append(_apart(found, model, by_column=True))
        else:
            sums = trace.sums.astype(np.float64)
            sums -= sums.mean(axis=1, keepdims=True)
            errors.append(_apart(sums, model - model.mean(axis=1, keepdims=True), by_column=False))
    return tuple(errors)
