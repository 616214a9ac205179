"""Images that a board's button shows to its machine: a digit of MNIST for each class."""

import numpy as np

from allspin.boards.board import Board
from allspin.hdl.link.protocol import NO_TAG, Request
from allspin.host.data.datasets import load_test_set
from allspin.host.link.frames import encode_frame
from allspin.host.link.image_requests import encode_pixels
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

DIGITS = 10


def button_frames(board: Board, network: Network) -> tuple[bytes, ...]:
    """Return the requests of MNIST's digits, 0 to 9, that a board's button sends.

    Their tag is one that no host uses, so that a host ignores the answers.

    Parameters
    ----------
    board : Board
        The board, with the profile that it runs.
    network : Network
        Network that the machine is built for.

    Returns
    -------
    tuple of bytes
        The first test image of each digit that the ideal network classifies correctly; empty if
        the board has no button or no block RAM for them, or the network is not for digits.
    """
    if not board.button or not board.profile().button or network.beyond_words is not None:
        return ()
    images, labels = load_test_set()
    if network.image_shape != images.shape[1:] or network.classes != DIGITS:
        return ()
    is_right = GoldenModel(network).classify(images) == labels
    chosen = [np.flatnonzero(is_right & (labels == digit))[:1] for digit in range(DIGITS)]
    head = bytes([Request.IMAGE]) + NO_TAG.to_bytes(2, "little")
    bodies = encode_pixels(images[np.concatenate(chosen)], network.pixel_bits)
    return tuple(encode_frame(head + body) for body in bodies)
