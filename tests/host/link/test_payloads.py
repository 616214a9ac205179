"""Payloads: images against a decoder that goes byte by byte, and answers made by hand."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.boards.top import TopParameters
from allspin.hdl.link.protocol import identity_bytes
from allspin.host.link.answers import parse_answers
from allspin.host.link.identity import Identity
from allspin.host.link.image_requests import encode_images
from allspin.sim.network.random_network import random_network


def slow_decode(body: bytes, rows: int, bits: int) -> list[int]:
    """Decode an image's row values as the document describes."""
    image = [0] * rows
    row = 0
    stream = iter(body)
    for header in stream:
        row += header >> 3
        length = header & 7
        if bits <= 4:
            pairs = [next(stream) for _ in range((length + 1) // 2)]
            nibbles = [nibble for pair in pairs for nibble in (pair & 15, pair >> 4)]
            assert not any(nibbles[length:])
            values = nibbles[:length]
        else:
            values = [next(stream) for _ in range(length)]
        assert all(values), "a zero row costs a clock"
        image[row : row + length] = values
        row += length
    assert row <= rows
    assert len(image) == rows
    return image


@st.composite
def batches(draw):
    """Draw images from black to full, with gaps and stretches of any length; and their bits."""
    bits = draw(st.integers(1, 8))
    rows = draw(st.integers(1, 200))
    images = []
    for _ in range(draw(st.integers(0, 6))):
        image: list[int] = []
        while len(image) < rows:
            value = draw(st.sampled_from([0, 0, 1, 2**bits - 1]))
            image += [value] * draw(st.integers(1, 70))
        images.append(image[:rows])
    return np.array(images, dtype=np.uint8).reshape(len(images), rows), bits


@given(batches())
@settings(deadline=None, max_examples=300)
def test_decodes_to_the_same_image(batch):
    values, bits = batch
    bodies = encode_images(values, bits)
    decoded = [slow_decode(body, values.shape[1], bits) for body in bodies]
    assert decoded == values.tolist()


def test_known_bytes():
    image = np.zeros((1, 60), dtype=np.uint8)
    image[0, [0, 1, 2]] = 1, 2, 3
    image[0, 50:58] = 9
    # Three rows at once; 47 rows passed over in two headers; eight rows as six and two.
    assert encode_images(image, 4) == [
        bytes([0 << 3 | 3, 0x21, 0x03, 31 << 3, 16 << 3 | 6, 0x99, 0x99, 0x99, 2, 0x99])
    ]
    assert encode_images(image, 8) == [
        bytes([3, 1, 2, 3, 31 << 3, 16 << 3 | 7, 9, 9, 9, 9, 9, 9, 9, 1, 9])
    ]
    image[:] = 0
    image[0, 31] = 1
    assert encode_images(image[:, :32], 4) == [bytes([31 << 3 | 1, 1])]
    assert encode_images(np.zeros((2, 60), dtype=np.uint8), 4) == [b"", b""]


def test_values_must_fit():
    for values, bits, line in (
        ([[16]], 4, "values must be below 16, not up to 16"),
        ([0, 0, 0], 4, r"values must be images x rows, not of shape \(3,\)"),
        ([[0, 0, 0]], 9, "pixel_bits must be from 1 to 8, not 9"),
    ):
        with pytest.raises(ValueError, match=line):
            encode_images(np.array(values, dtype=np.uint8), bits)


CLASSES = 300
"""More classes than a byte can number."""


@pytest.mark.parametrize("winner", [0, 255, 256, 299])
def test_logits_have_their_sign_and_classes_two_bytes(winner: int) -> None:
    parameters = TopParameters.from_network(random_network((9, CLASSES), 1))
    identity = Identity.parse(identity_bytes(parameters.link))
    width = identity.logit_bytes
    logits = [(-1) ** number * (number * 7 % 100) for number in range(CLASSES)]
    logits[winner] = 2 ** (8 * width - 1) - 1
    logits[1] = -(2 ** (8 * width - 1))
    content = b"".join(logit.to_bytes(width, "little", signed=True) for logit in logits)
    answers = parse_answers(content + winner.to_bytes(2, "little"), identity)
    assert answers.logits.tolist() == [logits]
    assert answers.classes.tolist() == [winner]
