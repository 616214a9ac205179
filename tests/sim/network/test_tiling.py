"""Steps of tiles, against every choice tried by hand."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from allspin.sim.network.adc import MAX_ADC_SHIFT
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.network.tiling import Tiles, cut, tiles_of, uncut, with_steps

NETWORK = random_network((24, 9, 4), 2)
IMAGES = random_images(NETWORK, 300, 3)
LABELS = GoldenModel(NETWORK).classify(IMAGES)
KIND = Convolution((7, 6, 2), (3, 3), (2, 1), (1, 1, 1, 1), pool=2)
MAPS = random_network((84, 5, 4), 2, kinds=(KIND,), image_shape=(7, 6, 2))


def shifts(network: Network) -> list[int]:
    return [layer.adc.shift for layer in network.layers if layer.adc is not None]


@pytest.mark.parametrize("bits", [3, 5])
@pytest.mark.parametrize("network", [NETWORK, MAPS])
def test_no_step_of_one_layer_alone_gets_more_images_right(network: Network, bits: int) -> None:
    tiles, images = Tiles(8, bits), random_images(network, 300, 3)
    labels = GoldenModel(network).classify(images)

    def right(steps: list[int]) -> int:
        classes = GoldenModel(with_steps(network, tiles, steps)).classify(images)
        return int(np.sum(classes == labels))

    found = shifts(cut(network, tiles, images, labels))
    best = right(found)
    assert len(labels) / 3 < best < len(labels)
    for layer, shift in product(range(2), range(4, 14)):
        assert right([*found[:layer], shift, *found[layer + 1 :]]) <= best


def test_the_finest_step_where_bits_are_enough() -> None:
    whole = cut(NETWORK, Tiles(32, 24), IMAGES, LABELS)
    assert shifts(whole) == [0, 0]
    assert np.array_equal(GoldenModel(whole).logits(IMAGES), GoldenModel(NETWORK).logits(IMAGES))


def test_a_cut_does_not_depend_on_the_cut_before() -> None:
    tiles = Tiles(8, 4)
    once = cut(NETWORK, tiles, IMAGES, LABELS)
    again = cut(with_steps(NETWORK, Tiles(16, 2), (9, 9)), tiles, IMAGES, LABELS)
    assert shifts(again) == shifts(once)
    assert tiles_of(again) == [tiles, tiles]
    assert tiles_of(uncut(again)) == [None, None]


@pytest.mark.parametrize(
    ("rows", "bits", "says"),
    [
        (4, 4, "`tile_rows` must be from 8 to 65536, not 4"),
        (100, 4, "a power of two from 8 to 65536, not 100"),
        (128, 1, "`adc_bits` must be from 2 to 24, not 1"),
    ],
)
def test_illegal_tiles(rows: int, bits: int, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Tiles(rows, bits)


def test_sums_beyond_the_coarsest_step_have_that_step() -> None:
    network = random_network((40000, 2), 1, pixel_bits=8)
    (layer,) = network.layers
    network = replace(network, layers=(replace(layer, states=np.full((40000, 2), 9, np.uint8)),))
    images = np.full((4, 1, 40000), 255, np.uint8)
    found = shifts(cut(network, Tiles(65536, 2), images, np.zeros(4, np.int64)))
    assert found[0] <= MAX_ADC_SHIFT


@pytest.mark.parametrize(
    ("text", "tiles"),
    [("128:5", (128, 5)), (" 64:4 ", (64, 4)), ("128", (128, 24)), (":5", (65536, 5))],
)
def test_a_text_names_rows_and_bits(text: str, tiles: tuple[int, int]) -> None:
    found = Tiles.parse(text)
    assert found == Tiles(*tiles)
    assert Tiles.parse(found.words) == found


@pytest.mark.parametrize(
    "text", ["", ":", "128:", "a", "128:5:4", "-8:4", "100:4", "8:1", "9" * 40]
)
def test_a_text_that_names_no_tiles_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"tiles|tile_rows|adc_bits"):
        Tiles.parse(text)
