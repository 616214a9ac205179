"""``allspin export``: files whole or not at all, and contents of a table of cells."""

import csv
import os
import re
import subprocess

import numpy as np
import pytest

from allspin.hdl.bench.tools import find_tools
from allspin.host.data.catalogue import open_device
from allspin.sim.network.netfile import load_network
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming


@pytest.mark.parametrize(
    ("suffix", "word"), [(".v", "always @(posedge clk)"), (".sv", "always_ff")]
)
def test_both_files_are_written_and_named(net, tmp_path, cli, suffix, word):
    path, beside = tmp_path / f"out{suffix}", tmp_path / "out.mem"
    out, _ = cli.run(f"export {net} --verilog {path}")
    verilog, image = path.read_text(), beside.read_text()
    for words in ("module engine(", word, "engine 24-12-6: lanes 12, 6; R_AH words of 8 bits;"):
        assert words in verilog
    beats = [line for line in image.splitlines() if not line.startswith("//")]
    # Weights, table, converters, shift.
    assert len(beats) == 24 * 12 + 256 + 4 * 12 + 1 + 12 * 6
    assert all(re.fullmatch(r"[01][0-9a-f]{8}", beat) for beat in beats)
    assert f"{path}: module engine" in out
    assert f"{beside}: {len(beats)} payloads" in out
    # Other lanes make another engine with the same image.
    cli.run(f"export {net} --verilog {path} --lanes 2")
    assert path.read_text() != verilog
    assert beside.read_text() == image


def test_a_full_disk_leaves_neither(net, tmp_path, monkeypatch, cli):
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert "No space left" in cli.refused(f"export {net} --verilog {out}/x.v")
    assert list(out.iterdir()) == []


LONG = pytest.mark.long
MACHINES = [
    "icebreaker:ideal",
    *(
        pytest.param(machine, marks=LONG)
        for machine in (
            "icebreaker:chips",
            "tang-nano-9k:ideal",
            "ulx3s-25f:ideal",
            "ulx3s-25f:chips",
            "ulx3s-25f:general",
            "ulx3s-25f:maps",
            "ulx3s-85f:chips",
            "ulx3s-85f:fast",
            "ulx3s-85f:fast-sdram",
        )
    ),
]


@pytest.mark.parametrize("machine", MACHINES)
def test_a_core_passes_a_linter(net, tmp_path, cli, machine):
    path = tmp_path / "core.v"
    own = "conv-small-10" if machine.endswith("maps") else net
    cli.run(f"export {own} --verilog {path} --profile {machine}")
    _, search = find_tools("verilator")
    command = ["verilator", "--lint-only", "-Wall", "--top-module", "allspin_core", "core.v"]
    found = {}
    for waivers in ([], ["core.vlt"]):
        done = subprocess.run(
            [*command[:-1], *waivers, command[-1]],
            cwd=tmp_path,
            env={**os.environ, "PATH": search},
            capture_output=True,
            text=True,
        )
        found[done.returncode] = {*re.findall(r"%Warning-(\w+)", done.stderr)}
    assert found == {0: set(), 1: {"UNUSEDSIGNAL", "PROCASSINIT", "DECLFILENAME"}}


def test_an_impossible_core_is_refused_and_no_file_is_written(net, tmp_path, cli):
    out = tmp_path / "out"
    out.mkdir()
    for words, said in {
        "core.v --profile all": "one board",
        "a-core.v --profile icebreaker:ideal": "letters, digits",
        "core.v --profile icebreaker:none": "none",
        "core.v --chip 7": "--cells or --profile",
    }.items():
        assert said in cli.refused(f"export {net} --verilog {out}/{words}")
    assert list(out.iterdir()) == []


def test_a_deck_is_of_the_paper_as_it_draws_it(net, tmp_path, cli):
    path = tmp_path / "deck.cir"
    out, _ = cli.run(f"export {net} --spice {path} --rows 4 --columns 3")
    assert f"{path}: the Hall arms of a column are joined in series" in out
    assert len(re.findall(r"^x\d", path.read_text(), re.MULTILINE)) == 12
    assert "312.5 ohm" in path.read_text()


def test_cells_are_those_of_the_chip(net, tmp_path, cli):
    settings = tmp_path / "three.toml"
    settings.write_text("scheme = 'write-verify'\ntries = 3")
    words = f"export {net} --chip 7 --program {settings} --cells {tmp_path}/cells"
    out, _ = cli.run(f"{words}.csv")
    assert "cells.csv: 360 cells, R_AH in half of the range, " in out
    _, *rows = csv.reader((tmp_path / "cells.csv").open())
    how = Programming("write-verify", tries=3)
    done = program(load_network(net), open_device("paper"), 7, how)
    assert [int(row[7]) for row in rows] == [int(w) for each in done.words for w in each.ravel()]
    cli.run(f"{words}.npz")
    with np.load(tmp_path / "cells.npz", allow_pickle=False) as found:
        assert found["R_AH"].tolist() == [float(row[5]) for row in rows]
