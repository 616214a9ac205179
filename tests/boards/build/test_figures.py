"""Shortfalls in words, and the figures that JSON has."""

import dataclasses

import pytest

from allspin.boards.build.figures import Figures, Use
from allspin.boards.build.flow import Netlist, Routed


@pytest.fixture
def figures(tmp_path):
    """A build that is well: ``figures(**changes)``."""
    bitstream = tmp_path / "top.bin"
    bitstream.write_bytes(b"abc")
    (tmp_path / "top.json").write_text("{}")

    def make(fits=True, fmax=30e6, seeds=1, **changes):
        routed = Routed(tmp_path, 1, bitstream if fits else None, fmax if fits else None, {}, 20.0)
        good = Figures(
            board="mine",
            part="iCE40UP5K",
            profile="ideal",
            lanes=16,
            rows_per_clock=1,
            frequency=fmax if fits else 0.0,
            need=24e6,
            luts=Use(3000, 5280),
            flip_flops=Use(1000, 5280),
            memories=Use(14, 34),
            multipliers=Use(2, 8),
            cells=Use(3500, 5280),
            blocks={"ICESTORM_RAM": Use(10, 30), "ICESTORM_SPRAM": Use(4, 4)},
            seeds=(routed,) * seeds,
            best=routed,
            netlist=Netlist(tmp_path, "name", {}, 10.0),
            tools={"yosys": "0.52 (native)"},
        )
        return dataclasses.replace(good, **changes)

    return make


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"fmax": 24e6}, None),
        (
            {"fmax": 21e6},
            "mine misses its timing: 21.0 MHz of the 24 needed, 12.5% short; "
            "take fewer lanes (--lanes 8) or a slower clock (--frequency 21), "
            "or try more seeds (--seeds 3)",
        ),
        (
            {"fmax": 21e6, "seeds": 3},
            "mine misses its timing: 21.0 MHz of the 24 needed, 12.5% short; "
            "take fewer lanes (--lanes 8) or a slower clock (--frequency 21)",
        ),
        (
            {"fits": False, "cells": Use(6336, 5280)},
            "mine does not fit: 6,336 of 5,280 logic cells, 20% too many; "
            "take fewer lanes (--lanes 12)",
        ),
        (
            {"fits": False, "blocks": {"DP16KD": Use(112, 56)}, "rows_per_clock": 2},
            "mine does not fit: 112 of 56 DP16KD, 100% too many; "
            "take fewer rows per clock (--rows-per-clock 1)",
        ),
        (
            {"fits": False, "blocks": {"DP16KD": Use(112, 56)}},
            "mine does not fit: 112 of 56 DP16KD, 100% too many; "
            "take fewer lanes (--lanes 8) or a smaller network",
        ),
        (
            {"fits": False, "cells": Use(5270, 5280), "blocks": {}},
            "mine does not fit: 5,270 of 5,280 logic cells, too many to place; "
            "take fewer lanes (--lanes 14)",
        ),
    ],
)
def test_what_is_wrong_and_what_to_change_is_one_line(figures, changes, line):
    assert figures(**changes).shortfall == line


def test_json_has_what_scripts_rely_on(figures):
    found = figures().to_dict()
    assert found["fmax_mhz"] == 30
    assert found["need_mhz"] == 24
    assert (found["luts"], found["luts_share"]) == (3000, 0.5682)
    assert found["memories"] == 14
    assert found["seconds"] == 30.0
    assert found["tools"] == {"yosys": "0.52 (native)"}
    # SHA-256 of "abc" (FIPS 180-2, example B.1).
    assert found["bitstream_sha256"].startswith("ba7816bf8f01cfea")
    lost = figures(fits=False, cells=Use(6336, 5280)).to_dict()
    assert lost["fmax_mhz"] is None
    assert lost["bitstream"] is None
    assert not lost["meets_timing"]
