"""``allspin chips`` and ``allspin run --chip``: figures, options that do not go together."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from allspin.host.chips.accuracy import COLUMNS, Lot, accuracy_over_chips, only
from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device_file import save_device
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

PAPER = open_device("paper")


def test_json_is_what_the_library_says(capsys: pytest.CaptureFixture[str]) -> None:
    words = "chips mnist-10 --chips 2 --first 5 --images 300 --tries 3 --band 0.03 --json"
    assert main(words.split()) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["chips"] == [5, 6]
    assert record["images"] == 300
    assert [result["column"] for result in record["results"]] == [c.title for c in COLUMNS]
    images, labels = load_test_set(None)
    for result, column in zip(record["results"], COLUMNS, strict=True):
        expected = accuracy_over_chips(
            open_network("mnist-10"),
            Lot(
                only(PAPER, column.variations),
                range(5, 7),
                Programming(column.scheme, tries=3, band=0.03),
                column.calibrated,
            ),
            (images[:300], labels[:300]),
        )
        assert result["accuracies"] == expected.tolist()
        assert result["accuracy"] == pytest.approx(expected.mean())
        assert result["deviation"] == pytest.approx(expected.std(ddof=1))


def test_the_table_names_every_reading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chips", "mnist-10", "--chips", "1", "--images", "50", "--causes"]) == 0
    out = capsys.readouterr().out
    for reading in PAPER.readings():
        assert reading in out
    assert "at most 8 tries" in out
    assert "neurons' threshold, calibrated" in out
    assert "mnist-10, all variation, open loop: the worst is chip 0 with" in out


def test_run_on_a_chip(capsys: pytest.CaptureFixture[str]) -> None:
    words = "run mnist-10 --chip 7 --program write-verify --calibrate --images 1200 --json --check"
    assert main(words.split()) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["chip"], record["mismatches"], record["on"]) == (7, 0, "golden")
    made = record["programming"]
    chip = Chip(PAPER, 7)
    counts = program_chip(chip, open_network("mnist-10"), Programming("write-verify")).counts
    assert made["reads"] == counts.reads
    assert made["unconverged"] == counts.unconverged
    assert made["energy"] == counts.energy(PAPER.electrical)
    assert (made["device"], made["tries"], made["polarity"]) == ("paper", 8, "quieter")
    assert set(PAPER.readings()) <= set(made["readings"])


@pytest.mark.long
def test_the_paper_s_array_is_made_by_the_gateware(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All 79,400 words, D2D and C2C of synapses and neurons, 10 and 100 states, stuck cells."""
    stuck = dataclasses.replace(PAPER.imperfections, stuck=0.01)
    save_device(dataclasses.replace(PAPER, imperfections=stuck), tmp_path / "stuck.toml")
    logits = []
    for network, device, seed in (
        ("paper-10", "paper", 1),
        ("paper-10", "paper", 2),
        ("paper-100", str(tmp_path / "stuck.toml"), 3),
    ):
        out = tmp_path / "logits.npy"
        words = f"run {network} --device {device} --chip {seed} --on virtual --images 300"
        assert main([*words.split(), "--check", "--json", "--logits", str(out)]) == 0
        record = json.loads(capsys.readouterr().out)
        assert (record["mismatches"], record["word_mismatches"]) == (0, 0)
        assert record["words_compared"] == 79400
        chip = Chip(open_device(device), seed)
        plain = open_network(network)
        made = program_chip(chip, plain, Programming()).words
        changed = [
            np.count_nonzero(words != layer.words)
            for words, layer in zip(made, plain.layers, strict=True)
        ]
        assert record["words_changed"] == sum(changed) / 79400 > 0.9
        logits.append(np.load(out))
    assert not np.array_equal(logits[0], logits[1])
