"""Tables: in the width of a terminal words are folded, numbers never; elsewhere they are TSV."""

import pytest
from hypothesis import given, settings, strategies as st

from allspin.host.show.table import Table, TableColumn, significant
from allspin.host.show.terminal import layout
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


def test_columns_without_room_stand_below_with_their_keys():
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
