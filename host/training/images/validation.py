"""Images that are kept to choose between epochs, and the row values that a network gets."""

import numpy as np
import numpy.typing as npt

from allspin.host.training.latent.number_formats import Array
from allspin.sim.network.pixels import quantise_pixels

VALIDATION_SHARE = 12
"""One training image in so many is kept to choose between epochs: 5,000 of MNIST's."""
SPLIT_SEED = 2021
"""The same images are kept whatever the network's seed."""
FIRST_IMAGES = 2000
"""Images that the first weights are scaled on."""


def split(images: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Indices of the images to train on, and of those to choose between epochs on."""
    order = np.random.default_rng(SPLIT_SEED).permutation(images)
    kept = max(1, images // VALIDATION_SHARE)
    return order[kept:], order[:kept]


def row_values(
    images: npt.NDArray[np.uint8], chosen: npt.NDArray[np.int64], pixel_bits: int
) -> Array:
    """Row values of some images, float32, shape (rows, chosen)."""
    values = np.empty((len(chosen), images.shape[1]), np.float32)
    for start in range(0, len(chosen), FIRST_IMAGES):  # NumPy's indices take eight times a pixel
        part = slice(start, start + FIRST_IMAGES)
        values[part] = quantise_pixels(images[chosen[part]], pixel_bits)
    return values.T
