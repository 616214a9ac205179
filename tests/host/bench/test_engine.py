"""The three figures, by hand."""

import pytest

from host.bench.engine import (
    HAND_OVER,
    EngineFigure,
    engine_figures,
    link_rate,
    mean_cycles,
    resident_figures,
    resident_rate,
)
from host.catalogue import open_network
from host.datasets import load_test_set
from sim.errors import UserError

NETWORK = open_network("mnist-10")
IMAGES = load_test_set(None)[0]

BUILD = {
    "board": "ulx3s-85f",
    "part": "LFE5U-85F",
    "profile": "ideal",
    "lanes": 100,
    "rows_per_clock": 2,
    "fits": True,
    "fmax_mhz": 170.0,
    "worst_fmax_mhz": 154.0,
    "seeds": [{"seed": 1}, {"seed": 2}, {"seed": 3}],
}


@pytest.mark.parametrize(("rows", "cycles"), [(1, 150.1), (2, 77.0), (4, 40.9)])
def test_clocks_are_those_of_the_design_trials(rows, cycles):
    """Counted there with conflicts of banks and the hand-over, for 784-100-10 on MNIST."""
    assert mean_cycles(NETWORK, IMAGES, None, rows).expected == pytest.approx(cycles, abs=0.05)


def test_what_was_counted_takes_the_place_of_the_usual_hand_over():
    images = IMAGES[:50]
    counted = {(None, 1): 0.5, (8, 1): 3.0}
    for lanes, over in ((None, 0.5), (100, 0.5), (8, 3.0), (16, HAND_OVER)):
        cycles = mean_cycles(NETWORK, images, lanes, 1, counted)
        assert cycles.expected - cycles.bound == pytest.approx(over)


def test_engine_is_the_worst_clock_over_clocks_an_image():
    (figure,) = engine_figures([BUILD, {**BUILD, "fits": False}], NETWORK, IMAGES)
    assert figure.images_per_second == pytest.approx(154e6 / 77.0, rel=1e-3)
    assert (figure.seeds, figure.target) == (3, 1_500_000)
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
    assert EngineFigure("b", part, profile, 8, 1, 30.0, 1905.3, 3).target == target


def test_builds_that_are_no_builds_are_refused():
    with pytest.raises(UserError, match="not what `allspin build --json` prints: KeyError"):
        engine_figures([{"fits": True}], NETWORK, IMAGES[:10])


def test_a_resident_sweep_pays_for_each_chips_redraw():
    # 1,000 images of 77 clocks, and 79,400 cells: 156,400 clocks a chip.
    assert resident_rate(156.4e6, 77.0, 1000, 79_400) == pytest.approx(1e6)
    assert resident_figures([BUILD], NETWORK, IMAGES[:10]) == []
    (figure,) = resident_figures([{**BUILD, "resident_images": 1100}], NETWORK, IMAGES)
    assert (figure.images, figure.redraw_clocks) == (1100, 79_400)
    expected = 154e6 * 1100 / (1100 * figure.cycles + 79_400)
    assert figure.to_dict()["images_per_second"] == pytest.approx(expected)


def test_a_uart_carries_a_byte_in_ten_bits():
    assert link_rate(1_000_000, 125.0) == 800
