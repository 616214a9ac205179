"""Cells as a probe station writes them: known words, and errors of one line."""

import gzip
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allspin.host.chips.cell_table import cell_table, table_bytes
from allspin.host.chips.probed_cells import read_cells
from allspin.sim.chip.chip import Chip
from allspin.sim.chip.words import rounded_words
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import REFERENCE_COLUMNS, Imperfections
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network
from allspin.sim.programming.measured_cells import MeasuredCells
from allspin.sim.programming.program import ProgrammedChip, program
from allspin.sim.programming.schemes import Programming

Probe = Callable[..., MeasuredCells]


CELLS = [
    (layer, row, column)
    for layer, (rows, columns) in enumerate([(6, 4), (4, 3)])
    for row in range(rows)
    for column in range(columns)
]


OHM = [0.3 + 0.2 * word / 126 for word in range(-18, 18)]
"""R_AH of each cell; its word is its place among all cells, less 18."""


def text(
    values: list[str] | None = None,
    header: str = "layer,row,column,R_AH (ohm)",
    cells: list[tuple[int, ...]] | None = None,
) -> str:
    """Return a file of cells; by default all cells with the R_AH of `OHM`."""
    values = values or [f"{ohm:.6f}" for ohm in OHM]
    rows = [
        ",".join(map(str, (*cell, value)))
        for cell, value in zip(cells or CELLS, values, strict=True)
    ]
    return "\n".join([header, *rows, ""])


@pytest.fixture
def probe(tmp_path: Path, network: Network, device: Device) -> Probe:
    """Read the cells of a file with some content."""

    def read(
        content: str | bytes, missing: float = 0.0, made_of: Device = device, suffix: str = ".csv"
    ) -> MeasuredCells:
        path = tmp_path / f"cells{suffix}"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_cells(path, network, made_of, missing)

    return read


def flat(cells: MeasuredCells) -> list[int]:
    return [int(word) for held in cells.held for word in rounded_words(held).ravel()]


def npz(**changes: object) -> bytes:
    """Return an archive of all cells with some arrays changed, or omitted if None."""
    layer, row, column = np.array(CELLS).T
    arrays = {"layer": layer, "row": row, "column": column, "R_AH": OHM, "unit": "ohm", **changes}
    content = io.BytesIO()
    np.savez(content, **{k: np.asarray(v) for k, v in arrays.items() if v is not None})  # type: ignore[arg-type]
    return content.getvalue()


MILLI = [f"{ohm * 1e3:.3f}" for ohm in OHM]


SHUFFLED = np.random.default_rng(1).permutation(36).tolist()


@pytest.mark.parametrize(
    "content",
    [
        text(),
        text(MILLI, "layer,row,column,R_AH (mohm)"),
        text(MILLI, "Layer,Row,Column,Rxy [m\N{OHM SIGN}]"),
        text(MILLI).replace(".", "x").replace(",", ";").replace("x", ",").replace("ohm", "mohm"),
        text(header="layer,row,column,R_AH\n,,,ohm"),
        "Keithley 2182A\nbar 3, at 300 K\n" + text(),
        gzip.compress(text().encode(), mtime=0),
        text(
            [f"{OHM[place]:.6f}" for place in SHUFFLED],
            cells=[CELLS[place] for place in SHUFFLED],
        ),
    ],
    ids=["ohm", "mohm", "other names", "semicolons", "units", "preamble", "gzip", "shuffled"],
)
def test_a_table_in_any_form_gives_the_same_words(probe: Probe, content: str | bytes) -> None:
    found = probe(content)
    assert flat(found) == list(range(-18, 18))
    assert (found.cells, found.missing, found.saturated) == (36, 0, 0)


@pytest.mark.parametrize(
    "content",
    [npz(), npz(unit="mohm", R_AH=np.array(OHM) * 1e3), npz(row=np.array(CELLS)[:, 1] * 1.0)],
    ids=["ohm", "mohm", "float rows"],
)
def test_numpy_s_archive_gives_the_same_words(probe: Probe, content: bytes) -> None:
    assert flat(probe(content, suffix=".npz")) == list(range(-18, 18))


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
@pytest.mark.parametrize("scheme", ["open-loop", "pulse-width", "write-verify"])
def test_exported_cells_are_read_as_the_same_words(
    probe: Probe,
    network: Network,
    device: Device,
    programmed: dict[str, ProgrammedChip],
    scheme: str,
    suffix: str,
) -> None:
    done = programmed[scheme]
    table = cell_table(done)
    found = probe(table_bytes(table, Path(f"x{suffix}")), suffix=suffix)
    assert flat(found) == np.concatenate([words.ravel() for words in done.words]).tolist()
    assert found.saturated == np.count_nonzero(np.asarray(table.columns["saturated"]))


def test_a_device_without_a_unit_takes_cells_without_one(probe: Probe, device: Device) -> None:
    bare = replace(device, unit="half of the range")
    for header in ("layer,row,column,R_AH", "layer,row,column,R_AH (half of the range)"):
        assert flat(probe(text(header=header), made_of=bare)) == list(range(-18, 18))


REFERENCED = Imperfections(reference=0.1, stuck=0.1, stuck_at="open", hall_offset=0.02)


@pytest.fixture(scope="session")
def conductance(device: Device) -> Device:
    """Return the device in siemens, with a varying reference column and broken cells."""
    return replace(device, unit="siemens", imperfections=REFERENCED)


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
@pytest.mark.parametrize("scheme", ["open-loop", "write-verify"])
def test_conductances_and_references_are_read_as_the_same_words(
    probe: Probe, network: Network, conductance: Device, scheme: str, suffix: str
) -> None:
    chip = Chip(conductance, 7)
    done = program(network, chip.device, chip.seed, Programming(scheme))
    table = cell_table(done)
    found = probe(table_bytes(table, Path(f"x{suffix}")), made_of=conductance, suffix=suffix)
    assert found.referenced
    # The reference is in the file, and is not drawn again.
    assert flat(found) == np.concatenate([words.ravel() for words in done.words]).tolist()
    again = program(network, conductance, 7, found).words
    for words, expected in zip(again, done.words, strict=True):
        assert np.array_equal(words, expected)


@pytest.mark.parametrize("column", REFERENCE_COLUMNS)
@pytest.mark.parametrize("scheme", ["open-loop", "write-verify"])
def test_a_missing_reference_is_the_chip_s_or_the_ideal_one(
    probe: Probe, network: Network, conductance: Device, scheme: str, column: str
) -> None:
    wrong = replace(conductance.imperfections, reference_column=column)
    conductance = replace(conductance, imperfections=wrong)
    done = program(network, conductance, 7, Programming(scheme))
    table = cell_table(done)
    bare = replace(table, columns={**table.columns, "reference_R_AH": None})
    found = probe(table_bytes(bare, Path("x.csv")), made_of=conductance)
    assert not found.referenced
    for words, expected in zip(
        program(network, conductance, 7, found).words, done.words, strict=True
    ):
        assert np.array_equal(words, expected)
    # A cell alone: 0.1 to 0.5 are the words -126 to 126.
    quiet = program(network, conductance, 0, found, drawn=False)
    alone = np.asarray(table.columns["R_AH"])
    words = np.concatenate([each.ravel() for each in quiet.words])
    assert words.tolist() == np.clip(np.rint((alone - 0.3) / 0.2 * 126), -127, 127).tolist()
    assert np.count_nonzero(np.abs(alone) < 1e-9) >= 2  # the open ones


def test_references_are_subtracted_row_by_row(probe: Probe, conductance: Device) -> None:
    """Each row's reference is two words above the last; a missing cell has its row's."""
    cells = [
        f"{ohm:.6f},{0.3 + 0.2 * 2 * cell[1] / 126:.8f}"
        for cell, ohm in zip(CELLS, OHM, strict=True)
    ]
    header = "layer,row,column,G (S),reference_R_AH (S)"
    expected = [n - 18 - 2 * row for n, (_, row, _) in enumerate(CELLS)]
    assert flat(probe(text(cells, header), made_of=conductance)) == expected
    milli = np.array([0.3e3 + 0.2e3 * 2 * row / 126 for _, row, _ in CELLS])
    archive = npz(unit="mS", R_AH=np.array(OHM) * 1e3, reference_R_AH=milli)
    assert flat(probe(archive, made_of=conductance, suffix=".npz")) == expected
    cells[17] = ","
    found = flat(probe(text(cells, header), made_of=conductance, missing=0.1))
    assert found == [*expected[:17], -127, *expected[18:]]
    cells[21] = f"{OHM[21]:.6f},"
    message = r"line 23: reference_R_AH of layer 0, row 5, column 1 is missing; give it that of"
    with pytest.raises(UserError, match=message):
        probe(text(cells, header), made_of=conductance, missing=0.1)


@pytest.mark.parametrize("empty", ["", "nan", "open", "9.91E+37", "OVERFLOW", "inf"])
def test_open_cells_read_as_zero_where_some_are_allowed(probe: Probe, empty: str) -> None:
    values = [f"{ohm:.6f}" for ohm in OHM]
    values[3] = values[30] = empty
    found = probe(text(values), missing=0.1)
    assert found.missing == 2
    assert flat(found) == [0 if n in (3, 30) else n - 18 for n in range(36)]
    with pytest.raises(UserError, match=r"R_AH of layer 0, row 0, column 3 is missing, an"):
        probe(text(values))
    with pytest.raises(UserError, match=r"and of 1 more, 5.56% of the cells; .* at most 0.05 may"):
        probe(text(values), missing=0.05)


def test_cells_without_a_row_are_missing_too(probe: Probe) -> None:
    lines = text().splitlines()
    del lines[26]
    short = "\n".join(lines)
    assert flat(probe(short, missing=1 / 36))[25] == 0
    with pytest.raises(UserError, match=r"layer 1, row 0, column 1 is missing, 2.78% of the"):
        probe(short)


def test_cells_beyond_the_words_are_saturated_and_counted(probe: Probe) -> None:
    values = [f"{ohm:.6f}" for ohm in OHM]
    values[0], values[1], values[2] = "0.6", "-3", f"{0.3 + 0.2 * 127.4 / 126:.6f}"
    found = probe(text(values))
    assert flat(found)[:3] == [127, -127, 127]
    assert found.saturated == 2
    assert "2 of 36 cells are saturated" in "\n".join(found.readings())


TWICE = text().splitlines()


TWICE[9] = TWICE[5]


def with_line(number: int, line: str) -> str:
    lines = text().splitlines()
    lines[number - 1] = line
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("\n".join(TWICE), "line 10: layer 0, row 1, column 0 is there twice, first in line 6"),
        (with_line(4, "2,0,2,0.3"), "line 4: there is no layer 2: the network has 2, from 0"),
        (with_line(4, "0,6,2,0.3"), "line 4: layer 0 has no row 6: it has 6, from 0"),
        (with_line(30, "1,1,3,0.3"), "line 30: layer 1 has no column 3: it has 3, from 0"),
        (with_line(4, "0,-1,2,0.3"), "line 4: row is -1; give a whole number from 0 on"),
        (with_line(4, "0,0.5,2,0.3"), "line 4: row is 0.5; give a whole number from 0 on"),
        (with_line(4, "0,,2,0.3"), "line 4: row is nan; give a whole number from 0 on"),
        (with_line(4, "0,0,99999999999999999999,0.3"), "line 4: column is 1e+20"),
        (with_line(4, "0,0,2,0.3 ohm"), "line 4: R_AH is '0.3 ohm'; give a number of at most"),
        (with_line(4, "0,0,2,broken"), "line 4: R_AH is 'broken'; give a number"),
        (with_line(4, "0,0,2,1e35"), "line 4: R_AH is '1e35'; give a number of at most 1e+30"),
        (with_line(4, "0,0,2"), "line 4: it has 3 cells, but the header has 4"),
        (text(header="layer,row,column,R_AH"), "line 1: column R_AH has no unit, but the device"),
        (text(header="layer,row,column,R_AH (V)"), "line 1: column R_AH is in V, but the device"),
        (text(header="layer,row,column,R_AH (a.u.)"), "line 1: column R_AH is in a.u., but the"),
        (text(header="layer,row,col,R_AH (ohm)"), "line 1: there is no column column (it has la"),
        (text(header="layer,row,column,word"), "line 1: there is no column R_AH (it has layer"),
        (text(header="layer,row,row,R_AH (ohm)"), "line 1: two columns are called row; rename one"),
        ("", "is empty"),
        ("\n".join([text(), *["0,0,0,1"] * 1000]), "is there twice"),
        (bytes(2_000_000), "is too large for a CSV file"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(
    probe: Probe, content: str | bytes, message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)) as refused:
        probe(content)
    assert "\n" not in str(refused.value)
    assert "cells.csv" in str(refused.value)


def test_cells_of_another_network_are_refused_by_their_states(
    probe: Probe, network: Network
) -> None:
    states = np.concatenate([layer.states.ravel() for layer in network.layers]).tolist()
    values = [f"{state},{ohm:.6f}" for state, ohm in zip(states, OHM, strict=True)]
    header = "layer,row,column,state,R_AH (ohm)"
    assert flat(probe(text(values, header))) == list(range(-18, 18))
    values[7] = f"{(states[7] + 1) % 10},0.3"
    with pytest.raises(UserError, match=r"line 9: layer 0, row 1, column 3 was written for state"):
        probe(text(values, header))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npz(R_AH=None), "there is no array R_AH (it has layer, row, column, unit)"),
        (npz(unit=None), "column R_AH has no unit, but the device has R_AH in ohm"),
        (npz(unit="V"), "column R_AH is in V, but the device has R_AH in ohm"),
        (npz(row=np.zeros(35)), "the arrays have not as many items each: layer 36, row 35"),
        (npz(R_AH=["1"] * 36), "R_AH is of <U1, not of numbers"),
        (npz(layer=["0"] * 36), "layer is of <U1, not of numbers"),
        (npz(row=np.full(36, -1)), "item 0: row is -1; give a whole number from 0 on"),
        (npz(row=np.full(36, np.nan)), "item 0: row is nan; give a whole number from 0 on"),
        (npz(R_AH=[0.3] * 9 + [1e35] + [0.3] * 26), "item 9: R_AH is beyond 1e+30"),
        (npz(R_AH=[0.3] * 9 + [9.91e37] + [0.3] * 26), "R_AH of layer 0, row 2, column 1"),
        (npz(column=np.zeros(36, int)), "item 1: layer 0, row 0, column 0 is there twice, first"),
    ],
)
def test_a_wrong_archive_is_refused_in_one_line(probe: Probe, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        probe(content, suffix=".npz")


def test_only_columns_vary_if_the_cells_are_known(device: Device) -> None:
    wrong = Imperfections(
        read_noise=0.1, amplifier_gain=0.2, converter_offset=0.3, hall_offset=0.4, stuck=0.5
    )
    varied = replace(device, imperfections=wrong)
    cells = MeasuredCells("x", [], 0, 0, referenced=False)
    known = cells.varying(Chip(varied, 3)).device
    assert known.imperfections == Imperfections(
        read_noise=0.1, amplifier_gain=0.2, converter_offset=0.3
    )
    assert known.neuron_variation == device.neuron_variation
    assert not known.synapse.devices_differ
    quiet = cells.varying(Chip(varied, 0), drawn=False).device
    assert quiet.imperfections == Imperfections()
    assert quiet.neuron_variation.use == quiet.neuron_variation.gain == 0
