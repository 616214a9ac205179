"""The plain golden model against the machine written out cell by cell.

The machine uses no NumPy arithmetic and no code of `sim`, but Python's integers and fractions,
one synapse after another.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings, strategies as st

from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.reference import logits, trace
from tests.sim.network.any_network import grey_levels, networks


def activation(network: Network, number: int, current: int) -> int:
    table = network.layers[number].table
    if table is not None:
        return int(table[current])
    # Activations by logic: the text of each kind of neuron, as a fraction of 2**bits.
    bits, top = network.hidden_bits, 2**network.hidden_bits - 1
    part = Fraction(current, 2**network.current_bits)
    match network.neuron.name:
        case "relu":
            return min(math.floor(part * 2**bits + Fraction(1, 2)), top)
        case "cmos-bare":
            return max(0, math.floor((2 * part - 1) * 2**bits))
        case _:
            return max(0, min(math.floor((2 * part - Fraction(1, 4)) * 2**bits), top))


def column_sum(layer: Any, column: int, values: list[int], words: Any) -> int:
    products = [value * int(words[row, column]) for row, value in enumerate(values)]
    adc, total = layer.adc, 0
    if adc is None:
        return sum(products)
    for tile in range(math.ceil(len(values) / adc.rows)):
        rows = slice(tile * adc.rows, (tile + 1) * adc.rows)
        if any(values[rows]):
            read = sum(products[rows])
            read += 0 if adc.offsets is None else int(adc.offsets[tile, column])
            code = math.floor(Fraction(read, 2**adc.shift) + (Fraction(1, 2) if adc.shift else 0))
            total += max(-(2 ** (adc.bits - 1)), min(code, 2 ** (adc.bits - 1) - 1))
    return total * 2**adc.shift


def under_a_kernel(kind: Convolution, values: list[int], y: int, x: int) -> list[int]:
    """Values of a map that lie under a kernel whose top left corner is at a place."""
    height, width, channels = kind.map
    return [
        values[(row * width + column) * channels + channel]
        if 0 <= row < height and 0 <= column < width
        else 0
        for row in range(y, y + kind.kernel[0])
        for column in range(x, x + kind.kernel[1])
        for channel in range(channels)
    ]


def corners(kind: Convolution) -> list[tuple[int, int]]:
    """Places of a kernel's top left corner, line by line."""
    height, width, _ = kind.map
    top, left, bottom, right = kind.padding
    down = range(-top, height + bottom - kind.kernel[0] + 1, kind.stride[0])
    across = range(-left, width + right - kind.kernel[1] + 1, kind.stride[1])
    return [(y, x) for y in down for x in across]


def pooled(kind: Convolution, values: list[int]) -> list[int]:
    """The largest of each 2 x 2."""
    lines = sorted({y for y, _ in corners(kind)})
    high, wide = len(lines), len(corners(kind)) // len(lines)
    columns = len(values) // (high * wide)
    return [
        max(values[((y + dy) * wide + x + dx) * columns + column] for dy in (0, 1) for dx in (0, 1))
        for y in range(0, high - 1, 2)
        for x in range(0, wide - 1, 2)
        for column in range(columns)
    ]


def by_hand(network: Network, image: Any, words: Any) -> list[dict[str, Any]]:
    """Values of each layer's steps for one image."""
    top = 2**network.pixel_bits - 1
    values = [round(Fraction(int(grey) * top, 255)) for grey in np.ravel(image)]
    steps = []
    for number, layer in enumerate(network.layers):
        kind, under = layer.kind, [values]
        if isinstance(kind, Convolution):
            under = [under_a_kernel(kind, values, *corner) for corner in corners(kind)]
        sums = [
            column_sum(layer, column, rows, words[number])
            for rows in under
            for column in range(layer.columns)
        ]
        step: dict[str, Any] = {"inputs": values, "sums": sums}
        step |= {"currents": None, "activations": None, "outputs": None}
        if layer.converter is not None:
            currents = []
            for use, total in enumerate(sums):
                column = use % layer.converter.gains.size
                product = Fraction(total * int(layer.converter.gains[column]))
                current = math.floor(product / 2**layer.converter.shift)
                current -= int(layer.converter.offsets[column])
                currents.append(max(0, min(current, 2**network.current_bits - 1)))
            values = [activation(network, number, current) for current in currents]
            step |= {"currents": currents, "activations": values}
            if isinstance(kind, Convolution) and kind.pool == 2:
                values = pooled(kind, values)
            step["outputs"] = values
        steps.append(step)
    return steps


@given(networks() | networks(maps=True), st.integers(0, 2**32), st.booleans())
@settings(deadline=None)
def test_every_value_of_any_network(network: Network, seed: int, other: bool) -> None:
    rng = np.random.default_rng(seed)
    images = grey_levels(network, rng)
    own = [layer.levels[layer.states] for layer in network.layers]
    words = [rng.integers(-128, 128, each.shape, np.int8) for each in own] if other else None
    found = trace(network, images, words)
    for number, image in enumerate(images):
        for step, expected in zip(found, by_hand(network, image, words or own), strict=True):
            for name, values in expected.items():
                array = getattr(step, name)
                got = None if array is None else array[number].tolist()
                assert got == values, f"{name} of image {number}"
    assert np.array_equal(logits(network, images, words), found[-1].sums)
