"""A network and a data set that are small, so that a chip takes milliseconds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.sweep.grid import Grid, make_grid
from allspin.sim.network.formats import uniform_levels
from allspin.sim.network.netfile import save_network
from allspin.sim.network.network import Converter, Layer, Network
from allspin.sim.network.neuron import SotNeuron


@dataclass(frozen=True)
class Small:
    """Where the small network and data set lie."""

    network: Path
    data: Path

    def grid(self, **entries: Any) -> Grid:
        """A grid of them, with other entries besides."""
        return make_grid({"network": str(self.network), "data": str(self.data), **entries})


def random_network(shape: tuple[int, int], classes: int, states: int, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    hidden = 12
    rows = shape[0] * shape[1]
    neuron = SotNeuron()
    return Network(
        layers=(
            Layer(
                rng.integers(0, states, (rows, hidden), np.uint8),
                uniform_levels(states),
                Converter(np.full(hidden, 6, np.int32), np.zeros(hidden, np.int32), 8),
                neuron.table(8, 4),
            ),
            Layer(rng.integers(0, states, (hidden, classes), np.uint8), uniform_levels(states)),
        ),
        neuron=neuron,
        image_shape=shape,
    )


@pytest.fixture
def small(tmp_path, idx_folder) -> Small:
    path = tmp_path / "small-10.safetensors"
    save_network(random_network((8, 8), 4, 10, 0), path)
    return Small(path, idx_folder(shape=(8, 8), classes=4, train=8, test=120))
