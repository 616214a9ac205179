"""Dense networks whose numbers differ from their defaults."""

from collections.abc import Sequence

import numpy as np

from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.sim.network.adc import Adc
from allspin.sim.network.neuron import NEURONS
from tests.host.train.gradient.latent_networks import fit_and_perturb

SHAPE = (5, 8)
FINE = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 12)
"""Formats so fine that rounding changes little."""
Adcs = Sequence[Adc | None]


def grey(count: int, seed: int) -> np.ndarray:
    """Return images with many dark pixels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    return images * (rng.random(images.shape) < 0.4)


def make(
    formats: NumberFormats, hidden: tuple[int, ...], seed: int, adcs: Adcs | None = None
) -> tuple[LatentNetwork, np.ndarray]:
    """Return a network, quantised if `adcs` are given, and row values of 60 images."""
    rng = np.random.default_rng(seed)
    network = LatentNetwork(formats, (SHAPE[0] * SHAPE[1], *hidden, 4), rng)
    values = fit_and_perturb(network, grey(60, seed), rng)
    if adcs is not None:
        network.start_quantising()
        network.adcs = list(adcs)
    return network, values
