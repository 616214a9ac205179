"""Networks in training with numbers away from their defaults, and comparisons of their passes."""

from collections.abc import Callable

import numpy as np

from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.passes import backward
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from tests.host.train.paper import FORMATS
from tests.sim.chip.model import golden

CHIPS = 300
"""Chips of the generator that a law is compared with."""


def fit_and_perturb(
    network: LatentNetwork, images: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Move all numbers of a network from their defaults, and return row values of images.

    The row values have shape (rows, images).
    """
    values = quantise_pixels(images, network.formats.pixel_bits).reshape(len(images), -1)
    values = values.astype(np.float32).T
    network.fit_first_weights(values)
    network.values += 0.1 * rng.standard_normal(network.values.shape, dtype=np.float32)
    return values


def direction(images: int, seed: int = 4) -> np.ndarray:
    """Return random slopes of a loss by the logits of four classes."""
    return np.random.default_rng(seed).standard_normal((images, 4)).astype(np.float32)


def differences(
    part: np.ndarray, loss: Callable[[], float], step: float, places: int
) -> np.ndarray:
    """Return slopes of a loss by the first values of a part of a network, from differences."""
    values = part.reshape(-1)
    slopes = []
    for place in range(min(places, values.size)):
        before = values[place]
        ends = []
        for values[place] in (before + np.float32(step), before - np.float32(step)):
            ends.append(loss())
        values[place] = before
        slopes.append((ends[0] - ends[1]) / (2 * step))
    return np.array(slopes)


def check_same_gradients(network: LatentNetwork, images: int, *records: list) -> None:
    """Compare the gradients of two passes, part by part."""
    found, wanted = (
        network.parts(backward(network, direction(images), record)) for record in records
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=0.01 * float(np.abs(other).max()))


def check_scatter(
    sums: np.ndarray, network: LatentNetwork, device: Device, image: np.ndarray
) -> None:
    """Compare sums of passes under a law with the logits of one image on chips of a device."""
    exported = network.export(image.shape, {})
    logits = []
    for seed in range(CHIPS):
        chip = Chip(device, seed)
        words = program(exported, chip.device, chip.seed, Programming()).words
        logits.append(golden(chip, exported, words).logits(image[np.newaxis])[0])
    chips = np.array(logits) / (FORMATS.input_top(1) * FORMATS.outermost)
    deviation = chips.std(axis=0)
    assert np.all(np.abs(sums.mean(axis=0) - chips.mean(axis=0)) < 4 * deviation / np.sqrt(CHIPS))
    np.testing.assert_allclose(sums.std(axis=0), deviation, rtol=0.2)
