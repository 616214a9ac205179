"""The table survives: torn lines, other grids, other writers."""

import csv
import dataclasses
import json
import os

import pytest

from host.sweep.grid import make_grid
from host.sweep.job import Outcome
from host.sweep.table import COLUMNS, Row, Table, grid_path, row_line
from sim.errors import UserError

GRID = make_grid({"network": "mnist-10", "c2c": [0, 0.1], "program": ["open-loop", "write-verify"]})
POINTS = GRID.points()
RECORD = {
    "grid": GRID.to_dict(),
    "networks": {"mnist-10": "a"},
    "devices": {"paper": "b"},
    "data": "c",
    "commit": "d",
}
ROWS = [
    Row(point, chip, Outcome(300, 200 + chip, 16.9, 1 / 3, 0.25))
    for point in POINTS
    for chip in (0, 4_000_000_000)
]


@pytest.fixture
def path(tmp_path):
    with Table(tmp_path / "t.csv", RECORD, POINTS) as table:
        for row in ROWS[:5]:
            table.add(row)
    return tmp_path / "t.csv"


def test_rows_come_back_as_they_were(path):
    with Table(path, RECORD, POINTS) as table:
        assert table.rows == ROWS[:5]
        table.add(ROWS[5])
    assert path.read_bytes().endswith(row_line(ROWS[5]))


def test_others_can_read_it(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["chip"] for row in rows] == ["0", "4000000000"] * 2 + ["0"]
    assert float(rows[1]["accuracy"]) == 200 / 300 + 4_000_000_000 / 300
    assert (rows[0]["tries"], rows[2]["tries"], rows[0]["calibrate"]) == ("", "8", "no")


@pytest.mark.parametrize("torn", [1, 7, len(row_line(ROWS[4])) - 1])
def test_a_torn_last_line_is_dropped(path, torn):
    content = path.read_bytes()
    path.write_bytes(content[:-torn])
    with Table(path, RECORD, POINTS) as table:
        assert table.rows == ROWS[:4]
        table.add(ROWS[4])
    assert path.read_bytes() == content


def test_a_torn_heading_is_written_again(path):
    path.write_bytes(path.read_bytes()[:9])
    with Table(path, RECORD, POINTS) as table:
        assert table.rows == []
    assert path.read_bytes() == ",".join(COLUMNS).encode() + b"\n"


def test_a_row_is_in_the_file_when_add_returns(path):
    with Table(path, RECORD, POINTS) as table:
        table.add(ROWS[5])
        assert path.read_bytes().count(b"\n") == 1 + 6


def refused(path, record=RECORD, points=POINTS):
    before = path.read_bytes()
    with pytest.raises(UserError) as error:
        Table(path, record, points)
    assert path.read_bytes() == before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grid": {**GRID.to_dict(), "c2c": [0, 1]}}, "c2c is [0.0, 0.1] there, [0, 1] here"),
        ({"grid": {**GRID.to_dict(), "chips": 7}}, "chips is 20 there, 7 here"),
        ({"networks": {"mnist-10": "z"}}, "mnist-10 is another file now"),
        ({"devices": {"paper": "z"}}, "paper is another file now"),
        ({"data": "z"}, "the data differs"),
    ],
)
def test_another_grid_is_refused_in_a_line(path, change, words):
    assert words in refused(path, {**RECORD, **change})


def test_another_commit_goes_on(path):
    with Table(path, {**RECORD, "commit": "z"}, POINTS) as table:
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
    assert "has a chip twice" in refused(path)


def test_two_sweeps_do_not_write_one_table(path):
    with Table(path, RECORD, POINTS):
        assert "another sweep is writing" in refused(path)
    Table(path, RECORD, POINTS).close()


def test_a_finished_table_does_not_tell_which_row_came_first(path):
    with Table(path, RECORD, POINTS) as table:
        for row in reversed(ROWS[5:]):
            table.add(row)
        table.put_in_order(lambda row: ROWS.index(row))
    assert path.read_bytes() == b"".join([",".join(COLUMNS).encode() + b"\n", *map(row_line, ROWS)])


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        Table(tmp_path, RECORD, POINTS)
    with pytest.raises(UserError, match="cannot write"):
        Table(tmp_path / "none" / "t.csv", RECORD, POINTS)
    assert os.listdir(tmp_path) == []
