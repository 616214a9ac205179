"""Loss of a classification: shares of classes, cross-entropy, and the scale of logits."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.number_formats import Array

LEAST_SHARE = 1e-12
"""Least share that a logarithm is taken of."""
SHARPNESS = (1e-3, 5.0)
"""Standard deviations of logits between which a scale is searched. With larger ones a network that
knows its images by heart would learn nothing more."""


def softmax(logits: Array) -> Array:
    """Compute the shares of the classes, shape (images, classes)."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def cross_entropy(logits: Array, labels: npt.NDArray[np.integer]) -> tuple[Array, Array]:
    """Compute the loss of each image in nats, and its slope by each logit."""
    rows = np.arange(len(labels))
    slopes = softmax(logits)
    losses = -np.log(np.maximum(slopes[rows, labels], LEAST_SHARE))
    slopes[rows, labels] -= 1
    return losses, slopes


def fit_logit_scale(
    logits: npt.NDArray[Any], labels: npt.NDArray[np.integer]
) -> tuple[float, Array]:
    """Find the factor on logits with the least mean cross-entropy.

    This is temperature scaling, with the factor in place of its inverse (Guo, Pleiss, Sun and
    Weinberger, 2017, arXiv:1706.04599).

    Parameters
    ----------
    logits : ndarray of float, shape (images, classes)
    labels : ndarray of int64, shape (images,)

    Returns
    -------
    factor : float
        The factor.
    losses : ndarray of float32, shape (images,)
        Cross-entropy of each image with this factor, in nats.
    """
    from scipy.optimize import minimize_scalar  # loading it takes time, and few trainings need it

    centred = (logits - logits.mean(axis=1, keepdims=True)).astype(np.float32)
    spread = max(float(centred.std()), LEAST_SHARE)

    def mean_loss(log_factor: float) -> float:
        return float(cross_entropy(math.exp(log_factor) * centred, labels)[0].mean())

    bounds = np.log(np.divide(SHARPNESS, spread))
    factor = math.exp(minimize_scalar(mean_loss, bounds=bounds, method="bounded").x)
    return factor, cross_entropy(factor * centred, labels)[0]
