"""Memories of a machine behind the link, and what of a network is written to them."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from allspin.hdl.memory_map import CONVERTER, SHIFT, TABLE, USE_NOISE, WEIGHTS
from allspin.host.link.payloads.identity import Identity
from allspin.host.link.wire.session import NO_PROGRESS, Progress
from allspin.sim.network.network import Network

Memory = tuple[int, npt.NDArray[np.uint8]]
"""A memory's space and its content, shape (lines, bytes of a line)."""


class Memories(Protocol):
    """What the host writes and reads of a machine.

    `allspin.host.link.machines.linked.LinkedMachine` is one: what makes chips and what keeps
    images are laid upon it.
    """

    name: str
    identity: Identity

    def check(self, network: Network) -> None:
        """Raise a `UserError` unless the machine was built for such a network."""

    def clear_counters(self) -> None:
        """Set all counters to zero."""

    def write_memories(self, memories: Iterable[Memory], progress: Progress = NO_PROGRESS) -> None:
        """Write whole memories; none of them may act on another."""

    def write(self, space: int, address: int, data: bytes, *, seconds: float = 0.0) -> None:
        """Write whole lines, within the seconds that the machine may need for it."""

    def read_back(self, space: int, address: int, count: int, line_bytes: int) -> bytes:
        """Read lines, ``count * line_bytes`` bytes of them."""
        ...


def crossbar_memories(network: Network) -> Iterator[Memory]:
    """R_AH words of every layer."""
    for number, layer in enumerate(network.layers):
        yield number << 4 | WEIGHTS, layer.words.view(np.uint8)


def neuron_memories(network: Network) -> Iterator[Memory]:
    """Neurons' tables and V-I converters of every hidden layer."""
    for number, layer in enumerate(network.layers):
        base = number << 4
        if layer.table is not None:
            yield base | TABLE, layer.table[:, np.newaxis]
        if layer.converter is not None:
            words = np.empty((layer.columns, 2), dtype="<u2")
            words[:, 0] = layer.converter.gains
            words[:, 1] = layer.converter.offsets.astype("<i2").view("<u2")
            yield base | CONVERTER, words.view(np.uint8)
            yield base | SHIFT, np.array([[layer.converter.shift]], dtype=np.uint8)


def use_noise_memories(network: Network, spread: int) -> Iterator[Memory]:
    """What the neurons of every hidden layer vary by at each use, as the protocol has it."""
    for number in range(len(network.layers) - 1):
        yield number << 4 | USE_NOISE, np.array([spread], "<u4").view(np.uint8)[np.newaxis]
