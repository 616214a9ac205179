"""A board's proof from Python: which netlist is read, what is asked of it, and what is shown."""

from types import SimpleNamespace

import numpy as np
import pytest

from allspin.boards.catalogue import find_board
from allspin.boards.gates.netlist import Netlist
from allspin.host.bitstreams.build import BuildChanges, make_job
from allspin.host.run import simulate as board_proof
from allspin.host.run.simulate import Stage, find_provable, prove_board
from allspin.sim.errors import UserError
from allspin.sim.network.random_networks import random_network

PROOF = {
    "images": 5,
    "logits_compared": 50,
    "mismatches": 2,
    "resent": 1,
    "cells": {"SB_LUT4": 7},
    "clocks_programming": 1000,
    "clocks_streaming": 500,
    "seconds_compiling": 1.0,
    "seconds_programming": 2.0,
    "seconds_streaming": 3.0,
}
IMAGES = np.zeros((5, 1, 4), np.uint8)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """What the long work was asked for: it is left out."""
    asked = {}

    class QuickBuild:
        tools = "some tools"

        def __init__(self, parameters, wanted, progress):
            asked["lanes"] = parameters.machine.link.engine.crossbars[0].lanes
            asked["tools"] = wanted
            self.progress = progress

        def synthesise(self):
            self.progress("synthesising", 3.0)
            return SimpleNamespace(folder=tmp_path / "synthesised")

        def route(self, netlist, seed):
            asked["seed"] = seed
            return SimpleNamespace(folder=tmp_path / "routed", bitstream=asked.get("fits"))

    def read(file):
        asked["file"] = file.relative_to(tmp_path).as_posix()
        return Netlist("the digest", {}, ())

    def prove(netlist, pins, bit_clocks, network, images, progress):
        asked["bit_clocks"], asked["images"] = bit_clocks, len(images)
        return PROOF

    monkeypatch.setattr(board_proof, "Build", QuickBuild)
    monkeypatch.setattr(board_proof.Netlist, "read", read)
    monkeypatch.setattr(board_proof, "prove", prove)
    return asked


def job(lanes=1):
    board = find_board("icebreaker")
    return make_job(board, None, "net", random_network((4, 2), 1), BuildChanges(lanes=lanes))


def test_the_routed_netlist_has_a_seed_and_must_fit(asked):
    asked["fits"] = "top.bin"
    proof = prove_board(job(), IMAGES, Stage(routed=True, seed=7))
    assert (asked["file"], asked["seed"], proof["stage"]) == ("routed/routed.json", 7, "routed")
    del asked["fits"]
    with pytest.raises(UserError, match="icebreaker has no room for this machine"):
        prove_board(job(), IMAGES, Stage(routed=True))


def test_a_family_stands_for_its_board_and_each_is_taken_once():
    names = [board.name for board in find_provable(["ecp5", "ulx3s-25f", "icebreaker"], Stage())]
    assert names == ["ulx3s-25f", "icebreaker"]
    assert [board.name for board in find_provable([], Stage())] == ["icebreaker", "ulx3s-25f"]
    with pytest.raises(UserError, match="no models of the cells of tang-nano-9k"):
        find_provable(["tang-nano-9k"], Stage())
