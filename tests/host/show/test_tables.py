"""Tables: in the width of a terminal words are folded, numbers never; elsewhere they are TSV."""

import csv
import io
import sys

import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.show.table import Number, Table, TableColumn, figures, significant
from allspin.host.show.table_files import tsv
from allspin.host.show.terminal import layout, print_tables, table_text
from tests.host.show.whole import check_whole, printed as lines_of

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
names = st.text("abcdefgh ", max_size=60)


@given(
    st.lists(st.tuples(names, names, numbers, numbers, numbers, numbers), min_size=1, max_size=4)
)
@settings(deadline=None, max_examples=60)
def test_no_table_breaks_a_number(rows):
    head = ("what it is", "how", "energy-delay", "area", "throughput of the machine", "time")
    check_whole(Table("Anything", [TableColumn(name) for name in head], rows))


def test_what_has_no_room_stands_below_with_its_keys():
    columns = [
        TableColumn("board"),
        TableColumn("machine"),
        *(TableColumn(f"figure {i}") for i in range(6)),
    ]
    rows = [("icebreaker", name, *range(1_000_000, 1_000_006)) for name in ("ideal", "chips")]
    table = Table("Boards", columns, rows, keys=2)
    assert len(layout(table, 200)) == 1
    parts = lines_of(table, 50, wide=False)
    assert len(layout(table, 50)) == 3
    assert parts.count("ideal") == parts.count("chips") == 3
    assert parts.count("Boards") == 1


def test_units_stand_in_the_head_and_wide_columns_only_where_asked_for():
    columns = (TableColumn("neuron"), TableColumn("energy", "fJ"), TableColumn("source", wide=True))
    table = Table("Energy", columns, [("sot", 0.00143842, "counted"), ("relu", 67.7025, "counted")])
    short, long = (lines_of(table, 80, wide) for wide in (False, True))
    assert "source" not in short
    assert "source" in long
    rows = short.splitlines()
    assert rows[1].split() == ["energy"]
    assert rows[2].split() == ["neuron", "fJ"]
    assert rows[4].split() == ["sot", "0.00144"]
    assert rows[5].split() == ["relu", "67.7"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (350_123.4, "350,000"),
        (999.9, "1,000"),
        (99.95, "100"),
        (9.996, "10.0"),
        (0.00143842, "0.00144"),
        (-67.7025, "-67.7"),
        (1.23e-7, "1.23e-07"),
        (2.5e12, "2.50e+12"),
        (float("inf"), "inf"),
    ],
)
def test_three_digits_count(value, text):
    assert significant(value) == text


# Output: tables on a terminal, TSV elsewhere.

CHIPS = Table(
    "Accuracy",
    (TableColumn("chips with"), TableColumn("paper-10", "%"), TableColumn("reads", wide=True)),
    [("open loop", Number(98.674, ".2f", 0.0915), 0), ("write-verify", Number(98.79, ".2f"), 1.96)],
    notes=["of each cell"],
)


def test_piped_tables_are_tsv(capsys):
    print_tables([CHIPS, figures("Run", [("images", 10_000), ("time", 0.5, "s")])], ["a note"])
    first, second = capsys.readouterr().out.split("\n\n")
    lines = first.splitlines()
    assert lines[:2] == ["# Accuracy", "# of each cell"]
    rows = list(csv.DictReader(io.StringIO("\n".join(lines[2:])), delimiter="\t"))
    assert rows[0] == {
        "chips with": "open loop",
        "paper-10 (%)": "98.674",
        "deviation of paper-10 (%)": "0.0915",
        "reads": "0",
    }
    assert rows[1]["deviation of paper-10 (%)"] == ""
    assert second == ("# Run\nwhat\tvalue\tunit\nimages\t10000\t\ntime\t0.5\ts\n# a note\n")


def test_a_cell_cannot_make_columns_or_rows():
    table = Table("a\nb", (TableColumn("name"), TableColumn("value")), [("x\ty\nz", 1)])
    assert tsv(table) == "# a\\nb\nname\tvalue\nx\\ty\\nz\t1"


@pytest.mark.parametrize(("wide", "there"), [(False, False), (True, True)])
def test_a_terminal_is_shown_a_table(capsys, monkeypatch, wide, there):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    print_tables([CHIPS], ["a note"], wide=wide)
    out = capsys.readouterr().out
    assert "98.67 ± 0.09" in out
    assert "\t" not in out
    assert ("1.96" in out) is there
    assert ("--wide shows all columns" in out) is not there
    assert "1.96" in table_text(CHIPS)
