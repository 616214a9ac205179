"""``allspin sweep``: options, a file and both; what is printed, and what is refused."""

import csv
import json

import numpy as np
import pytest

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.programming.schemes import Programming

SMALL = ["--images", "200", "--jobs", "1"]


def test_json_is_what_the_library_says(tmp_path, capsys):
    path = tmp_path / "t.csv"
    words = ["sweep", "--network", "mnist-10", "--program", "open-loop,write-verify"]
    words += ["--tries", "3", "--chips", "2", "--first", "5", "-o", str(path), *SMALL, "--json"]
    assert main(words) == 0
    record = json.loads(capsys.readouterr().out)
    images, labels = load_test_set(None)
    for point, scheme in zip(record["points"], ("open-loop", "write-verify"), strict=True):
        expected = accuracy_over_chips(
            open_network("mnist-10"),
            Lot(open_device("paper"), range(5, 7), Programming(scheme, tries=3)),
            (images[:200], labels[:200]),
        )
        assert point["program"] == scheme
        assert point["accuracy"] == pytest.approx(expected.mean())
        assert point["deviation"] == pytest.approx(expected.std(ddof=1))
        assert (point["worst"], point["best"]) == (expected.min(), expected.max())
    assert (record["chips"], record["rows"], record["resumed"]) == ([5, 6], 4, 0)
    with path.open(newline="") as file:
        shares = [float(row["accuracy"]) for row in csv.DictReader(file)]
    assert np.mean(shares[:2]) == record["points"][0]["accuracy"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["resumed"] == 4


def test_an_option_takes_the_place_of_the_files_entry(tmp_path, capsys):
    grid = tmp_path / "grid.toml"
    grid.write_text('network = "mnist-10"\nc2c = [0, 1]\nchips = 3\nimages = 100\n')
    words = ["sweep", str(grid), "--c2c", "0.5", "--chips", "1", "-o", str(tmp_path / "t.csv")]
    assert main([*words, "--jobs", "1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert [point["c2c"] for point in record["points"]] == [0.5]
    assert (record["chips"], record["images"]) == ([0], 100)


def test_points_are_apart_by_semicolons(tmp_path, capsys):
    words = ["sweep", "--network", "mnist-10", "-o", str(tmp_path / "t.csv"), "--chips", "1"]
    assert main([*words, "--at", "current=8mA;current=9mA,field=1mT", *SMALL]) == 2
    line = capsys.readouterr().err.strip()
    assert line.endswith("current was not varied: the device was measured at one point only")
    assert main([*words, "--at", "amps=8", *SMALL]) == 2
    assert "at: a point is such as current=9mA,temperature=350" in capsys.readouterr().err


def test_the_table_has_the_factors_that_vary(tmp_path, capsys):
    words = ["sweep", "--network", "paper-{states}", "--states", "10,100", "--calibrate", "no,yes"]
    words += ["--chips", "1", "-o", str(tmp_path / "t.csv"), *SMALL]
    assert main([*words, "--pictures", str(tmp_path / "new" / "pictures")]) == 0
    out, err = capsys.readouterr()
    assert "1 chip a point, 200 images, golden" in out
    for word in ("states", "calibrate", "10", "100", "yes", "no"):
        assert word in out
    assert "program" not in out
    assert (tmp_path / "new" / "pictures" / "yield.png").exists()
    assert "sweeping 1 chip at 4 points: 4 rows in" in err
