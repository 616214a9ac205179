"""QONNX's operators against its documents."""

from functools import partial

import numpy as np
import pytest

from allspin.host.foreign.graph.quantisers import bipolar_quant, dequantize_linear, quant, trunc

number, whole = (partial(np.array, dtype=dtype) for dtype in (np.float32, np.int64))
MODES = ("ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
ROUNDED = {
    5.5: (6, 6, 5, 6, 5, 6, 5),
    2.5: (2, 3, 2, 3, 2, 3, 2),
    1.6: (2, 2, 1, 2, 1, 2, 2),
    1.1: (1, 2, 1, 2, 1, 1, 1),
    1.0: (1, 1, 1, 1, 1, 1, 1),
    -1.0: (-1, -1, -1, -1, -1, -1, -1),
    -1.1: (-1, -1, -2, -2, -1, -1, -1),
    -1.6: (-2, -1, -2, -2, -1, -2, -2),
    -2.5: (-2, -2, -3, -3, -2, -3, -2),
    -5.5: (-6, -5, -6, -6, -5, -6, -5),
}
"""The table of rounding modes in docs/qonnx-custom-ops/intquant_v1.md of qonnx."""


@pytest.mark.parametrize("mode", [*MODES, "half_even"])
def test_rounding_modes(mode):
    column = MODES.index(mode) if mode in MODES else 0
    expected = [row[column] for row in ROUNDED.values()]
    eight = number(8)
    found = quant(np.array([*ROUNDED]), number(1), number(0), eight, rounding_mode=mode)
    assert found.tolist() == expected
    # Trunc in its first version divides; in its second it keeps the scale that it is told.
    given = np.array([*ROUNDED]) * 16
    one, none = number(1), number(0)
    assert trunc(given, one, none, eight, number(4), rounding_mode=mode).tolist() == [
        *trunc(given, one, none, eight, 16 * one, eight, rounding_mode=mode) / 16
    ]


@pytest.mark.parametrize(
    ("signed", "narrow", "ends"),
    [(1, 1, (-127, 127)), (0, 1, (0, 254)), (1, 0, (-128, 127)), (0, 0, (0, 255))],
)
def test_the_ends_of_eight_bits(signed, narrow, ends):
    numbers = np.array([-np.inf, np.inf])
    half, eight = number(0.5), whole(8)
    found = quant(numbers, half, whole(0), eight, signed=signed, narrow=narrow)
    assert found.tolist() == [end / 2 for end in ends]
    moved = quant(numbers, half, whole(3), eight, signed=signed, narrow=narrow)
    assert moved.tolist() == [(end - 3) / 2 for end in ends]


def test_one_bit_is_the_sign_and_0_is_positive():
    numbers, scale = np.array([-0.1, 0.0, 7.0]), number(3)
    assert bipolar_quant(numbers, scale).tolist() == [-3, 3, 3]
    assert quant(numbers, scale, number(0), number(1)).tolist() == [-3, 3, 3]


def test_scales_of_columns():
    numbers = np.array([[10, -4], [3, 7]], np.int8)
    found = dequantize_linear(numbers, np.array([0.5, 2.0]), np.array([2, 1], np.int8), axis=0)
    assert found.tolist() == [[4, -3], [4, 12]]
