"""Sweeps of tiles: the images that choose the steps are as much part of a sweep as its networks."""

import dataclasses

import pytest

from allspin.host.sweep.job import Job, make_chip
from allspin.host.sweep.sweep import make_plan, run_sweep
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.tiling import Tiles, tiles_of, with_steps

CUT = {"tile_rows": 16, "adc_bits": 3, "chips": 1, "images": 20}


@pytest.fixture
def others(idx_folder):
    """Training images of another draw."""
    return idx_folder("others", shape=(8, 8), classes=4, train=8, test=120, seed=1)


def exchange(small, others):
    """Other training images, and the same test images."""
    for path in others.glob("train*"):
        path.replace(small.data / path.name)


def test_a_table_takes_no_rows_of_networks_that_other_images_cut(small, others, tmp_path):
    path = tmp_path / "tiles.csv"
    run_sweep(make_plan(small.grid(**CUT)), path)
    assert run_sweep(make_plan(small.grid(**CUT)), path).resumed == 1
    exchange(small, others)
    with pytest.raises(UserError, match="is of another sweep: the calibration images differ"):
        run_sweep(make_plan(small.grid(**CUT)), path)


def test_a_worker_that_has_other_training_images_says_so(small, others):
    plan = make_plan(small.grid(**CUT))
    told = plan.job(plan.points[0], 0)
    elsewhere = dataclasses.replace(plan.material, calibration="0" * 64)
    with pytest.raises(UserError, match="the data set is another file for this worker"):
        make_chip(Job(told.point, 0, told.images, told.on, elsewhere))


def test_where_nothing_is_cut_training_images_do_not_matter(small, others, tmp_path):
    """Nor need there be any: neither without tiles nor where the file has them already."""
    own = with_steps(load_network(small.network), Tiles(16, 3), (2, 2))
    save_network(own, small.network)
    for number, more in enumerate(({"chips": 1, "images": 20}, CUT)):
        path = tmp_path / f"{number}.csv"
        run_sweep(make_plan(small.grid(**more)), path)
        exchange(small, others)
        plan = make_plan(small.grid(**more))
        assert (run_sweep(plan, path).resumed, plan.material.calibration) == (1, None)
        for left in small.data.glob("train*"):
            left.unlink()
        made = make_chip(make_plan(small.grid(**more)).job(plan.points[0], 1))
        assert tiles_of(made.network) == [Tiles(16, 3)] * 2
