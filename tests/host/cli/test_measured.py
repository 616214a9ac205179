"""``--measured`` of ``run`` and ``chips``: a chip to the probe station and back."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import allspin
from allspin.host.chips.accuracy import Column
from allspin.host.chips.measured import MeasureOptions, chips_table, measure_chips, remarks
from allspin.host.chips.options import ProbedChipOptions
from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.show.table import table_text
from allspin.sim.network.golden import GoldenModel


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cells of chip 7 of paper-10."""
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    assert main(["export", "paper-10", "--chip", "7", "--cells", str(path)]) == 0
    return path


def run(capsys: pytest.CaptureFixture[str], words: str, out: Path) -> tuple[dict, np.ndarray]:
    """What a run's JSON says, and its logits."""
    assert main([*words.split(), "--json", "--logits", str(out)]) == 0
    return json.loads(capsys.readouterr().out), np.load(out)


def test_there_and_back_is_the_same_chip(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "run paper-10 --chip 7 --images 1000 --calibrate"
    here, wanted = run(capsys, words, tmp_path / "a.npy")
    back, logits = run(capsys, f"{words} --measured {cells}", tmp_path / "b.npy")
    assert np.array_equal(logits, wanted)
    assert back["accuracy"] == here["accuracy"]
    assert (back["chip"], back["programming"]["scheme"]) == (7, None)
    told = back["programming"]["measured"]
    assert (told["file"], told["cells"], told["missing"]) == (str(cells), 79400, 0)
    assert here["programming"]["measured"] is None
    assert set(here["programming"]) == set(back["programming"])
    calibrated = back["programming"]["calibration_uses"]
    assert calibrated == here["programming"]["calibration_uses"]


def test_without_a_chip_the_words_alone_differ_from_the_network(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found, logits = run(
        capsys, f"run paper-10 --measured {cells} --images 200", tmp_path / "logits.npy"
    )
    network = open_network("paper-10")
    _, *rows = cells.read_text().splitlines()
    words = np.array([int(row.split(",")[7]) for row in rows])
    images, _ = load_test_set()
    split = [words[:78400].reshape(784, 100), words[78400:].reshape(100, 10)]
    expected = GoldenModel(network, [each.astype(np.int8) for each in split])
    assert np.array_equal(logits, expected.logits(images[:200]))
    assert found["chip"] is None


def test_the_table_says_what_was_missing(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = cells.read_text().splitlines()
    path = tmp_path / "open.csv"
    path.write_text("\n".join(rows[:500] + rows[510:]))
    words = f"run paper-10 --measured {path} --images 20"
    assert main([*words.split(), "--missing", "0.001"]) == 0
    out = capsys.readouterr().out
    assert "cells measured" in out
    assert "cells measured\t79390\t" in out
    assert "10 of 79,400 cells are missing; they are taken for open" in out
    assert "neurons are the mean one" in out
    assert "D2D" not in out
    assert main(words.split()) == 2
    assert "row 4, column 99 has no row, and of 9 more, 0.01%" in capsys.readouterr().err


def test_chips_have_rows_of_their_own(cells: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    assert main(["export", "paper-10", "--chip", "8", "--cells", str(other)]) == 0
    files = (cells, other)
    one = Column("C2C", ("c2c",), "open-loop")
    options = MeasureOptions(chips=1, first=7, columns=(one,), probed=files)
    measured = measure_chips("paper-10", options=options, images=300)
    whole, plain, varied = json.loads(json.dumps(measured.to_dict()))["results"]
    assert set(plain) == set(varied) == set(whole)
    assert plain["column"] == "2 measured chips"
    assert varied["column"] == "2 measured chips, and the neurons' variation, calibrated"
    assert [each["file"] for each in plain["measured"]] == list(map(str, files))
    for number, path in enumerate(files):
        for row, seed in ((plain, None), (varied, 7 + number)):
            chip = ProbedChipOptions(path, seed=seed, calibrate=seed is not None)
            single = allspin.run("paper-10", chip=chip, images=300)
            assert row["accuracies"][number] == single.accuracy
    shown = table_text(chips_table(measured))
    for row in (plain, varied):
        spread = f"{100 * row['accuracy']:.2f} ± {100 * row['deviation']:.2f}"
        assert re.search(rf"{row['column']} +{spread}", shown)
    assert sum(str(cells) in line for line in remarks(measured)) == 1


def test_cells_of_another_network_are_not_scored(
    cells: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "paper-100", "--measured", str(cells)]) == 2
    assert "was it another network's?" in capsys.readouterr().err
