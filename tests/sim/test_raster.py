"""PNG files are what another reader makes of them."""

import base64
import io

import matplotlib.image
import numpy as np
import pytest

from allspin.sim.drawing import data_address, png


@pytest.mark.parametrize("shape", [(3, 5), (28, 28), (4, 2, 3), (2, 7, 4), (1, 1, 1)])
def test_another_reader_reads_the_same_pixels(shape):
    pixels = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    read = matplotlib.image.imread(io.BytesIO(png(pixels)))
    assert (read * 255).round().astype(np.uint8).tolist() == pixels.squeeze().tolist() or (
        pixels.size == 1 and round(float(read.squeeze()) * 255) == int(pixels.squeeze())
    )


def test_equal_images_make_equal_addresses():
    pixels = np.eye(5, dtype=np.uint8)
    address = data_address(pixels)
    assert address == data_address(pixels.copy())
    assert base64.b64decode(address.removeprefix("data:image/png;base64,")) == png(pixels)
