"""What converters of tiles may be."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from allspin.hdl.bench.networks import random_network
from allspin.sim.network.formats import Adc


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rows": 4}, "rows must be from 8 to 65536"),
        ({"rows": 24}, "a power of two from 8 to 65536, not 24"),
        ({"bits": 1}, "bits must be from 2 to 24"),
        ({"shift": 24}, "shift must be from 0 to 23"),
        ({"offsets": [[0.5]]}, "offsets must be whole numbers"),
        ({"offsets": [[2**31]]}, "offsets must be from -2147483647 to 2147483647"),
        ({"offsets": [[float("nan")]]}, "offsets must be from"),
        ({"offsets": [["1"]]}, "offsets must be from"),
    ],
)
def test_what_no_converter_is(change: dict[str, Any], says: str) -> None:
    """Each message names the legal range."""
    with pytest.raises(ValueError, match=says):
        Adc(**(dict[str, Any](rows=8, bits=6, shift=0) | change))


def test_offsets_fit_the_layer() -> None:
    """One for each tile's column."""
    network = random_network((20, 7, 3), seed=4)
    with pytest.raises(ValueError, match=r"not \(2, 7\)"):
        dataclasses.replace(network.layers[0], adc=Adc(8, 6, 0, np.zeros((2, 7), np.int32)))
