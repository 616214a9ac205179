"""Tables of numbers, and what is said of files that are none."""

import gzip
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.host.fit.tables import Column, Limits, read_csv
from allspin.sim.errors import UserError

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file and return its path."""

    def one(content: str | bytes) -> Path:
        path = tmp_path / "curve.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return one


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_comments_and_blank_lines(delimiter: str, write: Write) -> None:
    text = "# from the cryostat\n\n% H_x = 100 Oe\npulse,R_AH (ohm)\n0,1.5\n\n# pause\n1,-2e-3\n"
    file = read_csv(write(text.replace(",", delimiter)))
    assert file.columns == (Column("pulse", ""), Column("R_AH", "ohm"))
    assert file.rows == [(5, ["0", "1.5"]), (8, ["1", "-2e-3"])]
    assert file.number(8, "-2e-3", file.columns[1]) == -2e-3


@pytest.mark.parametrize(
    ("heading", "name", "unit"),
    [
        ("R_AH (ohm)", "R_AH", "ohm"),
        ("R_AH [mΩ]", "R_AH", "mΩ"),
        ("R_AH / ohm", "R_AH", "ohm"),
        ("I/mA", "I", "mA"),
        ('"pulse"', "pulse", ""),
        ("R_AH", "R_AH", ""),
        ("", "", ""),
    ],
)
def test_units_of_headings(heading: str, name: str, unit: str, write: Write) -> None:
    assert read_csv(write(f"x,{heading}\n1,2\n")).columns[1] == Column(name, unit)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_instruments(encoding: str, write: Write) -> None:
    file = read_csv(write("I (µA),R_AH\n1,2\n".encode(encoding)))
    assert file.columns[0] == Column("I", "µA")


def test_quotes_and_a_delimiter_at_the_end_of_a_line(write: Write) -> None:
    file = read_csv(write('"pulse","R_AH"\n"1","2",\n'))
    assert file.rows == [(2, ["1", "2"])]


PREAMBLE = """Keithley 2182A
Date,2026-03-01,10:42
Sample,bar 3
Points,3
Delay,0.5
Range (V),auto

"""


def test_a_preamble_needs_no_comment_sign(write: Write) -> None:
    file = read_csv(write(PREAMBLE + "pulse,R_AH (ohm)\n0,1\n1,2\n2,4\n"))
    assert [column.name for column in file.columns] == ["pulse", "R_AH"]
    assert [cells for _, cells in file.rows] == [["0", "1"], ["1", "2"], ["2", "4"]]
    assert [block[:2] for block in file.blocks] == [(8, "bar 3")]
    # By another delimiter than that of the table.
    other = read_csv(write(PREAMBLE + "pulse\tR_AH (ohm)\n0\t1,5\n1\t2,5\n"))
    assert [cells for _, cells in other.rows] == [["0", "1,5"], ["1", "2,5"]]


def test_rows_of_units_and_comments_below_the_names(write: Write) -> None:
    """Long names, units and comments, as Origin exports them."""
    file = read_csv(write("pulse\tR_AH\n\tm\u03a9\n\tbar 3\n0\t1\n1\t2\n"))
    assert file.columns == (Column("pulse", ""), Column("R_AH", "m\u03a9"))
    assert len(file.rows) == 2
    own = read_csv(write("I,R_AH [ohm]\n(mA),(V)\n0,1\n1,2\n"))
    assert own.columns == (Column("I", "mA"), Column("R_AH", "ohm"))


def test_a_header_in_a_comment_where_there_is_no_other(write: Write) -> None:
    file = read_csv(write("# bar 3\n# pulse,R_AH (ohm)\n0,1\n1,2\n"))
    assert file.columns == (Column("pulse", ""), Column("R_AH", "ohm"))


def test_blocks_begin_where_the_header_comes_again(write: Write) -> None:
    table = "pulse,R_AH (ohm)\n0,1\n1,2\n"
    text = f"Device: A\n{table}\nDevice: B 2\nRange,10\n{table}# sample = C\n{table}"
    file = read_csv(write(text))
    assert [block[:2] for block in file.blocks] == [(2, "A"), (8, "B 2"), (12, "C")]
    assert [line for line, _ in file.rows] == [3, 4, 9, 10, 13, 14]
    assert file.notes == []


def test_words_at_the_end_are_left_out_with_a_word(write: Write) -> None:
    file = read_csv(write("pulse,R_AH\n0,1\n1,2\nMeasurement done.\n"))
    assert len(file.rows) == 2
    assert "1 line of words below the header is left out, line 4: 'Measurement d" in file.notes[0]


def test_packed_files(write: Write, tmp_path: Path) -> None:
    text = b"pulse,R_AH\n0,1\n1,2\n"
    packed = gzip.compress(text)
    file = read_csv(write(packed))
    assert ([cells for _, cells in file.rows], file.data) == ([["0", "1"], ["1", "2"]], packed)
    with pytest.raises(UserError, match=r"curve\.csv is a damaged gzip file; pack it anew"):
        read_csv(write(packed[:-9]))
    bomb = gzip.compress(b"0,1\n" * (9 << 20))
    with pytest.raises(UserError, match="it unpacks to more than 33,554,432 bytes"):
        read_csv(write(bomb))


@pytest.mark.parametrize(
    "cell",
    [
        *("", "nan", "NaN", "#N/A", "--", "Overflow", "9.9E+37", "+9.91E37", "-9.900000E+037"),
        *("Infinity", "-Infinity", "1.#QNAN", "-1.#IND", "1.#INF00", "-1.#IND000"),
    ],
)
def test_values_that_are_missing_or_out_of_range(cell: str, write: Write) -> None:
    file = read_csv(write(f"pulse,R\n1,2\n2,{cell}\n"))
    assert math.isnan(file.number(3, file.rows[1][1][1], file.columns[1]))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "curve.csv is empty; give a header line"),
        ("# only words\n\n", "curve.csv is empty"),
        ("pulse,R_AH\n", "curve.csv has a header and no rows; give at least one curve"),
        ("pulse R_AH\n1 2\n", "line 1: 'pulse R_AH' is one column; separate columns by comma"),
        ("pulse|R_AH\n1|2\n", "line 1: 'pulse|R_AH' is one column"),
        ("0,1.5\n1,1.6\n", "line 1: the first line has numbers; put a header line"),
        ("pulse,R_AH\n1,2\n1,2,3\n", r"line 3: it has 3 cells, but the header has 2 .*comma"),
        ("pulse;R_AH\n1,2\n", r"line 2: it has 1 cells, but the header has 2 .*semicolon"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "curve.csv is not a CSV file but a binary one"),
        (b"PK\x03\x04\x14\x00\x06\x00", "curve.csv is not a CSV file but a binary one"),
    ],
)
def test_files_that_are_no_tables(content: str | bytes, expected: str, write: Write) -> None:
    with pytest.raises(UserError, match=expected.replace("|", r"\|")) as caught:
        read_csv(write(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1e999", r"line 2: R_AH is '1e999'; give a number of at most 1e\+30"),
        ("-1.1e30", r"line 2: R_AH is '-1.1e30'; give a number of at most 1e\+30"),
        ("1.5 mohm", "line 2: R_AH is '1.5 mohm'; give a number of at most .*its unit in the he"),
        ("high", "line 2: R_AH is 'high'; give a number"),
    ],
)
def test_cells_that_are_no_numbers(cell: str, expected: str, write: Write) -> None:
    file = read_csv(write(f"pulse,R_AH (ohm)\n1,{cell}\n"))
    with pytest.raises(UserError, match=expected):
        file.number(2, cell, file.columns[1])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("pulse,R\n" + "\n" * Limits().lines, "more than 200,000 lines; give it in parts"),
        ("pulse,R\n" + "1," * 1_000_000, "more than 1,000,000 cells"),
        (("," * 1000 + "\n") * 1001, "more than 1,000,000 cells"),
        ("pulse" + ",R" * 1000 + "\n1,2\n", "more than 1,000 columns"),
        ("pulse,R\n1," + "2" * 201 + "\n", "line 2: a cell has 201 characters, at most 200 are"),
        ("pulse,R_AH " + "(" * 300 + "\n1,2\n", "line 1: a cell has 305 characters, at most 200"),
    ],
)
def test_tables_that_no_measurement_has(content: str, expected: str, write: Write) -> None:
    with pytest.raises(UserError, match=expected):
        read_csv(write(content))


def test_a_file_that_is_larger_than_any_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "curve.csv").open("wb") as file:
        file.truncate(6 << 30)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="too large for a CSV file: it has 6,442,450,944 bytes"):
        read_csv(tmp_path / "curve.csv")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="not a regular file"):
            read_csv(path)


CURVE = b"# from the cryostat\npulse,R_AH (ohm)\n0,1.5\n1,-2e-3\n"
parts = st.binary(max_size=4) | st.sampled_from(
    [b'"', b"\n", b"\r", b";", b"\t", b"\0", b"\xff\xfe", b"(" * 300, b"nan", b"9" * 500]
)


@given(st.integers(0, len(CURVE)), st.integers(0, 8), parts)
@settings(deadline=None, max_examples=300)
def test_any_damage_makes_a_table_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, start: int, length: int, part: bytes
) -> None:
    path = tmp_path_factory.mktemp("csv") / "curve.csv"
    path.write_bytes(CURVE[:start] + part + CURVE[start + length :])
    try:
        file = read_csv(path)
        for line, cells in file.rows:
            for column, cell in zip(file.columns, cells, strict=True):
                assert not abs(file.number(line, cell, column)) > 1e30
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
