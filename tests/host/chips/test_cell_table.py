"""The table of cells as others read it: by the csv module, and by NumPy."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allspin.host.chips.cell_table import (
    COLUMNS,
    CellTable,
    cell_table,
    table_bytes,
)
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import Programmed

VERIFIED = {"reads", "tries", "converged"}


REFERENCE = {"reference_R_AH"}


def rows_of(table: CellTable) -> list[dict[str, str]]:
    """By the csv module, with units taken off the names."""
    text = table.to_csv().decode()
    header, *rows = csv.reader(io.StringIO(text))
    names = [name.partition(" (")[0] for name in header]
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.mark.parametrize("scheme", ["open-loop", "write-verify"])
def test_each_row_is_a_cell_of_the_chip(
    network: Network, device: Device, programmed: dict[str, Programmed], scheme: str
) -> None:
    done = programmed[scheme]
    table = cell_table(network, device, done)
    rows = rows_of(table)
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
        assert empty == (set() if scheme == "write-verify" else VERIFIED) | REFERENCE
        if scheme == "write-verify":
            tries, converged = (np.asarray(each)[place] for each in (cells.tries, cells.converged))
            assert int(row["tries"]) == int(row["reads"]) == tries
            assert row["converged"] == str(int(converged))


def test_units_stand_in_the_header(
    network: Network, device: Device, programmed: dict[str, Programmed]
) -> None:
    done = programmed["open-loop"]
    header = cell_table(network, device, done).to_csv().partition(b"\n")[0].decode().split(",")
    assert {"target_R_AH (ohm)", "R_AH (ohm)", "width (pulses)"} < set(header)
    odd = replace(device, unit="ohm, more or less")
    header = cell_table(network, odd, done).to_csv().partition(b"\n")[0].decode().split(",")
    assert {"target_R_AH", "R_AH"} < set(header)


@pytest.mark.parametrize("scheme", ["open-loop", "write-verify"])
def test_numpy_s_archive_says_the_same(
    network: Network, device: Device, programmed: dict[str, Programmed], scheme: str
) -> None:
    table = cell_table(network, device, programmed[scheme])
    rows = rows_of(table)
    with np.load(io.BytesIO(table_bytes(table, Path("x.npz"))), allow_pickle=False) as found:
        assert str(found["unit"]) == "ohm"
        left_out = (set() if scheme == "write-verify" else VERIFIED) | REFERENCE
        assert set(found) == set(COLUMNS) - left_out | {"unit"}
        for name in set(found) - {"unit", "polarity"}:
            assert found[name].astype(float).tolist() == [float(row[name]) for row in rows]
        assert found["polarity"].tolist() == [row["polarity"] for row in rows]


def test_a_line_says_how_many_are_where(
    network: Network, device: Device, programmed: dict[str, Programmed]
) -> None:
    table = cell_table(network, device, programmed["write-verify"])
    rows = rows_of(table)
    outside = sum(row["converged"] == "0" for row in rows)
    beyond = sum(row["saturated"] == "1" for row in rows)
    assert table.describe() == (
        f"36 cells, R_AH in ohm, {beyond} beyond the words' range, {outside} outside the band"
    )
