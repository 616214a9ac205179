"""Pictures of sweeps: every kind of grid, and the data behind boxes and lines."""

import itertools
import os
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from allspin.host.sweep.job import Row
from allspin.host.sweep.pictures import (
    accuracy_by_factor,
    draw_sweep,
    layout,
    worst_and_best,
    yield_curve,
    yields_by_factor,
)
from allspin.host.sweep.plan import make_plan
from allspin.host.sweep.sweeping import run_sweep

pytestmark = pytest.mark.long


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


def test_each_box_and_each_line_is_one_point_of_the_grid(small, tmp_path):
    grid = small.grid(c2c=[0, 1, 2], d2d=[0, 1], program=["open-loop", "write-verify"], chips=3)
    sweep = run_sweep(make_plan(grid), tmp_path / "t.csv")
    factors = sweep.plan.grid.varied()
    points = {}
    for row in sweep.rows:
        points.setdefault(row.point, []).append(row.accuracy)
    figure = accuracy_by_factor(sweep.rows, factors)
    assert len(figure.axes) == 2
    assert figure.get_suptitle().startswith("Accuracy of 3 chips a point, 120 test images each")
    named = figure.legends[0].get_texts()
    assert [text.get_text() for text in named] == ["open-loop", "write-verify"]
    drawn = [np.asarray(line.get_ydata()) for axes in figure.axes for line in axes.lines]
    dots = [values.tolist() for values in drawn if values.size == 3]
    assert sorted(dots) == sorted(points.values())
    # A line's marks are at chips, and the axes' edge cuts no mark off.
    lines = [line for axes in yields_by_factor(sweep.rows, factors).axes for line in axes.lines]
    assert len(lines) == len(points)
    for line in lines:
        chips = np.asarray(line.get_xdata())[cast(list[int], line.get_markevery())].tolist()
        assert sorted(chips) in [sorted(values) for values in points.values()]
        assert not line.get_clip_on()


def test_factors_of_too_many_panels_are_pooled():
    values = {"c2c": range(5), "d2d": range(4), "age": range(4), "program": ("a", "b")}
    rows = [
        SimpleNamespace(
            point=SimpleNamespace(**dict(zip(values, point, strict=True))), accuracy=0.5
        )
        for point in itertools.product(*values.values())
    ]
    panels, pooled = layout(cast(list[Row], rows), list(values))
    assert pooled
    assert [panel.across for panel in panels] == list(values)
    assert all(panel.rows == rows for panel in panels)


def test_the_worst_chip_stands_beside_the_best_of_its_point(small, tmp_path):
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
