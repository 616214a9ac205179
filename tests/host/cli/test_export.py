"""``allspin export``: files whole or not at all, and what is in a table of cells."""

import csv
import re

import numpy as np
import pytest

from allspin.host.cli.main import main
from allspin.host.data.catalogue import open_device
from allspin.sim.chip.chip import Chip
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_networks import random_network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import Programming

NETWORK = random_network((9, 5, 3), 1)


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(NETWORK, path)
    return str(path)


@pytest.mark.parametrize(
    ("suffix", "word"), [(".v", "always @(posedge clk)"), (".sv", "always_ff")]
)
def test_both_files_are_written_and_named(net, tmp_path, capsys, suffix, word):
    path = tmp_path / f"out{suffix}"
    assert main(["export", net, "--verilog", str(path)]) == 0
    verilog, image = path.read_text(), (tmp_path / "out.mem").read_text()
    assert "module engine(" in verilog
    assert word in verilog
    assert "engine 9-5-3: lanes 5, 3; R_AH words of 8 bits; neuron sot." in verilog
    beats = [line for line in image.splitlines() if not line.startswith("//")]
    # Weights, table, converters, shift.
    assert len(beats) == 9 * 5 + 256 + 4 * 5 + 1 + 5 * 3
    assert all(re.fullmatch(r"[01][0-9a-f]{8}", beat) for beat in beats)
    out = capsys.readouterr().out
    assert f"{path}: module engine" in out
    assert f"{tmp_path / 'out.mem'}: {len(beats)} payloads" in out


def test_lanes_make_another_engine_with_the_same_image(net, tmp_path):
    for lanes in ("5", "2"):
        assert (
            main(["export", net, "--verilog", str(tmp_path / f"{lanes}.v"), "--lanes", lanes]) == 0
        )
    assert (tmp_path / "5.v").read_text() != (tmp_path / "2.v").read_text()
    assert (tmp_path / "5.mem").read_text() == (tmp_path / "2.mem").read_text()


def test_a_full_disk_leaves_neither(net, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert main(["export", net, "--verilog", str(out / "x.v")]) == 2
    assert "No space left" in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_a_deck_is_of_the_paper_as_it_draws_it(net, tmp_path, capsys):
    path = tmp_path / "deck.cir"
    assert main(["export", net, "--spice", str(path), "--rows", "4", "--columns", "3"]) == 0
    assert f"{path}: the Hall arms of a column are joined in series" in capsys.readouterr().out
    deck = path.read_text()
    assert len(re.findall(r"^x\d", deck, re.MULTILINE)) == 12
    assert "312.5 ohm" in deck


def test_cells_are_those_of_the_chip(net, tmp_path, capsys):
    path = tmp_path / "cells.csv"
    words = ["export", net, "--chip", "7", "--program", "write-verify", "--tries", "3"]
    assert main([*words, "--cells", str(path)]) == 0
    assert f"{path}: 60 cells, R_AH in half of the range, " in capsys.readouterr().out
    _, *rows = csv.reader(path.open())
    how = Programming("write-verify", tries=3)
    done = program_chip(Chip(open_device("paper"), 7), NETWORK, how)
    assert [int(row[7]) for row in rows] == [int(w) for each in done.words for w in each.ravel()]
    assert main([*words, "--cells", str(tmp_path / "cells.npz")]) == 0
    with np.load(tmp_path / "cells.npz", allow_pickle=False) as found:
        assert found["R_AH"].tolist() == [float(row[5]) for row in rows]
