"""Decks against the nodal model: ngspice reads them and computes the same."""

import math
import re
import subprocess
from typing import Any

import numpy as np
import pytest

from allspin.sim.array.spice import layer_deck, spice_deck
from allspin.sim.array.transfer import transfer
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.random_network import random_network
from allspin.sim.network.tiling import Tiles, with_steps

PRINTED = re.compile(r"^row (\d+) column (\d+): (\S+)$", re.MULTILINE)
CROSS: dict[str, Any] = {"hall_resistance": 3.0, "longitudinal": 40.0, "arms": 25.0}
REAL: dict[str, Any] = {
    "row_line": 2.0,
    "column_line": 1.5,
    "supply_impedance": 2e4,
    "input_impedance": 5e3,
    "common_mode_rejection": 40.0,
    "switch_on": 4.0,
    "switch_off": 1e4,
    "temperature": 330.0,
    "temperature_coefficient": 0.003,
}


CHOICES = {
    "longitudinal": (1.0, 40.0, 312.0),
    "arms": (2.0, 25.0, 3000.0),
    "row_line": (0.0, 0.5, 30.0),
    "column_line": (0.0, 0.5, 30.0),
    "supply_impedance": (50.0, 1e5, math.inf),
    "input_impedance": (50.0, 1e5, math.inf),
    "common_mode_rejection": (0.0, 20.0, math.inf),
    "switch_on": (0.0, 3.0),
    "switch_off": (10.0, 1e6),
}


def drawn(seed):
    """Some values, and Hall resistances of any strength that they allow, in any shape."""
    rng = np.random.default_rng(seed)
    values: dict[str, Any] = {name: float(rng.choice(some)) for name, some in CHOICES.items()}
    most = rng.choice([0.003, 0.3, 1.0]) * math.sqrt(values["longitudinal"] * values["arms"])
    hall = rng.uniform(-most, most, rng.integers(1, 7, 2))
    return pytest.param({"hall_resistance": most, **values}, hall, id=f"drawn {seed}")


SMALL, LARGE = (np.random.default_rng(1).uniform(-3, 3, shape) for shape in ((2, 3), (8, 8)))


@pytest.mark.tool("ngspice")
@pytest.mark.parametrize(
    ("values", "hall"), [(CROSS, SMALL), (CROSS | REAL, LARGE), *map(drawn, range(8))]
)
@pytest.mark.parametrize("supply", ["isolated", "grounded"])
@pytest.mark.parametrize("reading", ["series", "selected", "buffered"])
def test_ngspice_computes_the_same(tmp_path, reading, supply, values, hall):
    array = HallArray(reading, supply, **values)
    deck = tmp_path / "deck.cir"
    deck.write_text(spice_deck(array, hall, "a test"))
    done = subprocess.run(
        ["ngspice", "-b", str(deck)], capture_output=True, text=True, timeout=120, check=False
    )
    printed = PRINTED.findall(done.stdout)
    assert len(printed) == hall.size
    expected = transfer(array, hall)
    found = {(int(row), int(column)): float(volt) for row, column, volt in printed}
    scale = np.abs(expected).max()
    for place, volt in np.ndenumerate(expected):
        assert found[place] == pytest.approx(volt, rel=1e-4, abs=1e-5 * scale)


def test_an_ideal_reading_is_no_circuit():
    with pytest.raises(ValueError, match="no circuit"):
        spice_deck(HallArray(), [[1.0]], "a test")


def test_a_corner_of_a_layer_is_named_and_its_words_are_resistances():
    network = random_network((9, 5, 3), 1)
    array = HallArray("series", **CROSS)
    deck = layer_deck(network, array, "a net", layer=1, rows=2, columns=3)
    assert deck.startswith("a net, layer 1, 2 rows and 3 columns of it\n")
    placed = re.findall(r"^x(\d+)_(\d+) .* cross hall=(\S+)$", deck, re.MULTILINE)
    assert len(placed) == 6
    words = network.layers[1].words
    for row, column, hall in placed:
        outermost = np.abs(network.layers[1].levels.astype(int)).max()
        assert float(hall) == pytest.approx(words[int(row), int(column)] * 3.0 / outermost)


def test_a_deck_of_a_layer_with_tiles_is_that_of_one_tile():
    """The golden model solves tiles apart too: no row of the next tile is in the circuit."""
    network = with_steps(random_network((20, 5, 3), 1), Tiles(8, 6), (3, 3))
    array = HallArray("series", **CROSS)
    placed = [
        int(row)
        for row in re.findall(r"^x(\d+)_0 ", layer_deck(network, array, "a net"), re.MULTILINE)
    ]
    assert placed == list(range(8))
    with pytest.raises(ValueError, match="rows must be from 1 to 8, not 9"):
        layer_deck(network, array, "a net", rows=9)
    assert ", 5 rows and" in layer_deck(network, array, "a net", layer=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layer": 2}, "layer must be from 0 to 1, not 2"),
        ({"rows": 0}, "rows must be from 1 to 9, not 0"),
        ({"columns": 6}, "columns must be from 1 to 5, not 6"),
    ],
)
def test_missing_layers_rows_and_columns_are_refused(options, message):
    network = random_network((9, 5, 3), 1)
    with pytest.raises(ValueError, match=message):
        layer_deck(network, HallArray("series", **CROSS), "a net", **options)
