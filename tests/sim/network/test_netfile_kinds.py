"""Network files with convolutions, images with channels, or a neuron for each position."""

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from allspin.sim.network.netfile import (
    network_from_bytes,
    network_to_bytes,
)
from allspin.sim.network.network import Network
from tests.sim.network.any_network import networks
from tests.sim.network.network_files import (
    CONVOLUTION,
    altered,
    content,
    convolutional,
    file_of,
    json_values,
    parts,
    read_or_refused,
    refusal,
    small_network,
)


@given(networks(maps=True))
@settings(deadline=None, max_examples=30)
def test_networks_of_any_kind_come_back(network: Network) -> None:
    data = network_to_bytes(network)
    assert content(network_from_bytes(data)) == content(network)
    assert network_to_bytes(network_from_bytes(data)) == data


def test_networks_that_need_format_3_have_it() -> None:
    """Convolutions, channels and neurons of positions each require it."""
    record, _ = parts(network_to_bytes(convolutional()))
    assert (record["format"], record["topology"]) == (3, [40, 6, 2])
    assert record["kinds"] == [{"name": "convolution", **CONVOLUTION}, {"name": "dense"}]
    assert (record["neuron_per"], record["image_shape"]) == ("column", [5, 4, 2])
    assert record["adcs"] == [{"rows": 8, "bits": 6, "shift": 3}, None]
    for other in (small_network(image_shape=(1, 2, 3)), small_network(neuron_per="position")):
        record, _ = parts(network_to_bytes(other))
        assert record["format"] == 3
        assert record["kinds"] == [{"name": "dense"}] * 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"learnt": 1}, "it has 'learnt', which this version does not know"),
        ({"kinds": [{"name": "dense"}]}, "is shorter"),
        ({"kinds": 2}, "its metadata is inconsistent"),
        ({"kinds": [{}, {}]}, "it lacks 'name'"),
        ({"kinds": ["dense", "dense"]}, "a layer's kind must be an object, not 'dense'"),
        (
            {"kinds": [{"name": "dens"}, None]},
            r"must be one of dense, convolution, not 'dens' \(did",
        ),
        (
            {"kinds": [{"name": "dense", "map": [1]}] * 2},
            r"a dense layer's kind has .*not \['map'\]",
        ),
        (
            {"kinds": [{"name": "convolution", "map": [5, 4, 2], "kernel": [3, 2]}] * 2},
            r"kind has .*'stride'\], not",
        ),
        (
            {"kinds": [{"name": "dense"}] * 2},
            "images of shape .* do not fit a first layer of 12 rows",
        ),
        ({"neuron_per": 3}, "neuron_per must be one of column, position, not 3"),
        ({"image_shape": [5, 8]}, "do not fit a first layer of maps of 5 x 4 x 2"),
    ],
)
def test_values_that_are_refused(change: dict[str, Any], expected: str) -> None:
    refusal(altered(convolutional(), **change), expected)


@pytest.mark.parametrize("key", ["kinds", "neuron_per"])
def test_a_missing_key_of_format_3_is_named(key: str) -> None:
    record, tensors = parts(network_to_bytes(convolutional()))
    del record[key]
    assert refusal(file_of(record, tensors)) == f"it lacks {key!r}"


@given(st.dictionaries(st.sampled_from(["name", *CONVOLUTION, "more"]), json_values, min_size=1))
@settings(deadline=None, max_examples=100)
def test_a_kind_of_any_values_makes_a_network_or_one_line(change: dict[str, Any]) -> None:
    record, tensors = parts(network_to_bytes(convolutional()))
    record["kinds"][0] |= change
    read_or_refused(file_of(record, tensors))
