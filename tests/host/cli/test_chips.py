"""``allspin chips``: the library's figures, and rows of chips that were measured."""

import re

import pytest

import allspin
from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.chips.chip_options import ChipOptions
from allspin.host.chips.columns import COLUMNS, Column, only
from allspin.host.chips.measured import MeasureOptions, measure_chips
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.show.terminal import table_text
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")


def test_json_has_the_library_s_figures(cli, tmp_path):
    settings = tmp_path / "settings.toml"
    settings.write_text("tries = 3\nband = 0.03")
    words = f"chips mnist-10 --chips 2 --chip 5 --images 300 --program {settings}"
    record = cli.json(words)
    assert (record["chips"], record["images"]) == ([5, 6], 300)
    images, labels = load_test_set(None)
    for result, column in zip(record["results"], COLUMNS, strict=True):
        how = Programming(column.scheme, tries=3, band=0.03)
        lot = Lot(only(PAPER, column.variations), range(5, 7), how, column.calibrated)
        expected = accuracy_over_chips(open_network("mnist-10"), lot, (images[:300], labels[:300]))
        assert (result["column"], result["accuracies"]) == (column.title, expected.tolist())
        assert result["accuracy"] == pytest.approx(expected.mean())
        assert result["deviation"] == pytest.approx(expected.std(ddof=1))


def test_the_table_names_every_reading(cli):
    out, _ = cli.run("chips mnist-10 --chips 1 --images 50 --causes")
    assert all(reading in out for reading in PAPER.readings())
    assert "at most 8 tries" in out
    assert "neurons' threshold, calibrated" in out
    assert "mnist-10, all variation, open loop: the worst is chip 0 with" in out


def test_measured_chips_have_rows_of_their_own(cells, tmp_path, cli):
    other = tmp_path / "other.npz"
    cli.run(f"export paper-10 --chip 8 --cells {other}")
    files = (cells, other)
    one = Column("C2C", ("c2c",), "open-loop")
    options = MeasureOptions(chips=1, first=7, columns=(one,), probed=files)
    measured = measure_chips("paper-10", options=options, images=300)
    whole, plain, varied = measured.to_dict()["results"]
    assert set(plain) == set(varied) == set(whole)
    assert plain["column"] == "2 measured chips"
    assert varied["column"] == "2 measured chips, and the neurons' variation, calibrated"
    assert [each["file"] for each in plain["measured"]] == list(map(str, files))
    for number, path in enumerate(files):
        for row, seed in ((plain, None), (varied, 7 + number)):
            options = ChipOptions(seed, measured=path, calibrate=seed is not None)
            chip = options.make(allspin.load_network("paper-10"))
            single = allspin.run("paper-10", chip=chip, images=300)
            assert row["accuracies"][number] == single.accuracy
    shown = table_text(measured.tables()[0], 120)
    for row in (plain, varied):
        spread = f"{100 * row['accuracy']:.2f} ± {100 * row['deviation']:.2f}"
        assert re.search(rf"{row['column']} +{spread}", shown)
    assert sum(str(cells) in line for line in measured.notes()) == 1
