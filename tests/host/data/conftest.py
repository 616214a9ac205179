"""Checks of refused files, ways to damage content, and a network without weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from allspin.sim.errors import UserError
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron


def refusal(read: Callable[[Any], object], path: Path | None) -> str:
    """Return the line that refuses a file."""
    with pytest.raises(UserError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < len(str(path)) + 300
    return text


def damaged(data: st.DataObject, content: bytes) -> bytes:
    """Return a content with some pieces replaced by others."""
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(changed)))
        stop = data.draw(st.integers(start, min(start + 4, len(changed))))
        changed[start:stop] = data.draw(st.binary(max_size=4))
    return bytes(changed)


@pytest.fixture(scope="module")
def some_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a path for a file that examples of a property overwrite."""
    return tmp_path_factory.mktemp("arrays") / "file"


def a_network(shape: tuple[int, int], classes: int = 47) -> Network:
    """Return a network of one layer for images of a shape."""
    states = np.zeros((shape[0] * shape[1], classes), np.uint8)
    layer = Layer(states=states, levels=uniform_levels(2))
    return Network(layers=(layer,), neuron=ReluNeuron(), image_shape=shape)
