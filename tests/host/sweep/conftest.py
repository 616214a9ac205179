"""Small network and data set, with which a chip takes milliseconds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from allspin.host.sweep.grid import Grid, make_grid
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_network import random_network


@dataclass(frozen=True)
class Small:
    """Paths of the small network and data set."""

    network: Path
    data: Path

    def grid(self, **entries: Any) -> Grid:
        """Return their grid with more entries."""
        return make_grid({"network": str(self.network), "data": str(self.data), **entries})


@pytest.fixture
def small(tmp_path, idx_folder) -> Small:
    path = tmp_path / "small-10.safetensors"
    network = replace(random_network((64, 12, 4), 0), image_shape=(8, 8))
    save_network(network, path)
    return Small(path, idx_folder(shape=(8, 8), classes=4, train=8, test=120))
