"""Table of cells, read back by the csv module."""

import csv

import numpy as np
import pytest

from allspin.host.chips.cell_table import (
    COLUMNS,
    cell_table,
)
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.program import ProgrammedChip
from allspin.sim.programming.schemes import VERIFYING

VERIFIED = {"reads", "tries", "converged"}


REFERENCE = {"reference_R_AH"}


@pytest.mark.parametrize("scheme", ["open-loop", "write-verify", "incremental"])
def test_each_row_is_a_cell_of_the_chip(
    network: Network, device: Device, programmed: dict[str, ProgrammedChip], scheme: str
) -> None:
    done = programmed[scheme]
    header, *lines = csv.reader(cell_table(done).to_csv().decode().splitlines())
    assert {"target_R_AH (ohm)", "R_AH (ohm)", "width (pulses)"} < set(header)
    names = [name.partition(" (")[0] for name in header]
    rows = [dict(zip(names, line, strict=True)) for line in lines]
    assert len(rows) == 6 * 4 + 4 * 3
    assert set(rows[0]) == set(COLUMNS)
    places = [tuple(int(row[name]) for name in ("layer", "row", "column")) for row in rows]
    assert places == [
        (number, *place)
        for number, layer in enumerate(network.layers)
        for place in np.ndindex(layer.states.shape)
    ]
    for (number, *at), row in zip(places, rows, strict=True):
        place = tuple(at)
        layer, cells = network.layers[number], done.cells[number]
        state = int(layer.states[place])
        assert (int(row["state"]), int(row["target_word"])) == (state, layer.levels[state])
        assert int(row["word"]) == done.words[number][place]
        # The outermost words, 126 either way, are 0.1 and 0.5 ohm.
        assert float(row["target_R_AH"]) == pytest.approx(0.3 + 0.2 * layer.levels[state] / 126)
        word = (float(row["R_AH"]) - 0.3) / 0.2 * 126
        assert row["saturated"] == str(int(abs(word) > 127.5))
        assert word == pytest.approx(int(row["word"]), abs=0.501) or row["saturated"] == "1"
        assert row["polarity"] == ("depression" if cells.polarity[place] else "potentiation")
        assert int(row["pulses"]) == cells.pulses[place]
        assert float(row["width"]) == cells.widths[place]
        empty = {name for name, value in row.items() if not value}
        assert empty == (set() if scheme in VERIFYING else VERIFIED) | REFERENCE
        if scheme in VERIFYING:
            assert cells.tries is not None
            assert cells.converged is not None
            assert int(row["tries"]) == int(row["reads"]) == cells.tries[place]
            assert int(row["saturations"]) == cells.saturations[place] <= cells.tries[place]
            assert row["converged"] == str(int(cells.converged[place]))
