"""Tables of numbers, and errors of files without one."""

import gzip
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from allspin.host.lab.tables import CsvFile, read_csv
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


def shown(file: CsvFile) -> list[str]:
    """Headings with their units, then line and cells of each row."""
    heads = " | ".join(f"{name} [{unit}]" for name, unit in file.columns)
    return [heads, *(f"{line}: {' | '.join(cells)}" for line, cells in file.rows)]


COMMENTED = "# cryostat\n\n% H_x = 1 Oe\npulse,R_AH (ohm)\n0,1.5\n\n# pause\n1,-2e-3\n"
PREAMBLE = "Keithley 2182A\nDate,2026-03-01,10:42\nSample,bar 3\nPoints,3\nRange (V),auto\n\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Comments and blank lines, by any delimiter.
        *(
            (COMMENTED.replace(",", one), ["pulse [] | R_AH [ohm]", "5: 0 | 1.5", "8: 1 | -2e-3"])
            for one in ",;\t"
        ),
        # Headings and their units.
        ("x,R_AH [mΩ]\n1,2\n", ["x [] | R_AH [mΩ]", "2: 1 | 2"]),
        ("I/mA,R_AH / ohm\n1,2\n", ["I [mA] | R_AH [ohm]", "2: 1 | 2"]),
        ('"pulse","R_AH"\n"1","2",\n', ["pulse [] | R_AH []", "2: 1 | 2"]),
        ("x,\n1,2\n", ["x [] |  []", "2: 1 | 2"]),
        ("n\tR\tComment\n0\t1\t\n1\t2\t\n", ["n [] | R []", "2: 0 | 1", "3: 1 | 2"]),
        # A preamble needs no comment sign, and may have another delimiter.
        (f"{PREAMBLE}pulse,R (ohm)\n0,1\n1,2\n", ["pulse [] | R [ohm]", "8: 0 | 1", "9: 1 | 2"]),
        (f"{PREAMBLE}pulse\tR\n0\t1,5\n", ["pulse [] | R []", "8: 0 | 1,5"]),
        # Rows of units and comments below the names, as Origin exports them.
        ("pulse\tR\n\tm\u03a9\n\tbar 3\n0\t1\n", ["pulse [] | R [m\u03a9]", "4: 0 | 1"]),
        ("I,R [ohm]\n(mA),(V)\n0,1\n", ["I [mA] | R [ohm]", "3: 0 | 1"]),
        ("d\tn\tR\n\t#\tmohm\nA\t0\t1\n", ["d [] | n [#] | R [mohm]", "3: A | 0 | 1"]),
        # A header in a comment counts if the file has no other.
        ("# bar 3\n# pulse,R (ohm)\n0,1\n", ["pulse [] | R [ohm]", "3: 0 | 1"]),
    ],
)
def test_headers_and_rows_are_found(text: str, expected: list[str], write: Write) -> None:
    assert shown(read_csv(write(text))) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_of_instruments(encoding: str, write: Write) -> None:
    assert read_csv(write("I (µA),R_AH\n1,2\n".encode(encoding))).columns[0] == ("I", "µA")


def test_blocks_begin_where_the_header_comes_again(write: Write) -> None:
    table = "pulse,R_AH (ohm)\n0,1\n1,2\n"
    file = read_csv(
        write(f"Device: A\n{table}\nDevice: B 2\nRange,10\n{table}# sample = C\n{table}")
    )
    assert [block[:2] for block in file.blocks] == [(2, "A"), (8, "B 2"), (12, "C")]
    found = [(line, file.block_of(line).line) for line, _ in file.rows]
    assert (found, file.notes) == ([(3, 2), (4, 2), (9, 8), (10, 8), (13, 12), (14, 12)], [])


def test_words_at_the_end_are_left_out_with_a_word(write: Write) -> None:
    file = read_csv(write("pulse,R_AH\n0,1\n1,2\nMeasurement done.\n"))
    assert (
        "words below the header are left out, 1 in all, the first in line 4: 'Measurement d"
        in file.notes[0]
    )


def test_packed_files(write: Write) -> None:
    file = read_csv(write(PACKED))
    assert (len(file.rows), file.data) == (2, PACKED)


MISSING = [
    *("", "nan", "NaN", "#N/A", "--", "Overflow", "9.9E+37", "+9.91E37", "-9.900000E+037"),
    *("Infinity", "-Infinity", "1.#QNAN", "-1.#IND", "1.#INF00", "-1.#IND000"),
]


def test_values_that_are_missing_or_out_of_range(write: Write) -> None:
    file = read_csv(write("pulse,R\n1,2\n" + "".join(f"2,{cell}\n" for cell in MISSING)))
    values = file.values(1)
    assert values[0] == 2
    assert all(map(math.isnan, values[1:]))


MANY = "1,2\n" * 3
PACKED = gzip.compress(b"pulse,R_AH\n0,1\n1,2\n", mtime=0)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        *((text, "curve.csv is empty; give a header line") for text in ("", "\n")),
        ("#words\n\n", "line 1: 'words' begins no table; give a header"),
        *(
            (text, rf"curve.csv: line 1: '{text[:5]}.* begins no table; give a header line")
            for text in (
                *("pulse,R_AH\n", "pulse R_AH\n1 2\n", "pulse/R_AH\n1/2\n"),
                *("0,1.5\n1,1.6\n", f"pulse,R_AH {'(' * 300}\n{MANY}"),
            )
        ),
        ("pulse;R_AH\n1,2\n", "line 1: 'pulse;R_AH' begins no table; give a header line"),
        ("pulse,R_AH (ohm),note\n1,x,y\n2,x,y\n", r"line 2: R_AH is 'x'; give a number of at mos"),
        ("pulse,R_AH\n1,high\n1,2\n", "line 2: R_AH is 'high'; give a number of at most"),
        ("pulse,R_AH\n1,2\n1,2,3\n", r"line 3: it has 3 cells, but the header has 2 .*comma"),
        (PACKED[:-9], r"curve\.csv is a damaged gzip file; pack it anew"),
        (gzip.compress(b"0,1\n" * (9 << 20), mtime=0), "it unpacks to more than 33,554,432 bytes"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "curve.csv is not a CSV file but a binary one"),
        (b"PK\x03\x04\x14\x00\x06\x00", "curve.csv is not a CSV file but a binary one"),
        *(
            (f"pulse,R_AH (ohm)\n{MANY}1,{cell}\n", f"line 5: R_AH is '{cell[:4]}.*'; give a numb")
            for cell in ("1e999", "-1.1e30")
        ),
        ("pulse,R\n" + "1\n" * 200_000, "more than 200,000 lines, 1,000,000 cells, or"),
        ("pulse,R\n" + "1," * 1_000_000, ", 1,000,000 cells, or"),
        (("," * 999 + "\n") * 1002, ", 1,000,000 cells, or"),
        ("pulse" + ",R" * 1000 + "\n1,2\n", "or 1,000 columns"),
        ("pulse,R\n1," + "2" * 201 + "\n", "line 2: a cell has more than 200 characters"),
    ],
)
def test_files_that_are_no_tables(content: str | bytes, expected: str, write: Write) -> None:
    with pytest.raises(UserError, match=expected) as caught:
        read_csv(write(content)).values(1)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_larger_than_any_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "curve.csv").open("wb") as file:
        file.truncate(6 << 30)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="too large for a CSV file: it has 6,442,450,944 bytes"):
        read_csv(tmp_path / "curve.csv")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UserError, match="not a regular file"):
            read_csv(path)
