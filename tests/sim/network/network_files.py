"""Small networks, and network files taken apart and put together by hand."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from safetensors.numpy import load, save

from allspin.sim.network.adc import Adc
from allspin.sim.network.layer import Converter, Layer
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.netfile import (
    network_from_bytes,
    network_to_bytes,
)
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.network.random_network import random_network


def small_network(
    neuron: SotNeuron | ReluNeuron | None = None, seed: int = 0, **changes: Any
) -> Network:
    """Return a network 6-4-3-2 whose arrays are not row-major."""
    neuron = neuron or SotNeuron(slope=2)
    rng = np.random.default_rng(seed)
    layers = []
    for rows, columns in ((6, 4), (4, 3), (3, 2)):
        states = np.asfortranarray(rng.integers(0, 5, (rows, columns), np.uint8))
        converter = table = None
        if columns != 2:
            gains = rng.integers(0, 1024, columns, np.int32)
            converter = Converter(gains, rng.integers(-64, 64, columns, np.int32), rows)
            if isinstance(neuron, SotNeuron):
                table = neuron.table(5, 3)[::-1]
        layers.append(Layer(states, uniform_levels(5)[::-1], converter, table))
    parameters: dict[str, Any] = {
        "image_shape": (2, 3),
        "hidden_bits": 3,
        "current_bits": 5,
        "provenance": {"seed": seed, "name": "é\n", "accuracy": 0.5},
    }
    return Network(layers=tuple(layers), neuron=neuron, **(parameters | changes))


SMALL = network_to_bytes(small_network())
"""File of the default small network."""


def refusal(data: bytes, expected: str = ".") -> str:
    """Return the one line that refuses a file."""
    with pytest.raises(ValueError, match=expected) as caught:
        network_from_bytes(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def read_or_refused(data: bytes) -> None:
    """Check that a file is either read or refused in one line."""
    try:
        network_from_bytes(data)
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017


def parts(data: bytes = SMALL) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the record and the tensors of a file, without the code under test."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    return json.loads(header["__metadata__"]["allspin"]), load(data)


def file_of(record: Any, tensors: dict[str, Any]) -> bytes:
    """Return a file of a record and tensors."""
    return save(tensors, metadata={"allspin": json.dumps(record)})


def altered(network: Network, **changes: Any) -> bytes:
    """Return the file of a network with entries of its record replaced."""
    record, tensors = parts(network_to_bytes(network))
    return file_of(record | changes, tensors)


def content(network: Network) -> tuple[object, str]:
    """Return every value of a network."""
    return network.neuron, json.dumps(
        dataclasses.asdict(network), default=np.ndarray.tolist, sort_keys=True
    )


def tiled(offsets: Any = None) -> Network:
    """Return a network with one tile in layer 0; layer 1 is read in one piece."""
    network = small_network()
    first, second, third = network.layers
    first = dataclasses.replace(first, adc=Adc(8, 6, 3, offsets))
    third = dataclasses.replace(third, adc=Adc(16, 4, 5))
    return dataclasses.replace(network, layers=(first, second, third))


CONVOLUTION = {
    "map": [5, 4, 2],
    "kernel": [3, 2],
    "stride": [2, 1],
    "padding": [1, 0, 1, 1],
    "pool": 2,
}


def convolutional() -> Network:
    """Return a network for images of two channels, whose layer 0 is cut into tiles."""
    kind = Convolution(**CONVOLUTION)
    network = random_network((40, 3, 2), 3, kinds=(kind,), image_shape=(5, 4, 2))
    first, last = network.layers
    layers = dataclasses.replace(first, adc=Adc(8, 6, 3)), last
    return dataclasses.replace(network, layers=layers)


RECORD, TENSORS = parts()
"""Record and tensors of `SMALL`."""

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-3, 40)
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["sot", "relu", "name"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
