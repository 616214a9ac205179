"""Names, tables and numbers that documents state are those of the code."""

import dataclasses
import hashlib
import re
import tomllib
from collections.abc import Iterable
from types import SimpleNamespace

import numpy as np
import pytest

from allspin.boards.catalogue import find_boards
from allspin.host.chips.cell_table import COLUMNS
from allspin.host.cli.command import arguments_of, command_app, option_names
from allspin.host.cli.flash import is_kept, udev_rule
from allspin.host.cli.main import main
from allspin.host.cli.recipe import Recipe
from allspin.host.lab.column_map import NAMES
from allspin.host.sweep.grid import SETTINGS, make_grid
from allspin.host.sweep.point import FACTORS
from allspin.host.sweep.results import OUTCOME_COLUMNS
from allspin.sim.chip.generator import Purpose, draw_bits, normal_table, normal_values
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
from tests.docs.documents import blocks, python, read, rows

FORMATS, HOUR, GENERATOR = read("formats.md"), read("first-hour.md"), read("generator.md")
BOARDS = find_boards().values()


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


# The first hour with a board.


def test_lights_buttons_and_where_a_bitstream_goes():
    lights = {title: told for title, *told in rows(HOUR, "board | programmed")}
    kept = {
        title: (tool.strip("`"), "stays" in where)
        for titles, tool, where in rows(HOUR, "board | tool")
        for title in titles.split(", ")
    }
    digits = HOUR.partition("**Digits without a host.**")[2].partition("each press")[0]
    buttons = " ".join(digits.split())
    for board in BOARDS:
        shown = board.lights
        digit = " ".join(shown.digit)
        told = [shown.programmed, shown.streaming, shown.error, digit]
        assert lights.pop(board.title) == [each or "-" for each in told]
        title = max((title for title in kept if board.title.startswith(title)), key=len)
        assert kept[title] == (board.flash[0], is_kept(board.flash)), board.title
        words = re.sub(r" (12F|25F|45F|85F)$", "", board.title)
        shows = board.button and any(profile.button for profile in board.profiles.values())
        assert (words in buttons) == bool(shows), board.title
    assert lights == {}
    assert udev_rule(find_boards()["icebreaker"]) in HOUR


@pytest.mark.long
def test_the_transcript(capsys):
    command, shown = re.findall(r"<!-- allspin (.*) -->\n```\n(.*?)```", HOUR, re.DOTALL)[0]
    assert main(command.split()) == 0
    assert capsys.readouterr().out == shown


# The generator of variation.


VECTORS = [
    SimpleNamespace(
        place=[*map(int, row[:6])], key=row[6], block=row[7], bits=row[8], normal=row[9]
    )
    for row in rows(
        GENERATOR.replace("`", ""),
        "seed | layer | purpose | row | column | number | key | block | bits | normal",
    )
]


def test_vectors_are_the_code_s():
    assert len(VECTORS) >= 12
    for vector in VECTORS:
        seed, layer, purpose, row, column, number = vector.place
        bits = draw_bits(seed, layer, Purpose(purpose), row, column, number)
        assert f"{int(bits):08x}" == vector.bits
        assert int(normal_values(bits.reshape(1))[0]) == int(vector.normal)
        assert number << 48 | layer << 40 | purpose << 32 | seed == int(vector.key, 16)
        assert row << 16 | column == int(vector.block, 16)


def test_chosen_bits_purposes_and_digest():
    plain = GENERATOR.replace("`", "")
    chosen = rows(plain, "bits | normal")
    assert len(chosen) >= 9
    bits = np.array([int(row[0], 16) for row in chosen], np.uint32)
    assert normal_values(bits).tolist() == [int(row[1]) for row in chosen]
    named = {row[1]: int(row[0]) for row in rows(plain, "purpose | name | of a | number")}
    assert named == {item.name: item.value for item in Purpose}
    content = b"".join(part.astype(">u2").tobytes() for part in normal_table())
    assert hashlib.sha256(content).hexdigest() in GENERATOR


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: "-".join(map(str, vector.place)))
def test_the_generator_s_script_draws_the_vectors(vector, tmp_path):
    (tmp_path / "draw.py").write_text(blocks(GENERATOR, "python")[0])
    done = python(tmp_path, "draw.py", *vector.place)
    assert done.stdout.split() == [str(int(vector.bits, 16)), vector.normal], done.stderr
