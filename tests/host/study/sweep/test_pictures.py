"""Pictures of sweeps: what they are of, and that every kind of grid can be drawn."""

import os

import numpy as np
import pytest

from allspin.host.study.sweep.pictures import draw_sweep, shares_by_value, value_name, yield_curve
from allspin.host.study.sweep.runner import make_plan, run_sweep


def test_the_yield_is_counted_by_hand():
    accuracies, yields = yield_curve(np.array([0.9, 0.7, 0.8, 0.8]))
    assert accuracies.tolist() == [0.7, 0.8, 0.8, 0.9]
    assert yields.tolist() == [1.0, 0.75, 0.75, 0.25]


def test_values_are_told_apart_and_named(small, tmp_path):
    plan = make_plan(small.grid(c2c=[0, 0.5], calibrate=[False, True], chips=3))
    sweep = run_sweep(plan, tmp_path / "t.csv")
    shares = shares_by_value(sweep.rows, "c2c")
    assert list(shares) == [0.0, 0.5]
    first = [row.outcome.accuracy for row in sweep.rows if row.point.c2c == 0]
    assert shares[0.0].tolist() == first
    names = [value_name(value) for value in (True, 0.5, None, 8, "some/net.safetensors")]
    assert names == ["yes", "0.5", "other schemes", "8", "net"]
    assert value_name("current=8.5mA,temperature=300K") == "current=8.5mA,temperature=300K"


@pytest.mark.parametrize(
    "entries",
    [
        {"chips": 1},
        {"chips": 2, "c2c": [0], "d2d": [0], "neuron_d2d": [0], "neuron_c2c": [0]},
        {"chips": 45, "program": ["open-loop", "write-verify"], "tries": [1, 2, 3]},
    ],
    ids=["one chip", "chips that are equal", "many chips and three values"],
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
    assert not [each for each in recwarn if "Glyph" in str(each.message)]
    assert "\x1b" not in (tmp_path / "yield.svg").read_text()


def test_a_picture_is_the_same_each_time(small, tmp_path):
    sweep = run_sweep(make_plan(small.grid(chips=5)), tmp_path / "t.csv")
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        draw_sweep(sweep, tmp_path / name)
    for name in ("accuracy.svg", "yield.svg", "worst-and-best.svg"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
