"""The three figures, by hand."""

import pytest

from allspin.host.bitstreams.engine_rates import link_rate
from allspin.host.data.catalogue import open_network
from tests.bench.bench import (
    EngineFigure,
    engine_figures,
    resident_figures,
    resident_rate,
)

NETWORK = open_network("mnist-10")

BUILD = {
    "board": "ulx3s-85f",
    "part": "LFE5U-85F",
    "profile": "ideal",
    "lanes": 100,
    "rows_per_clock": 2,
    "fits": True,
    "fmax_mhz": 170.0,
    "worst_fmax_mhz": 154.0,
    "cycles_per_image": 77.0,
    "gateware": None,
    "seeds": [{"seed": 1}, {"seed": 2}, {"seed": 3}],
}


def test_engine_is_the_worst_clock_over_clocks_an_image():
    others = [{**BUILD, "fits": False}, {**BUILD, "cycles_per_image": None}]
    (figure,) = engine_figures([BUILD, *others], NETWORK)
    assert figure.images_per_second == pytest.approx(2_000_000)
    assert (figure.seeds, figure.target, figure.older) == (3, 1_500_000, True)
    assert figure.to_dict()["images_per_second"] == figure.images_per_second


@pytest.mark.parametrize(
    ("part", "profile", "target"),
    [
        ("LFE5U-25F", "chips", 700_000),
        ("iCE40UP5K", "ideal", 20_000),
        ("iCE40UP5K", "chips", 12_000),
        ("GW1NR-9", "ideal", None),
    ],
)
def test_targets_are_by_part_and_profile(part, profile, target):
    assert EngineFigure("b", part, profile, 8, 1, 30.0, 1905.3, 3, False).target == target


def test_a_resident_sweep_pays_for_each_chips_redraw():
    # 1,000 images of 77 clocks, and 79,400 cells: 156,400 clocks a chip.
    assert resident_rate(156.4e6, 77.0, 1000, 79_400) == pytest.approx(1e6)
    assert resident_figures([BUILD], NETWORK) == []
    (figure,) = resident_figures([{**BUILD, "resident_images": 1100}], NETWORK)
    assert (figure.images, figure.redraw_clocks) == (1100, 79_400)
    expected = 154e6 * 1100 / (1100 * figure.cycles + 79_400)
    assert figure.to_dict()["images_per_second"] == pytest.approx(expected)


def test_a_uart_carries_a_byte_in_ten_bits():
    assert link_rate(1_000_000, 125.0) == 800
