"""Output of tables: tables on a terminal, TSV elsewhere."""

import csv
import io
import sys

import pytest

from allspin.host.show.table import Number, Table, TableColumn, figures
from allspin.host.show.table_files import tsv
from allspin.host.show.terminal import print_tables, table_text

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
    assert ("| cat shows all columns" in out) is not there
    assert "1.96" in table_text(CHIPS)
