"""Network files whose metadata and tensors do not fit each other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from tests.sim.network.network_files import (
    RECORD,
    TENSORS,
    file_of,
    json_values,
    read_or_refused,
    refusal,
)


@pytest.mark.parametrize("name", [*sorted(RECORD), *sorted(TENSORS)])
def test_a_missing_key_or_tensor_is_named(name: str) -> None:
    record = {key: value for key, value in RECORD.items() if key != name}
    tensors = {key: value for key, value in TENSORS.items() if key != name}
    said = refusal(file_of(record, tensors))
    assert name in said or (name.endswith("table") and f"layer {name[6]} needs a table" in said)


@pytest.mark.parametrize("name", sorted(TENSORS))
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_tensors_of_another_type(name: str, dtype: str) -> None:
    tensors = TENSORS | {name: TENSORS[name].astype(dtype)}
    refusal(file_of(RECORD, tensors), f"^{name} must be .*, not {dtype}$")


@pytest.mark.parametrize("name", ["layer.2.gains", "layer.0.adc_offsets"])
def test_a_tensor_too_many(name: str) -> None:
    tensors = TENSORS | {name: np.zeros(2, np.uint16)}
    assert f"a tensor too many, '{name}'" in refusal(file_of(RECORD, tensors))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"topology": [6, 4, 3, 3]}, "topology [6, 4, 3, 3] does not fit its layers"),
        ({"topology": [6, 4, 2]}, "topology [6, 4, 2] does not fit its layers"),
        ({"topology": "6432"}, "topology 6432 does not fit its layers"),
        ({"shifts": [6, 4, 1]}, "it lacks 'layer.2.gains'"),
        ({"shifts": [6, 1.5]}, "shift must be an integer from 0 to 31, not 1.5"),
        ({"shifts": [6, float("inf")]}, "is not JSON (it has Infinity, which is no number)"),
        ({"image_shape": [2.0, 3.0]}, "each side of an image must be an integer from"),
        ({"pixel_bits": 4.0}, "pixel_bits must be an integer from 1 to 8, not 4.0"),
        ({"current_bits": None}, "current_bits must be an integer from 4 to 12, not None"),
        ({"provenance": []}, "provenance is not an object"),
        ({"image_shape": [3, 3]}, "do not fit a first layer of 6 rows"),
        ({"image_shape": [6]}, "do not fit a first layer of 6 rows"),
        ({"image_shape": [-2, -3]}, "from 1 to 65535, not -2"),
        ({"pixel_bits": -4}, "pixel_bits must be from 1 to 8, not -4"),
        ({"pixel_bits": 10**18}, "pixel_bits must be from 1 to 8"),
        ({"pixel_bits": 10**40}, "it has an integer of more than 64 bits"),
        ({"shifts": [6]}, "layer 1 has a table, which does not fit its place"),
        ({"shifts": [-1, 4]}, "shift must be from 0 to 31, not -1"),
        ({"neuron": "sot"}, "a neuron must be an object"),
        ({"neuron": {"name": "relu"}}, "layer 0 has a table"),
        ({"neuron": {"name": "sot", "slope": float("nan")}}, "it has NaN, which is no number"),
        ({"neuron": {"name": "sot", "slope": 10**18}}, "slope must be a number from"),
        ({"provenance": {"seconds": 10**400}}, "it has an integer of more than 64 bits"),
    ],
)
def test_values_that_a_network_refuses(change: dict[str, Any], expected: str) -> None:
    assert expected in refusal(file_of(RECORD | change, TENSORS))


@given(
    st.dictionaries(st.sampled_from([*sorted(RECORD), "more"]), json_values, min_size=1),
    st.lists(st.sampled_from(sorted(TENSORS)), max_size=1),
    st.lists(st.integers(0, 5), max_size=3),
)
@settings(deadline=None, max_examples=100)
@pytest.mark.filterwarnings("error")
def test_metadata_of_any_type_makes_a_network_or_one_line(
    change: dict[str, Any], reshaped: list[str], shape: list[int]
) -> None:
    tensors = TENSORS | {name: np.resize(TENSORS[name], shape) for name in reshaped}
    read_or_refused(file_of(RECORD | change, tensors))
