"""The three figures, by hand."""

import pytest

from allspin.host.bitstreams.jobs import ANY
from allspin.host.bitstreams.throughput import link_rate
from allspin.host.data.catalogue import open_network
from tests.bench.board_figures import engine_figures, resident_figures, target

NETWORK = open_network("mnist-10")

BUILD = {
    "board": "ulx3s-85f",
    "part": "LFE5U-85F",
    "profile": "ideal",
    "lanes": 100,
    "rows_per_clock": 2,
    "fits": True,
    "fmax_mhz": 170.0,
    "worst_fmax_mhz": 170.0,
    "need_mhz": 154.0,
    "cycles_per_image": 77.0,
    "images_per_second": 2_000_000,
    "gateware": None,
    "seeds": [{"seed": 1}, {"seed": 2}, {"seed": 3}],
}


def test_engines_that_fit_and_were_counted_are_told():
    others = [{**BUILD, "fits": False}, {**BUILD, "cycles_per_image": None}]
    (figure,) = engine_figures([BUILD, *others], NETWORK)
    assert (figure["images_per_second"], figure["cycles"]) == (2_000_000, 77.0)
    assert (figure["seeds"], figure["target"], figure["older"]) == (3, 1_500_000, True)


def test_targets_are_by_part_and_profile():
    found = {
        ("LFE5U-25F", "chips"): 700_000,
        ("LFE5U-25F", "general"): None,
        ("LFE5UM5G-85F", "fast"): 5_500_000,
        ("iCE40UP5K", "ideal"): 20_000,
        ("iCE40UP5K", "chips"): 12_000,
        ("GW1NR-9", "ideal"): None,
    }
    assert {machine: target(*machine) for machine in found} == found


def test_a_resident_sweep_pays_for_each_chips_redraw():
    chips = {**BUILD, "profile": "chips", "network": "mnist-10"}
    assert resident_figures([chips]) == []
    # 1,000 images of 77 clocks, and 79,400 cells: 156,400 clocks a chip.
    build = {**chips, "resident_images": 1000, "need_mhz": 156.4}
    (figure,) = resident_figures([build])
    assert (figure["images"], figure["redraw_clocks"]) == (1000, 79_400)
    assert figure["images_per_second"] == pytest.approx(1e6)
    # A machine for any network draws all of its cells anew, and one without chips draws no cell.
    (figure,) = resident_figures([{**build, "profile": "general", "network": ANY}])
    assert figure["redraw_clocks"] == 1024 * 136 + 136 * 136 + 136 * 32
    assert resident_figures([{**build, "profile": "fast"}]) == []


def test_a_uart_carries_a_byte_in_ten_bits():
    assert link_rate(1_000_000, 125.0) == 800
