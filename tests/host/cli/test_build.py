"""``allspin build``: its output, its exit status, and several boards at a time."""

import json

import pytest

from allspin.hdl.cache import VARIABLE
from allspin.host.bitstreams import builds as boards, jobs as jobs_module
from allspin.host.bitstreams.kept import latest_manifest
from allspin.sim.errors import UserError
from allspin.sim.network.random_network import random_network

MORE = {
    **{"ffs": 2000, "ffs_share": 0.3, "cells": 5000, "cells_share": 0.6, "multipliers": 0},
    **{"multipliers_share": 0.0, "blocks": {}, "baud": 3_000_000, "latency_cycles": 2000.0},
    **{"link_images_per_second": 2400},
}
"""Figures that only the table of a build shows."""


@pytest.fixture
def tools(board_record, tmp_path, monkeypatch):
    """Builds that take no time: ``tools[board]`` has changed figures, or the cause of a failure."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    bitstream = tmp_path / "top.bin"
    bitstream.write_bytes(b"bits")
    outcomes = {}

    def build_board(job, seeds, wanted, progress):
        progress("synthesising the machine", 0.0)
        outcome = outcomes.get(job.board.name, {})
        if isinstance(outcome, str):
            raise UserError(outcome)
        record = board_record(
            board=job.board.name,
            profile=job.profile_name,
            lanes=job.profile.lanes,
            rows_per_clock=job.profile.rows_per_clock,
            need_mhz=job.board.machine_frequency / 1e6,
            seeds=[{"seed": seed, "fmax_mhz": 31.25, "seconds": 1.0} for seed in seeds],
            bitstream=str(bitstream),
            **MORE,
        )
        return record | outcome, ()

    monkeypatch.setattr(boards, "build_board", build_board)
    return outcomes


def test_json_table_and_a_copy_of_the_bitstream(tools, tmp_path, cli):
    copy = tmp_path / "copy.bin"
    words = f"build icebreaker --seeds 3 --frequency 24 -o {copy}"
    found = cli.json(words)
    assert copy.read_bytes() == b"bits"
    assert (found["board"], found["need_mhz"], found["network"]) == ("icebreaker", 24, "mnist-10")
    assert [each["seed"] for each in found["seeds"]] == [1, 2, 3]
    assert latest_manifest("icebreaker") == found
    out, err = cli.run(words)
    assert "icebreaker: synthesising the machine" in err
    for words in ("clock\t31.25\tMHz", "LUTs\t4138\t", "worst of the seeds", "yosys"):
        assert words in out


def test_a_shortfall_is_one_line_and_status_1(tools, cli):
    tools["icebreaker"] = {"meets_timing": False, "shortfall": "icebreaker misses its timing"}
    out, err = cli.run("build icebreaker --json", 1)
    assert err.splitlines()[-1] == "allspin: icebreaker misses its timing"
    assert json.loads(out)["shortfall"] == "icebreaker misses its timing"


def test_all_boards_are_built_and_one_that_fails_stops_no_other(tools, cli):
    tools["ecpix-5"] = "ecppack failed: ERROR: no way"
    out, err = cli.run("build all --jobs 2 --json", 1)
    found = {one["board"]: one for one in json.loads(out)["boards"]}
    assert len(found) >= 15
    assert found["ecpix-5"]["error"] == "ecppack failed: ERROR: no way"
    assert found["ulx3s-85f"]["meets_timing"]
    assert "ecpix-5: failed: ecppack failed" in err
    assert "ulx3s-85f: 31.2 MHz, meets 110" in err
    assert "ecppack failed: ERROR: no way" in cli.refused("build ecpix-5")


def test_each_board_can_name_its_machine_and_options_change_it(tools, cli):
    words = "build ulx3s-85f:fast ulx3s-85f:chips icebreaker:chips --jobs 2 --lanes 20"
    out, err = cli.run(f"{words} --rows-per-clock 4 --json")
    boards = json.loads(out)["boards"]
    found = sorted((one["board"], one["profile"]) for one in boards)
    assert found == [("icebreaker", "chips"), ("ulx3s-85f", "chips"), ("ulx3s-85f", "fast")]
    assert {(one["lanes"], one["rows_per_clock"]) for one in boards} == {(20, 4)}
    for name in (" icebreaker: ", " ulx3s-85f:fast: "):
        assert name in err


def test_a_machine_for_maps_is_built_for_a_network_of_them(monkeypatch):
    named = []
    monkeypatch.setattr(jobs_module, "open_network", lambda name: named.append(name) or name)
    changes = boards.BuildChanges()
    jobs = boards.find_jobs(["ulx3s-85f", "ulx3s-85f:maps"], None, None, changes)
    assert [job.network_name for job in jobs] == ["mnist-10", "conv-small-10"] == named
    jobs = boards.find_jobs(["ulx3s-85f:maps"], "mine", None, changes)
    assert [job.network for job in jobs] == ["mine"]
    # A machine for any network is built for no network in particular.
    (job,) = boards.find_jobs(["icebreaker:general"], "mine", None, changes)
    assert (job.network_name, job.network.topology) == ("any network", (1024, 104, 16))


@pytest.mark.parametrize("network", ["conv-10", "mnist-100", random_network((784, 120, 10), 0)])
def test_no_machine_is_built_for_a_network_that_it_would_not_run(network):
    """A machine for any network has sizes of its own, so it can be made all the same."""
    (job,) = boards.find_jobs(["icebreaker:general"], network, None, boards.BuildChanges())
    if network == "mnist-100":
        assert job.shell().machine.link.engine.general
        return
    with pytest.raises(UserError, match=r"icebreaker:general was not built .*(kernels|up to 1024)"):
        job.shell()
