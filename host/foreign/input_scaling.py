"""Choice of the scaling of a model's input, by cross-entropy on training images."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from allspin.host.foreign.float_network import (
    FloatNetwork,
    InputScaling,
)
from allspin.host.train.gradient.loss import fit_logit_scale

NEAR = 3.0
"""Standard errors of a difference of cross-entropies below which it may be chance."""
FOLD = 0.005
"""Nats of cross-entropy that make up for logits that fit best with a factor of e, or of 1 / e."""


class Choice(NamedTuple):
    """Choice of the scaling of a model's input.

    Attributes
    ----------
    scaling : InputScaling
        The scaling.
    reason : str
        Reason in a sentence; empty if the options named the scaling.
    near_tie : bool
        True if the other scaling fits nearly as well.
    """

    scaling: InputScaling
    reason: str = ""
    near_tie: bool = False


def choose_scaling(
    network: FloatNetwork,
    scalings: list[InputScaling],
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
) -> Choice:
    """Choose between two scalings by cross-entropy, each with the scale of logits that fits best.

    The class that a network with ReLUs chooses hardly depends on the scale of its input: only its
    biases do not grow with it. Where cross-entropies are nearly the same, the scale counts that its
    logits need: of a network that was trained by cross-entropy it is about 1.

    Parameters
    ----------
    network : FloatNetwork
        Network of the model.
    scalings : list of InputScaling
        One or two.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels of training images.
    labels : ndarray of int64, shape (images,)
        Class of each.
    """
    if len(scalings) == 1:
        return Choice(scalings[0])
    found = [fit_logit_scale(network.logits(each.apply(images)), labels) for each in scalings]
    factors, losses = zip(*found, strict=True)
    means = np.mean(losses, axis=1)
    best, other = np.argsort(means + FOLD * np.abs(np.log(factors)), kind="stable").tolist()
    gains = losses[other] - losses[best]
    near = bool(gains.mean() <= NEAR * gains.std() / math.sqrt(len(gains)))
    taken, left = (f"{scalings[each].white:g}" for each in (best, other))
    reason = (
        f"white pixels are taken as {taken} in the model's input: cross-entropy is then "
        f"{means[best]:.4f} with {factors[best]:.3g} times the logits, and as {left} "
        f"{means[other]:.4f} with {factors[other]:.3g} times"
    )
    return Choice(scalings[best], reason, near)
