"""Resident images: their code against a slow one, and whole runs on the virtual board."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bench.packing import pack_image, unpack_images as unpack_slowly
from host.link.resident import pack_images, unpack_images


@st.composite
def batches(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Images of any density, with blank, full and single-pixel ones among them."""
    bits = draw(st.integers(1, 8))
    rows = draw(st.integers(1, 600))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images = []
    for kind in draw(st.lists(st.sampled_from(["blank", "full", "first", "last", "some"]), max_size=6)):
        image = np.zeros(rows, dtype=np.uint8)
        match kind:
            case "full":
                image[:] = 2**bits - 1
            case "first":
                image[0] = 1
            case "last":
                image[-1] = 1
            case "some":
                share = rng.choice([0.003, 0.05, 0.5])
                image[:] = rng.integers(0, 2**bits, rows) * (rng.random(rows) < share)
        images.append(image)
    return np.array(images, dtype=np.uint8).reshape(len(images), rows), bits


@settings(deadline=None, max_examples=60)
@given(batch=batches(), slots=st.sampled_from([1, 2, 4]))
def test_the_code_is_the_slow_ones(batch, slots):
    images, bits = batch
    lines, beats = pack_images(images, slots, bits)
    slow = [pack_image(image.tolist(), slots, bits) for image in images]
    assert beats.tolist() == [len(image) for image in slow]
    assert lines.tolist() == [list(beat) for image in slow for beat in image]
    assert unpack_slowly(lines.tolist(), images.shape[1]) == images.tolist()
    assert np.array_equal(unpack_images(lines, images.shape[1]), images)
