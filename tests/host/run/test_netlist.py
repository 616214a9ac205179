"""A board's netlist through the product's own host code, and the command's own lines."""

import json

import pytest

from allspin.boards.build.flow import Build
from allspin.boards.catalogue import find_board
from allspin.boards.gates.netlist import Netlist, Pins
from allspin.boards.shell import ShellParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.main import main
from allspin.host.run import simulate as board_proof
from allspin.host.run.simulate import prove
from allspin.sim.errors import UserError
from allspin.sim.network.random_networks import random_images, random_network

pytestmark = pytest.mark.long

NETWORK = random_network((4, 2), 1)
BOARD = find_board("icebreaker")


def test_a_boards_netlist_is_the_golden_model():
    parameters = ShellParameters.from_network(BOARD, NETWORK, HardwareProfile(lanes=1))
    netlist = Netlist.read(Build(parameters).synthesise().folder / "top.json")
    bit_clocks = BOARD.machine_frequency / BOARD.baud
    images = random_images(NETWORK, 50, 3)
    said = []
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
    "images": 5,
    "logits_compared": 50,
    "mismatches": 0,
    "resent": 0,
    "cells": {"SB_LUT4": 7},
    "clocks_programming": 1000,
    "clocks_streaming": 500,
    "seconds_compiling": 1.0,
    "seconds_programming": 2.0,
    "seconds_streaming": 3.0,
}


@pytest.fixture
def proven(monkeypatch, tmp_path):
    """The command with its long work left out; the proof can be changed."""
    proofs = {"icebreaker": PROOF, "ulx3s-25f": PROOF}

    class QuickBuild:
        def __init__(self, parameters, wanted, progress):
            self.parameters, self.tools, self.folder = parameters, "tools", tmp_path

        def synthesise(self):
            return self

    name = []
    monkeypatch.setattr(board_proof, "Build", QuickBuild)
    monkeypatch.setattr(
        board_proof.Job,
        "shell",
        lambda self: name.append(self.board.name),
    )
    monkeypatch.setattr(
        board_proof.Netlist, "read", classmethod(lambda cls, file: Netlist("digest", {}, ()))
    )
    monkeypatch.setattr(board_proof, "prove", lambda *_: proofs[name[-1]])
    return proofs


def test_the_command_proves_a_board_of_each_family(proven, capsys):
    assert main(["gates", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["boards"]
    assert [result["board"] for result in results] == ["icebreaker", "ulx3s-25f"]
    assert {result["mismatches"] for result in results} == {0}
    assert results[0]["simulated_images_per_second"] == 5 * BOARD.machine_frequency / 500
    assert main(["gates", "ice40", "icebreaker"]) == 0
    assert capsys.readouterr().out.count("icebreaker") == 1


def test_a_logit_that_differs_fails_the_command(proven, capsys):
    proven["icebreaker"] = PROOF | {"mismatches": 3}
    assert main(["gates", "ice40"]) == 1
    assert "3 of 50 logits of the netlist digest of icebreaker differ" in (capsys.readouterr().err)


def test_a_netlist_that_says_nothing_is_one_line(monkeypatch, tmp_path):
    from allspin.host.run import simulate as proofs

    program = tmp_path / "silent"
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    program.chmod(0o755)
    monkeypatch.setattr(proofs, "SLOWEST", 1e9)
    monkeypatch.setattr("allspin.host.virtual.board.UART_TIMEOUT", 0.1)
    monkeypatch.setattr("allspin.host.virtual.board.CLOSING", 0.1)
    with pytest.raises(UserError, match=r"nothing that speaks .* on the netlist; "):
        proofs.open_netlist(program, 8.0)
