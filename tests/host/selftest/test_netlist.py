"""A board's netlist, programmed and read through its pins, against the golden model."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from allspin.boards.build.flow import Build
from allspin.boards.catalogue import find_board
from allspin.boards.gates.netlist import GateNetlist
from allspin.boards.gates.pins import Pins
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.bitstreams.build_options import BuildChanges
from allspin.host.bitstreams.jobs import make_job
from allspin.host.cli.main import main
from allspin.host.selftest import netlist as proved
from allspin.host.selftest.netlist import ProvedStage, find_provable, prove, prove_board
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_images, random_network

NETWORK = random_network((4, 2), 1)
IMAGES = random_images(NETWORK, 5, 2)
BOARD = find_board("icebreaker")


@pytest.mark.long
def test_a_boards_netlist_is_the_golden_model():
    parameters = ShellParameters.from_network(BOARD, NETWORK, HardwareProfile(lanes=1))
    netlist = GateNetlist.read(Build(parameters).synthesise().folder / "top.json")
    bit_clocks = BOARD.machine_frequency / BOARD.baud
    images, said = random_images(NETWORK, 50, 3), []
    proof = prove(
        netlist,
        Pins.of_board(BOARD),
        bit_clocks,
        NETWORK,
        images,
        lambda what, done: said.append(what),
        optimise=False,
    )
    counted = ("images", "logits_compared", "mismatches", "resent")
    assert [proof[name] for name in counted] == [50, 100, 0, 0]
    assert proof["cells"] == netlist.types
    # Ten bits a byte, and an answer of two sums, a class, a head and a frame for each image.
    answer = 3 + 2 * parameters.machine.link.engine.logit_bytes + 2 + 4
    assert proof["clocks_streaming"] >= 50 * answer * 10 * bit_clocks
    assert "streaming, images" in said


PROOF = {
    "resent": 0,
    "clocks_programming": 1000,
    "seconds_compiling": 1.0,
    "seconds_programming": 2.0,
    "seconds_streaming": 3.0,
    "seconds_checking": 1.0,
    "checks": [],
    "images": 5,
    "logits_compared": 50,
    "mismatches": 0,
    "cells": {"SB_LUT4": 7},
    "clocks_streaming": 500,
}


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Arguments of the long work, which is left out; the test can change the proof of a board."""
    asked: dict[str, Any] = {"proof": PROOF}

    class QuickBuild:
        tools = "some tools"

        def __init__(self, parameters, wanted, progress):
            self.progress = progress

        def synthesise(self):
            self.progress("synthesising", 3.0)
            return SimpleNamespace(folder=tmp_path / "synthesised")

        def route(self, netlist, seed, *, written):
            asked["seed"] = seed if written else None
            return SimpleNamespace(folder=tmp_path / "routed", bitstream=asked.get("fits"))

    def read(file):
        asked["file"] = file.relative_to(tmp_path).as_posix()
        return GateNetlist("the digest", {}, ())

    monkeypatch.setattr(proved, "Build", QuickBuild)
    monkeypatch.setattr(proved.GateNetlist, "read", read)
    monkeypatch.setattr(proved, "prove", lambda *_: asked["proof"])
    return asked


def test_the_routed_netlist_has_a_seed_and_must_fit(asked):
    asked["fits"] = Path(__file__)
    job = make_job(BOARD, None, "net", NETWORK, BuildChanges(lanes=1))
    proof = prove_board(job, IMAGES, ProvedStage(routed=True, seed=7))
    assert (asked["file"], asked["seed"], proof["stage"]) == ("routed/routed.json", 7, "routed")
    assert proof["bitstream_sha256"] == hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    del asked["fits"]
    with pytest.raises(UserError, match="icebreaker has no room for this machine"):
        prove_board(job, IMAGES, ProvedStage(routed=True))


def test_a_family_stands_for_its_board_and_each_is_taken_once():
    names = [board.name for board in find_provable(["ecp5", "ulx3s-25f", "icebreaker"])]
    assert names == ["ulx3s-25f", "icebreaker"]
    assert [board.name for board in find_provable([])] == ["icebreaker", "ulx3s-25f"]
    with pytest.raises(UserError, match="the cells of tang-nano-9k"):
        find_provable(["tang-nano-9k"])


@pytest.mark.long
def test_the_command_proves_a_board_of_each_family(asked, capsys):
    assert main(["gates", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["boards"]
    assert [result["board"] for result in results] == ["icebreaker", "ulx3s-25f"]
    assert {result["mismatches"] for result in results} == {0}
    assert results[0]["simulated_images_per_second"] == 5 * BOARD.machine_frequency / 500
    chip = {"check": "chip", "right": False, "what": "a word differs"}
    asked["proof"] = PROOF | {"mismatches": 3, "checks": [chip]}
    assert main(["gates", "ice40", "icebreaker"]) == 1
    printed = capsys.readouterr()
    assert printed.out.count("icebreaker") == 1
    assert "3 of 50 logits of the netlist the digest of icebreaker differ" in printed.err
    assert "chip of the netlist the digest of icebreaker: a word differs" in printed.err


@pytest.mark.long
def test_a_silent_netlist_is_one_line(monkeypatch, tmp_path):
    program = tmp_path / "silent"
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    program.chmod(0o755)
    monkeypatch.setattr(proved, "SLOWEST", 1e9)
    monkeypatch.setattr("allspin.host.virtual.board.UART_TIMEOUT", 0.1)
    monkeypatch.setattr("allspin.host.virtual.board.CLOSING", 0.1)
    with pytest.raises(UserError, match=r"nothing that speaks .* on the netlist; "):
        proved.open_netlist(program, 8.0)
