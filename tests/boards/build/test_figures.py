"""Shortfalls in words, and the figures that JSON has."""

from types import SimpleNamespace
from typing import Any

import pytest

from allspin.boards.build.families import ECP5, ICE40
from allspin.boards.build.figures import figures
from allspin.boards.build.flow import Routed, SynthesisedBoard, reached


@pytest.fixture
def found(tmp_path):
    """Figures of a build that is well: ``found(fits, fmax, seeds, rows, **resources)``."""
    bitstream = tmp_path / "top.bin"
    bitstream.write_bytes(b"abc")
    (tmp_path / "top.json").write_text("{}")
    usual = {"ICESTORM_LC": (3500, 5280), "ICESTORM_RAM": (10, 30), "ICESTORM_SPRAM": (4, 4)}

    def make(fits=True, fmax=30e6, seeds=1, rows=1, family=ICE40, **resources):
        crossbar = SimpleNamespace(lanes=16, rows_per_clock=rows)
        engine = SimpleNamespace(crossbars=[crossbar])
        board = SimpleNamespace(name="mine", part="iCE40UP5K", machine_frequency=24_000_000)
        build = SimpleNamespace(
            family=family,
            parameters=SimpleNamespace(
                board=board, machine=SimpleNamespace(link=SimpleNamespace(engine=engine))
            ),
            tools=[SimpleNamespace(name="yosys", version="0.52", source="native")],
        )
        made, reached = (bitstream, fmax) if fits else (None, None)
        routed = Routed(tmp_path, 1, made, reached, resources or usual, 20.0)
        netlist = SynthesisedBoard(tmp_path, "name", {"SB_LUT4": 3000, "SB_DFFE": 1000}, 10.0)
        return figures(build, "ideal", netlist, [routed] * seeds)  # pyright: ignore[reportArgumentType]

    return make


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"fmax": 21e6}, ("21.0 MHz of the 24", "--lanes 8", "--frequency 21", "--seeds 3")),
        ({"fits": False, "ICESTORM_LC": (6336, 5280)}, ("6,336 of 5,280", "20%", "--lanes 12")),
        (
            {"fits": False, "family": ECP5, "DP16KD": (112, 56), "rows": 2},
            ("112 of 56", "100%", "--rows-per-clock 1"),
        ),
        (
            {"fits": False, "family": ECP5, "DP16KD": (112, 56)},
            ("112 of 56", "--lanes 8", "smaller network"),
        ),
        ({"fits": False, "ICESTORM_LC": (5270, 5280)}, ("too many to place", "--lanes 14")),
    ],
)
def test_a_shortfall_is_one_line_with_its_number_and_options_that_help(found, changes, parts):
    line = found(**changes)["shortfall"]
    assert "\n" not in line
    assert all(part in line for part in parts), line


def test_seeds_are_advised_only_before_they_are_tried_and_a_good_build_has_no_shortfall(found):
    assert found(fmax=24e6)["shortfall"] is None
    assert "--seeds" not in found(fmax=21e6, seeds=3)["shortfall"]


def test_json_has_the_figures_that_scripts_rely_on(found):
    good = found()
    assert good["fmax_mhz"] == 30
    assert good["need_mhz"] == 24
    assert (good["luts"], good["luts_share"]) == (3000, 0.5682)
    assert (good["memories"], good["ffs"]) == (14, 1000)
    assert good["seconds"] == 30.0
    assert good["tools"] == {"yosys": "0.52 (native)"}
    # SHA-256 of "abc" (FIPS 180-2, example B.1).
    assert good["bitstream_sha256"].startswith("ba7816bf8f01cfea")
    lost = found(fits=False, ICESTORM_LC=(6336, 5280))
    assert lost["fmax_mhz"] is None
    assert lost["bitstream"] is None
    assert not lost["meets_timing"]


def test_each_clock_and_each_way_between_two_counts_as_if_it_were_the_machine_s() -> None:
    def report(usb: float, way: float) -> dict[str, Any]:
        fmax = {
            "machine": {"achieved": 120.0, "constraint": 100.0},
            "usb": {"achieved": usb, "constraint": 48.0},
        }
        ways = [("usb", "machine", way), ("<async>", "usb", 90.0), ("usb", "usb", 90.0)]
        paths = [
            {"from": start, "to": end, "path": [{"delay": 0.5}, {"delay": delay - 0.5}]}
            for start, end, delay in ways
        ]
        return {"fmax": fmax, "critical_paths": paths}

    assert reached(report(70.0, 2.0), 100.0) == 120.0
    # 45 MHz of 48 are as much too little as 93.75 of 100.
    assert reached(report(45.0, 2.0), 100.0) == 93.75
    # Bits of a count that arrive further apart than a clock are no count.
    assert reached(report(70.0, 12.5), 100.0) == 80.0
    assert reached({"fmax": {"one": {"achieved": 31.0}}}, 30.0) == 31.0
