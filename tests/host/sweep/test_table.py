"""The table survives: torn lines, other grids, other writers."""

import csv
import dataclasses
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.sweep.grid import make_grid
from allspin.host.sweep.job import Outcome
from allspin.host.sweep.table import COLUMNS, Row, Table, grid_path, row_line
from allspin.sim.errors import UserError
from allspin.sim.programming.schemes import Counts

GRID = make_grid({"network": "mnist-10", "c2c": [0, 0.1], "program": ["open-loop", "write-verify"]})
POINTS = GRID.points()
RECORD = {
    "grid": GRID.to_dict(),
    "networks": {"mnist-10": "a"},
    "devices": {"paper": "b"},
    "data": "c",
    "commit": "d",
}
SEEDS = range(0, 4_000_000_001, 4_000_000_000)
IMAGES = 300
CELLS = 300
FIGURES = {"open-loop": (5063 / CELLS, 0.0, 0.0), "write-verify": (16.9, 4 / 3, 0.25)}
ROWS = [
    Row(point, chip, Outcome(IMAGES, 200 + chip % 7, *FIGURES[point.program]))
    for point in POINTS
    for chip in SEEDS
]


def counts_of(point):
    return CELLS, Counts(CELLS, pulses=5063) if point.program == "open-loop" else None


def opened(path, record=RECORD, points=POINTS):
    return Table(path, record, points, SEEDS, IMAGES, counts_of)


@pytest.fixture
def path(tmp_path):
    with opened(tmp_path / "t.csv") as table:
        for row in ROWS[:5]:
            table.add(row)
    return tmp_path / "t.csv"


def test_rows_come_back_as_they_were(path):
    with opened(path) as table:
        assert table.rows == ROWS[:5]
        table.add(ROWS[5])
    assert path.read_bytes().endswith(row_line(ROWS[5]))


def test_others_can_read_it(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["chip"] for row in rows] == ["0", "4000000000"] * 2 + ["0"]
    assert float(rows[1]["accuracy"]) == (200 + 4_000_000_000 % 7) / 300
    assert (rows[0]["tries"], rows[2]["tries"], rows[0]["calibrate"]) == ("", "8", "no")


@pytest.mark.parametrize("torn", [1, 7, len(row_line(ROWS[4])) - 1])
def test_a_torn_last_line_is_dropped(path, torn):
    content = path.read_bytes()
    path.write_bytes(content[:-torn])
    with opened(path) as table:
        assert table.rows == ROWS[:4]
        table.add(ROWS[4])
    assert path.read_bytes() == content


def test_a_torn_heading_is_written_again(path):
    path.write_bytes(path.read_bytes()[:9])
    with opened(path) as table:
        assert table.rows == []
    assert path.read_bytes() == ",".join(COLUMNS).encode() + b"\n"


def test_a_row_is_in_the_file_when_add_returns(path):
    with opened(path) as table:
        table.add(ROWS[5])
        assert path.read_bytes().count(b"\n") == 1 + 6


def refused(path, record=RECORD, points=POINTS):
    before = path.read_bytes()
    with pytest.raises(UserError) as error:
        opened(path, record, points)
    assert path.read_bytes() == before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grid": {**GRID.to_dict(), "c2c": [0, 1]}}, "c2c is [0.0, 0.1] there, [0, 1] here"),
        ({"grid": {**GRID.to_dict(), "chips": 7}}, "chips is 20 there, 7 here"),
        (
            {"grid": {name: value for name, value in GRID.to_dict().items() if name != "data"}},
            "one of the two has no data",
        ),
        ({"networks": {"mnist-10": "z"}}, "mnist-10 is another file now"),
        ({"devices": {"paper": "z"}}, "paper is another file now"),
        ({"data": "z"}, "the data differs"),
    ],
)
def test_another_grid_is_refused_in_a_line(path, change, words):
    assert words in refused(path, {**RECORD, **change})


def test_another_commit_goes_on(path):
    with opened(path, {**RECORD, "commit": "z"}) as table:
        assert len(table.rows) == 5


def test_what_is_no_sweeps_table_is_left_alone(tmp_path, path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    assert "has no other.csv.grid.json beside it" in refused(other)
    other.write_text("precious, and without a line's end")
    assert "has no other.csv.grid.json beside it" in refused(other)
    grid_path(other).write_text(grid_path(path).read_text())
    assert "is not a sweep's table" in refused(other)
    grid_path(other).write_text("{")
    assert "other.csv.grid.json is damaged: Expecting property name" in refused(other)
    grid_path(other).write_text("[" * 3000)
    assert "is damaged: it is nested deeper than 16 levels" in refused(other)
    grid_path(other).write_text("[]")
    assert "another version" in refused(other)
    grid_path(path).write_text(json.dumps({**json.loads(grid_path(path).read_text()), "format": 0}))
    assert "another version" in refused(path)


def test_rows_of_other_points_or_twice_are_refused(path):
    content = path.read_bytes()
    other = dataclasses.replace(POINTS[0], c2c=7.0)
    path.write_bytes(content + row_line(dataclasses.replace(ROWS[0], point=other)))
    assert "line 7 is not of this sweep" in refused(path)
    path.write_bytes(content + b"\xff\xfe,1\n")
    assert "line 7 is not of this sweep" in refused(path)
    path.write_bytes(content + row_line(ROWS[0]))
    assert "line 7 is not of this sweep: chip 0 of this point is there already" in refused(path)


CHIP, GIVEN, CORRECT, ACCURACY, PULSES, READS, UNCONVERGED = range(len(COLUMNS))[-7:]


@pytest.mark.parametrize(
    ("place", "cell", "words"),
    [
        (CHIP, "1", "the grid has no chip 1"),
        (CHIP, "-1", "the grid has no chip -1"),
        (CHIP, "4000000001", "the grid has no chip 4000000001"),
        (CHIP, "+0", "chip is '+0', where a sweep writes '0'"),
        (CHIP, "1" * 5000, ""),
        (GIVEN, "299", "the grid has 300 images, not 299"),
        (GIVEN, "", ""),
        (CORRECT, "999999", "correct is 999999 of 300 images"),
        (CORRECT, "-1", "correct is -1 of 300 images"),
        (CORRECT, "200.0", ""),
        (CORRECT, "201", "accuracy is"),
        (ACCURACY, "0.9", "accuracy is '0.9', where a sweep writes"),
        (ACCURACY, "nan", "accuracy is 'nan'"),
        (PULSES, "nan", "pulses_per_cell of write-verify must be from 0 to 524280, not nan"),
        (PULSES, "-0.5", "must be from 0 to 524280, not -0.5"),
        (PULSES, "-0.0", "must be from 0 to 524280, not -0.0"),
        (PULSES, "1e+300", "must be from 0 to 524280, not 1e+300"),
        (READS, "inf", "reads_per_cell of write-verify must be from 1 to 8, not inf"),
        (READS, "1e400", "must be from 1 to 8, not inf"),
        (READS, "0.5", "must be from 1 to 8, not 0.5"),
        (READS, "8.25", "must be from 1 to 8, not 8.25"),
        (UNCONVERGED, "-0.0", "unconverged of write-verify must be from 0 to 1, not -0.0"),
        (READS, " 1.0", "reads_per_cell is ' 1.0'"),
        (PULSES, "0.0001", "of write-verify must be a whole number over 300 cells, not 0.0001"),
        (READS, "1.333", "reads_per_cell of write-verify must be a whole number over 300 cells"),
        (READS, "1.3333333333333335", "must be a whole number over 300 cells"),
        (UNCONVERGED, "0.251", "unconverged of write-verify must be a whole number over 300"),
        (UNCONVERGED, "1.25", "must be from 0 to 1, not 1.25"),
        (UNCONVERGED, "0.25,", "no point of the grid has such a row"),
        (UNCONVERGED, None, "no point of the grid has such a row"),
        (UNCONVERGED, "x" * 200_000, "field larger than field limit"),
    ],
)
def test_every_cell_of_a_row_is_checked(path, place, cell, words):
    row = row_line(ROWS[7]).decode().rstrip("\n").split(",")
    row[place : place + 1] = [] if cell is None else [cell]
    content = path.read_bytes()
    path.write_bytes(content + (",".join(row) + "\n").encode())
    message = refused(path)
    assert "line 7 is not of this sweep" in message
    assert words in message


@pytest.mark.parametrize(
    ("place", "cell", "words"),
    [
        (PULSES, "16.88", "pulses_per_cell of open-loop must be 16.876666666666665, not 16.88"),
        (PULSES, "65535.0", "must be 16.876666666666665, not 65535.0"),
        (PULSES, "nan", "must be 16.876666666666665, not nan"),
        (READS, "7.0", "reads_per_cell of open-loop must be 0.0, not 7.0"),
        (READS, "-0.0", "must be 0.0, not -0.0"),
        (UNCONVERGED, "0.5", "unconverged of open-loop must be 0.0, not 0.5"),
    ],
)
def test_open_loop_takes_what_is_planned(tmp_path, place, cell, words):
    path = tmp_path / "t.csv"
    with opened(path):
        pass
    row = row_line(ROWS[0]).decode().rstrip("\n").split(",")
    row[place] = cell
    path.write_bytes(path.read_bytes() + (",".join(row) + "\n").encode())
    assert words in refused(path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Contents by path of a table and of the grid beside it."""
    path = tmp_path_factory.mktemp("table") / "t.csv"
    with opened(path) as table:
        for row in ROWS[:5]:
            table.add(row)
    return {each: each.read_bytes() for each in (path, grid_path(path))}


def restored(sound):
    for each, content in sound.items():
        each.write_bytes(content)
    return next(iter(sound))


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_any_damage_is_one_line_or_the_rows_that_were_there(sound, data):
    path = restored(sound)
    victim = data.draw(st.sampled_from([path, path, grid_path(path)]))
    content = bytearray(sound[victim])
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        stop = data.draw(st.integers(start, min(start + 5, len(content))))
        part = st.binary(max_size=4) | st.sampled_from([b"nan", b'"', b"\n", b"[[", b"1e999", b"9"])
        content[start:stop] = data.draw(part)
    victim.write_bytes(content)
    try:
        table = opened(path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        table.close()
        # Rows may be lost to a torn end, or be told again by other digits that mean another
        # possible chip; none is impossible.
        assert all(
            row.point in POINTS
            and row.chip in SEEDS
            and row.outcome.images == IMAGES
            and 0 <= row.outcome.correct <= IMAGES
            for row in table.rows
        )


@given(
    record=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from([*RECORD, "format", "c2c", "mnist-10"]), inner, max_size=6
            )
        ),
    )
)
@settings(deadline=None, max_examples=200)
def test_any_grid_beside_a_table_is_that_grid_or_one_line(sound, record):
    path = restored(sound)
    there = json.loads(grid_path(path).read_text())
    changed = {**there, **record} if isinstance(record, dict) else record
    grid_path(path).write_text(json.dumps(changed))
    try:
        opened(path).close()
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert {key: changed[key] for key in there if key != "commit"} == {
            key: there[key] for key in there if key != "commit"
        }


def test_names_need_not_be_utf_8(tmp_path):
    name = os.fsdecode(b"\xff.safetensors")
    points = [dataclasses.replace(point, network=name) for point in POINTS]
    record = {**RECORD, "networks": {name: "a"}}
    row = dataclasses.replace(ROWS[0], point=points[0])
    with opened(tmp_path / "t.csv", record, points) as table:
        table.add(row)
    with opened(tmp_path / "t.csv", record, points) as table:
        assert table.rows == [row]


def test_a_table_that_could_not_be_read_again_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr("allspin.host.sweep.table.MAX_BYTES", 2 * len(row_line(ROWS[0])))
    with pytest.raises(UserError, match=r"^8 chips make a table of more than 0 MiB; sweep them"):
        opened(tmp_path / "t.csv")
    assert os.listdir(tmp_path) == []


def test_a_table_larger_than_any_is_not_read(path):
    with path.open("ab") as file:
        file.truncate(6 << 30)
    with pytest.raises(UserError, match="too large for a table: it has 6,442,450,944 bytes"):
        opened(path)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_pipe_or_device_is_no_table(tmp_path, kind):
    path = tmp_path / "t.csv"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(UserError, match="it is not a regular file"):
        opened(path)
    assert os.listdir(tmp_path) == ["t.csv"]


def test_two_sweeps_do_not_write_one_table(path):
    with opened(path):
        assert "another sweep is writing" in refused(path)
    opened(path).close()


def test_a_finished_table_does_not_tell_which_row_came_first(path):
    with opened(path) as table:
        for row in reversed(ROWS[5:]):
            table.add(row)
        table.put_in_order(lambda row: ROWS.index(row))
    assert path.read_bytes() == b"".join([",".join(COLUMNS).encode() + b"\n", *map(row_line, ROWS)])


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        opened(tmp_path)
    with pytest.raises(UserError, match="cannot write"):
        opened(tmp_path / "none" / "t.csv")
    assert os.listdir(tmp_path) == []
