"""Table of results with torn lines, other grids and other writers."""

import os
import resource

import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.sweep.grid import make_grid
from allspin.host.sweep.job import Row
from allspin.host.sweep.results import COLUMNS, HEADER, ResultsTable, grid_path, row_line
from allspin.sim.errors import UserError
from allspin.sim.programming.counts import Counts

GRID = make_grid({"network": "mnist-10", "c2c": [0, 0.1], "program": ["open-loop", "write-verify"]})
POINTS = GRID.points()
RECORD = {
    "grid": GRID.to_dict(),
    "networks": {"mnist-10": "a"},
    "devices": {"paper": "b"},
    "data": "c",
    "calibration_images": None,
    "commit": "d",
}
SEEDS = range(0, 4_000_000_001, 4_000_000_000)
IMAGES = 300
CELLS = 300
FIGURES = {"open-loop": (5063 / CELLS, 0.0, 0.0), "write-verify": (16.9, 4 / 3, 0.25)}
ROWS = [
    Row(point, chip, IMAGES, 200 + chip % 7, *FIGURES[point.program])
    for point in POINTS
    for chip in SEEDS
]
CHIP, GIVEN, CORRECT, ACCURACY, PULSES, READS, UNCONVERGED = range(len(COLUMNS))[-7:]


def counts_of(point):
    return Counts(CELLS, pulses=5063 if point.program == "open-loop" else 0)


def opened(path, record=RECORD, points=POINTS):
    return ResultsTable(path, record, points, SEEDS, IMAGES, counts_of)


@pytest.fixture
def path(tmp_path):
    with opened(tmp_path / "t.csv") as table:
        for row in ROWS[:5]:
            table.add(row)
    return tmp_path / "t.csv"


def refused(path, record=RECORD):
    before = path.read_bytes()
    with pytest.raises(UserError) as error:
        opened(path, record)
    assert path.read_bytes() == before
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("torn", [1, 7, len(row_line(ROWS[4])) - 1])
def test_a_torn_last_line_is_dropped(path, torn):
    content = path.read_bytes()
    path.write_bytes(content[:-torn])
    with opened(path) as table:
        assert table.rows == ROWS[:4]
        table.add(ROWS[4])
    assert path.read_bytes() == content
    path.write_bytes(content[:9])  # within the heading
    with opened(path) as table:
        assert table.rows == []
    assert path.read_bytes() == HEADER


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grid": {**GRID.to_dict(), "c2c": [0, 1]}}, "c2c is [0.0, 0.1] there, [0, 1] here"),
        ({"networks": {"mnist-10": "z"}}, "its networks are others"),
        ({"devices": {"paper": "z"}}, "its devices are others"),
        ({"data": "z"}, "its data are others"),
    ],
)
def test_another_grid_is_refused_in_one_line(path, change, words):
    assert words in refused(path, {**RECORD, **change})
    opened(path, {**RECORD, "commit": "z"}).close()


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (None, "has no other.csv.grid.json beside it"),
        ("the table's own", "is not a sweep's table"),
        ("{", "is damaged: Expecting"),
        ("[" * 100_000, "is nested deeper than"),
        ('{"format": 0}', "another version"),
    ],
)
def test_a_file_that_is_no_table_is_left_alone(tmp_path, path, record, words):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2")
    if record == "the table's own":
        record = grid_path(path).read_text()
    if record is not None:
        grid_path(other).write_text(record)
    assert words in refused(other)


@pytest.mark.parametrize(
    ("of", "place", "cell", "words"),
    [
        (7, CHIP, "1", "the grid has no chip 1"),
        (7, CHIP, "+0", "a sweep writes mnist-10,"),
        (7, CHIP, "1" * 5000, ""),
        (7, GIVEN, "299", "are not of the grid's 300 images"),
        (7, CORRECT, "999999", "999999 of 300 are not of the grid's"),
        (7, CORRECT, "201", "a sweep writes mnist-10,"),
        (7, ACCURACY, "0.9", "a sweep writes mnist-10,"),
        (7, PULSES, "nan", "pulses_per_cell of write-verify cannot be nan"),
        (7, PULSES, "-0.0", "cannot be -0.0"),
        (7, READS, "8.25", "cannot be 8.25"),
        (7, READS, " 1.0", "a sweep writes mnist-10,"),
        (7, READS, "1.333", "reads_per_cell of write-verify cannot be 1.333"),
        (7, UNCONVERGED, "1.25", "cannot be 1.25"),
        (7, UNCONVERGED, "0.25,", "no point of the grid has such a row"),
        (7, UNCONVERGED, "x" * 200_000, "field larger than field limit"),
        (5, PULSES, "16.88", "pulses_per_cell of open-loop cannot be 16.88"),
        (5, READS, "-0.0", "cannot be -0.0"),
        (5, 0, "\udcff", "no point of the grid has such a row"),
        (4, CHIP, "0", "chip 0 of this point is there already"),
    ],
)
def test_every_cell_of_a_row_is_checked(path, of, place, cell, words):
    row = row_line(ROWS[of]).decode().rstrip("\n").split(",")
    row[place] = cell
    line = (",".join(row) + "\n").encode(errors="surrogateescape")
    path.write_bytes(path.read_bytes() + line)
    message = refused(path)
    assert "line 7 is not of this sweep" in message
    assert words in message


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_any_damage_is_an_error_of_one_line_or_leaves_possible_rows(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    with opened(path) as table:
        for row in ROWS[:5]:
            table.add(row)
    victim = data.draw(st.sampled_from([path, path, grid_path(path)]))
    content = bytearray(victim.read_bytes())
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
        # A torn end may lose rows, and other digits may make another possible row; an impossible
        # row is always refused.
        assert all(
            row.point in POINTS
            and row.chip in SEEDS
            and row.images == IMAGES
            and 0 <= row.correct <= IMAGES
            for row in table.rows
        )


def test_a_table_that_could_not_be_read_again_is_not_begun(tmp_path, monkeypatch, path):
    with path.open("ab") as file:
        file.truncate(6 << 30)
    with pytest.raises(UserError, match="too large for a table: it has 6,442,450,944 bytes"):
        opened(path)
    monkeypatch.setattr("allspin.host.sweep.results.MAX_BYTES", 2 * len(row_line(ROWS[0])))
    with pytest.raises(UserError, match=r"^8 chips make a table of more than 0 MiB; sweep them"):
        opened(tmp_path / "new.csv")
    assert not (tmp_path / "new.csv").exists()


def test_a_path_that_cannot_be_written_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "null", tmp_path / "none" / "t.csv"):
        with pytest.raises(UserError, match="cannot write"):
            opened(path)
    assert sorted(os.listdir(tmp_path)) == ["null", "pipe"]


def test_a_full_disk_names_the_table_and_the_sweep_resumes_with_room(path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with opened(path) as table:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
        try:
            with pytest.raises(UserError, match=f"^cannot write {path}: File too large$"):
                table.add(ROWS[5])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with opened(path) as table:
        assert table.rows == ROWS[:5]


def test_two_sweeps_do_not_write_one_table(path):
    with opened(path):
        assert "another sweep is writing" in refused(path)
    opened(path).close()


def test_only_one_sweep_makes_a_table_with_its_first_row(tmp_path):
    path = tmp_path / "new.csv"
    with opened(path) as late, opened(path) as other:
        assert not list(tmp_path.iterdir())
        with opened(path) as first:
            first.add(ROWS[0])
            with pytest.raises(UserError, match="another sweep is writing"):
                late.add(ROWS[0])
        with pytest.raises(UserError, match="another sweep has written"):
            other.add(ROWS[0])
    with opened(path) as table:
        assert table.rows == ROWS[:1]


@pytest.mark.parametrize(
    ("was", "now", "goes_on"),
    [("auto", "/dev/ttyUSB9", True), ("auto", "virtual", False), ("golden", "auto", False)],
)
def test_a_board_on_another_port_goes_on_with_its_table(tmp_path, was, now, goes_on):
    def record(on):
        return {**RECORD, "grid": {**GRID.to_dict(), "on": on}}

    with opened(tmp_path / "t.csv", record(was)) as table:
        table.add(ROWS[0])
    if goes_on:
        with opened(tmp_path / "t.csv", record(now)) as table:
            assert table.rows == ROWS[:1]
    else:
        assert f'on is "{was}" there' in refused(tmp_path / "t.csv", record(now))
