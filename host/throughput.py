"""Images a second that a machine answers, before there is one to measure."""

from dataclasses import dataclass

import numpy as np

from hdl.link.protocol import ANSWER_HEADER_BYTES, CRC_BYTES, HEADER_BYTES
from hdl.parameters import EngineParameters
from host.bound import cycle_bounds
from host.datasets import load_test_set
from host.link.images import encode_images
from sim.network import Network
from sim.pixels import quantise_pixels

IMAGES = 1000
"""Test images over which costs are averaged."""
FRAMING_BYTES = 2
"""Of COBS: the first code and the closing zero."""
WIRE_BITS = 10
"""Of a byte: start bit, eight data bits, stop bit."""
CLASS_BYTES = 2


@dataclass(frozen=True)
class Throughput:
    """Images a second, each bound for itself.

    Parameters
    ----------
    engine : float
        What the machine does by itself: clock over the slowest stage's mean clocks an image.
    link : float
        What the UART carries: the busier of its two wires.
    """

    engine: float
    link: float


def throughput(
    network: Network, parameters: EngineParameters, frequency: int, baud: int
) -> Throughput | None:
    """Work out what a machine can do with MNIST's test images.

    Parameters
    ----------
    network : Network
        What runs.
    parameters : EngineParameters
        What it runs on.
    frequency : int
        Of the clock, in Hz.
    baud : int
        Bits a second of the UART.

    Returns
    -------
    Throughput or None
        None where the network takes other images.
    """
    images = load_test_set()[0][:IMAGES]
    if network.layers[0].rows != images[0].size:
        return None
    cycles = float(cycle_bounds(network, parameters, images).mean()) + 1  # the closing event
    values = quantise_pixels(images.reshape(len(images), -1), network.pixel_bits)
    around = CRC_BYTES + FRAMING_BYTES
    bodies = encode_images(values, network.pixel_bits)
    asked = float(np.mean([len(body) for body in bodies])) + HEADER_BYTES + around
    logits = parameters.classes * parameters.logit_bytes + CLASS_BYTES
    answered = ANSWER_HEADER_BYTES + logits + around
    return Throughput(engine=frequency / cycles, link=baud / WIRE_BITS / max(asked, answered))
