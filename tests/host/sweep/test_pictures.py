"""Pictures of sweeps: what they are of, and that every kind of grid can be drawn."""

import os

import numpy as np
import pytest

from allspin.host.sweep.pictures import (
    accuracy_by_factor,
    draw_sweep,
    worst_and_best,
    yield_curve,
)
from allspin.host.sweep.sweeping import make_plan, run_sweep


def test_the_yield_is_counted_by_hand():
    accuracies, yields = yield_curve(np.array([0.9, 0.7, 0.8, 0.8]))
    assert accuracies.tolist() == [0.7, 0.8, 0.8, 0.9]
    assert yields.tolist() == [1.0, 0.75, 0.75, 0.25]


@pytest.mark.parametrize(
    "entries",
    [
        {"chips": 1},
        {"chips": 2, "c2c": [0], "d2d": [0], "neuron_d2d": [0], "neuron_c2c": [0]},
        {"chips": 45, "program": ["open-loop", "write-verify"], "tries": [1, 2, 3]},
        {"chips": 2, "tile_rows": [16, 32], "adc_bits": 3, "adc_noise": [0, 0.5]},
    ],
    ids=["one chip", "chips that are equal", "many chips and three values", "tiles"],
)
def test_every_grid_is_drawn(small, tmp_path, entries):
    sweep = run_sweep(make_plan(small.grid(**entries)), tmp_path / "t.csv")
    files = draw_sweep(sweep, tmp_path)
    assert [path.name for path in files] == [
        f"{name}.{kind}"
        for name in ("accuracy", "yield", "worst-and-best")
        for kind in ("png", "svg")
    ]
    for path in files:
        assert path.read_bytes().startswith(b"\x89PNG" if path.suffix == ".png" else b"<?xml")


@pytest.mark.parametrize("name", [r"a$\frac{$", "a\x1b[31m", "\u7f51\u7edc", os.fsdecode(b"\xff")])
def test_a_network_may_have_any_name(small, tmp_path, recwarn, name):
    network = small.network.rename(tmp_path / f"{name}.safetensors")
    grid = small.grid(network=[str(network)], chips=2, images=20)
    draw_sweep(run_sweep(make_plan(grid), tmp_path / "t.csv"), tmp_path)
    assert run_sweep(make_plan(grid), tmp_path / "t.csv").resumed == 2
    assert not [each for each in recwarn if "Glyph" in str(each.message)]
    assert "\x1b" not in (tmp_path / "yield.svg").read_text()


def test_schemes_have_a_colour_each_in_the_panels_of_other_factors(small, tmp_path):
    grid = small.grid(c2c=[0, 1], program=["open-loop", "write-verify"], chips=3)
    sweep = run_sweep(make_plan(grid), tmp_path / "t.csv")
    factors = sweep.plan.grid.varied()
    c2c, _ = accuracy_by_factor(sweep.rows, factors).axes
    named = c2c.get_legend()
    assert named is not None
    assert [text.get_text() for text in named.get_texts()] == ["open-loop", "write-verify"]
    # The dots of a scheme are its chips alone.
    drawn = [np.asarray(line.get_ydata()) for line in c2c.lines]
    dots = [values.tolist() for values in drawn if values.size == 3]
    alone = [
        [row.accuracy for row in sweep.rows if (row.point.program, row.point.c2c) == which]
        for which in (("open-loop", 0), ("open-loop", 1), ("write-verify", 0), ("write-verify", 1))
    ]
    assert dots == alone


def test_the_worst_chip_stands_beside_the_best_of_its_setting(small, tmp_path):
    sweep = run_sweep(make_plan(small.grid(c2c=[0, 2], chips=3)), tmp_path / "t.csv")
    figure = worst_and_best(sweep, sweep.plan.grid.varied())
    titles = [axes.get_title("left") for axes in figure.axes]
    worst = min(sweep.rows, key=lambda row: row.accuracy)
    best = max(
        (row for row in sweep.rows if row.point == worst.point),
        key=lambda row: row.accuracy,
    )
    assert f"Worst: chip {worst.chip} ({worst.accuracy:.2%})" in titles
    assert f"Best: chip {best.chip} ({best.accuracy:.2%})" in titles
    assert figure.get_suptitle() == f"Worst and best of 3 chips: c2c {worst.point.c2c:g}"
