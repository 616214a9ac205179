"""Names, tables and numbers that documents state are those of the code."""

import dataclasses
import re
import tomllib
from collections.abc import Iterable

from allspin.host.chips.cell_table import COLUMNS
from allspin.host.cli.command import arguments_of, command_app, option_names
from allspin.host.cli.recipe import Recipe
from allspin.host.lab.column_map import NAMES
from allspin.host.sweep.grid import SETTINGS, make_grid
from allspin.host.sweep.point import FACTORS
from allspin.host.sweep.results import OUTCOME_COLUMNS
from allspin.sim.device import imperfections, neuron_variation
from allspin.sim.device.device_file import device_from_toml
from allspin.sim.device.electrical import Electrical
from allspin.sim.device.hall_array import READINGS as ARRAY_READINGS, SUPPLIES, HallArray
from allspin.sim.device.measured_points import AXIS_SCALES, SCALES
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.operating_point import AXES, OperatingPoint
from allspin.sim.device.retention import DISTRIBUTIONS, Retention
from allspin.sim.network import layer, layer_kinds, levels, network
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse import synapse_variation
from allspin.sim.synapse.table_response import TableResponse
from tests.docs.documents import blocks, read, rows

FORMATS = read("formats.md")


def missing(document: str, names: Iterable[str], form: str = "`{}`") -> list[str]:
    """Names that a document does not have."""
    text = read(document)
    return [name for name in names if form.format(name) not in text]


def test_documents_name_every_reading_figure_key_and_column():
    readings = (
        synapse_variation.CYCLE_READINGS,
        synapse_variation.OCCASIONS,
        synapse_variation.DEVICE_READINGS,
        neuron_variation.GAIN_READINGS,
        neuron_variation.THRESHOLD_READINGS,
        neuron_variation.USE_READINGS,
        imperfections.STUCK_ENDS,
        imperfections.UNITS,
        ("age", "stuck_at"),
    )
    assert missing("physics.md", (name for names in readings for name in names)) == []
    kinds = (Electrical, HallArray, Retention, SotNeuron, NeuronVariation, TableResponse)
    keys = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    keys |= {*AXIS_SCALES, *SCALES, *AXES, *DISTRIBUTIONS, *ARRAY_READINGS, *SUPPLIES}
    assert missing("formats.md", keys) == []
    assert missing("formats.md", set(NAMES) - {"resistance"}, "| `{}` |") == []
    assert missing("array.md", [*ARRAY_READINGS, *SUPPLIES]) == []
    assert missing("sweep.md", OUTCOME_COLUMNS) == []


def test_the_grid_of_the_sweep_s_document_is_one_and_its_table_has_every_key():
    text = read("sweep.md")
    for block, points, chips in zip(blocks(text, "toml"), (2 * 3 * 2, 108), (20, 5), strict=True):
        grid = make_grid(tomllib.loads(block))
        assert (len(grid.points()), grid.chips) == (points, chips)
    told = re.findall(
        r"^\| `(\w+)`(?:, `(--[\w-]+)`)? \|", text.partition("\n## The table")[0], re.MULTILINE
    )
    keys = (*FACTORS, *SETTINGS)
    options = {f"--{key}": key for key in keys} | {"--chip": "first"}
    known = option_names(arguments_of(command_app("sweep", Recipe())))
    there = {options[name]: name for name in known.values() if name in options}
    assert told == [(key, there.get(key, "")) for key in keys]


def test_the_operating_points_of_the_document_are_those_of_a_device():
    (block,) = (block for block in blocks(FORMATS, "toml") if block.startswith("[synapse"))
    file = f'format = 1\nname = "document"\n{block}'
    default, other = (
        device_from_toml(file, at) for at in (None, OperatingPoint.parse("current=11mA"))
    )
    assert default.synapse.record()["potentiation"]["A"] == 22
    assert other.synapse.record()["c2c"]["potentiation"] == 0.07
    assert other.electrical.potentiation_current == other.electrical.depression_current == 0.011
    assert default.electrical.potentiation_current == 0.008


def test_the_ranges_and_the_columns_of_cells_are_those_of_the_code():
    for words in (
        f"N is {levels.MIN_STATES} to {levels.MAX_STATES}",
        f"signed, {levels.MIN_RAH_BITS} to {levels.MAX_RAH_BITS} |",
        f"factor, 0 to {2**layer.GAIN_BITS - 1};",
        f"right shifts, 0 to {layer.MAX_SHIFT},",
        f"unsigned, {network.MIN_CURRENT_BITS} to {network.MAX_CURRENT_BITS}, at",
        f"up to {layer_kinds.MAX_LINES} pixels",
    ):
        assert words in FORMATS
    cells = rows(FORMATS.partition("\n## Cells of a chip\n")[2], "column")
    assert [name for row in cells for name in re.findall(r"`(\w+)`", row[0])] == list(COLUMNS)
