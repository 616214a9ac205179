"""``allspin sweep``: options, a file and both; its output, and its refusals."""

import csv

import numpy as np
import pytest

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.programming.schemes import Programming


@pytest.fixture
def words(tmp_path):
    """The command on few images."""
    return f"sweep --images 200 --jobs 1 -o {tmp_path}/t.csv"


def test_json_has_the_library_s_figures(words, tmp_path, cli):
    grid = tmp_path / "grid.toml"
    grid.write_text("tries = 3")
    words = words.replace("sweep", f"sweep {grid}")
    words += " --network mnist-10 --program open-loop,write-verify --chips 2 --chip 5"
    record = cli.json(words)
    images, labels = load_test_set(None)
    for point, scheme in zip(record["points"], ("open-loop", "write-verify"), strict=True):
        lot = Lot(open_device("paper"), range(5, 7), Programming(scheme, tries=3))
        expected = accuracy_over_chips(open_network("mnist-10"), lot, (images[:200], labels[:200]))
        assert point["program"] == scheme
        assert point["accuracy"] == pytest.approx(expected.mean())
        assert point["deviation"] == pytest.approx(expected.std(ddof=1))
        assert (point["worst"], point["best"]) == (expected.min(), expected.max())
    assert (record["chips"], record["rows"], record["resumed"]) == ([5, 6], 4, 0)
    with (tmp_path / "t.csv").open(newline="") as file:
        shares = [float(row["accuracy"]) for row in csv.DictReader(file)]
    assert np.mean(shares[:2]) == record["points"][0]["accuracy"]
    assert cli.json(words)["resumed"] == 4


def test_an_option_takes_the_place_of_the_files_entry(words, tmp_path, cli):
    grid = tmp_path / "grid.toml"
    grid.write_text('network = "mnist-10"\nc2c = [0, 1]\nchips = 3\nimages = 100\n')
    record = cli.json(f"sweep {grid} --c2c 0.5 --chips 1 -o {tmp_path}/t.csv --jobs 1")
    assert [point["c2c"] for point in record["points"]] == [0.5]
    assert (record["chips"], record["images"]) == ([0], 100)


def test_the_table_has_the_factors_that_vary(words, tmp_path, cli):
    grid = tmp_path / "grid.toml"
    grid.write_text("calibrate = [false, true]")
    words = words.replace("sweep", f"sweep {grid}")
    words += " --network paper-{states} --states 10,100 --chips 1"
    out, err = cli.run(f"{words} --pictures {tmp_path}/new/pictures")
    for word in ("1 chip a point, 200 images, golden", "states", "calibrate", "100", "yes", "no"):
        assert word in out
    assert "program" not in out
    assert (tmp_path / "new" / "pictures" / "yield.png").exists()
    assert "sweeping 1 chip at 4 points: 4 rows in" in err
