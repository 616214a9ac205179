"""The digits that a board's button shows: requests that are built into its bitstream."""

import numpy as np

from allspin.boards.board import Board
from allspin.hdl.link.protocol import NO_TAG, Request
from allspin.host.data.datasets import load_test_set
from allspin.host.link.payloads.images import encode_pixels
from allspin.host.link.wire.frames import encode_frame
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

DIGITS = 10


def shown_images(board: Board, network: Network) -> tuple[bytes, ...]:
    """Requests of MNIST's digits, from 0 to 9, as the network would be asked by a host.

    Their tag is one that no host uses, so that a host ignores the answers.

    Parameters
    ----------
    board : Board
        With the profile that it runs.
    network : Network
        What it is built for.

    Returns
    -------
    tuple of bytes
        The first test image of each digit that the ideal network classifies as such, and empty
        where the board has no button or no block RAM for them, or the network is not for digits.
    """
    if not board.button or not board.profile().button or network.beyond_words is not None:
        return ()
    images, labels = load_test_set()
    if network.image_shape != images.shape[1:] or network.classes != DIGITS:
        return ()
    right = GoldenModel(network).classify(images) == labels
    chosen = [np.flatnonzero(right & (labels == digit))[:1] for digit in range(DIGITS)]
    head = bytes([Request.IMAGE]) + NO_TAG.to_bytes(2, "little")
    bodies = encode_pixels(images[np.concatenate(chosen)], network.pixel_bits)
    return tuple(encode_frame(head + body) for body in bodies)
