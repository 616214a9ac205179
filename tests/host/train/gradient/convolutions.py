"""Networks with convolutions whose numbers differ from their defaults."""

import numpy as np

from allspin.host.train.gradient.latent import LatentNetwork
from allspin.host.train.gradient.number_formats import NumberFormats
from allspin.host.train.kernels import convolutions, read_conv
from allspin.sim.network.adc import Adc
from allspin.sim.network.neuron import NEURONS
from tests.host.train.gradient.latent_networks import fit_and_perturb

SHAPE = (7, 8)
FINE = NumberFormats(NEURONS["sot"](), 128, 8, 8, 8, 10)
TEXTS = ("3x3x4 s2", "3x2x3 pad pool, 2x2x5 p1", "1x4x2, 3x3x3 s2 p1 pool", "3x3x3 pool")


def grey(count: int, seed: int) -> np.ndarray:
    """Return images with dark areas as wide as a window."""
    rng = np.random.default_rng(seed)
    dark = np.kron(rng.random((count, 2, 2)) < 0.4, np.ones((4, 4)))[:, : SHAPE[0]]
    return (rng.integers(0, 256, (count, *SHAPE)) * ~dark.astype(bool)).astype(np.uint8)


def make(
    formats: NumberFormats,
    text: str,
    seed: int,
    hidden: tuple[int, ...] = (),
    adcs: Adc | None = None,
    per: str = "column",
    quantised: bool = True,
) -> tuple[LatentNetwork, np.ndarray]:
    """Return a network of convolutions, dense hidden layers and an output, and row values."""
    rng = np.random.default_rng(seed)
    conv = read_conv(text)
    topology = (SHAPE[0] * SHAPE[1], *(each.columns for each in conv), *hidden, 4)
    network = LatentNetwork(formats, topology, rng, convolutions(conv, SHAPE), per)
    values = fit_and_perturb(network, grey(40, seed), rng)
    if quantised:
        network.start_quantising()
        network.adcs = [adcs] * network.layers
    return network, values
