"""Sweeps against the library, on every machine, ended and resumed."""

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allspin.host.chips.accuracy import Lot, accuracy_over_chips
from allspin.host.chips.columns import only
from allspin.host.data.catalogue import device_path, open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.learn.learning import learn as learn_alone
from allspin.host.learn.parameters import LearnParameters, LearnRule
from allspin.host.learn.result import Learnt
from allspin.host.sweep.grid import make_grid
from allspin.host.sweep.job import Job, make_chip
from allspin.host.sweep.measuring import measure
from allspin.host.sweep.plan import make_plan
from allspin.host.sweep.sweeping import run_sweep, sweep
from allspin.host.train.target import TrainingTarget
from allspin.sim.device.device_file import save_device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.tiling import Tiles, tiles_of, with_steps
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse

GRIDS = {"c2c": [0, 1], "program": ["open-loop", "write-verify"], "calibrate": [False, True]}


def test_chips_learn_as_they_do_alone(small, idx_folder, tmp_path):
    data = idx_folder("more", shape=(8, 8), classes=4, train=320, test=80)
    learn = {"rate": 0.1, "epochs": 2, "update": "sign", "threshold": 1e-3}
    entries = {"learn": learn, "network": "9", "data": str(data), "states": [16, 40]}
    grid = make_grid(entries | {"nonlinearity": [0, 2], "chips": 2, "first": 3, "c2c": 0.5})
    found = sweep(make_plan(grid), tmp_path / "learn.csv", workers=1)
    assert [row.point.states for row in found.rows] == 2 * [16, 16, 40, 40]
    row, device = found.rows[-1], open_device("paper")
    assert isinstance(device.synapse, SotSynapse)
    a, b = 22 * 39 / 100 / 2, 9 * 39 / 100 / 2
    synapse = dataclasses.replace(
        device.synapse.varied(0.5, 1),
        states=40,
        potentiation=PulseResponse(a, 39),
        depression=PulseResponse(b, 39),
    )
    made = dataclasses.replace(device, synapse=synapse)
    rule = LearnRule(update="sign", threshold=1e-3)
    learning = LearnParameters(
        hidden=(9,), seed=4, rate=0.1, epochs=2, target=TrainingTarget(made), rule=rule
    )
    alone = learn_alone(data, learning)
    assert isinstance(alone, Learnt)
    assert (row.chip, row.accuracy) == (4, alone.array_accuracy)
    assert row.pulses_per_cell == alone.facts["pulses_per_device"]
    again = sweep(make_plan(grid), tmp_path / "learn.csv", workers=1)
    assert again.resumed == 8
    assert again.rows == found.rows


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"network": "mnist-10"}, "^with `learn` a network is hidden widths such as 100, not mni"),
        ({"program": "write-verify"}, "^`program` is for chips that are programmed, not for"),
        ({"on": "virtual"}, "^`learn` must be true or options of train, and `on` be golden"),
        ({"learn": {"speed": 1}}, "^learn: an option must be one of .*speed"),
        ({"learn": {"rate": 5}}, "^learn: `rate` must be a number from 1e-06 to 1"),
    ],
)
def test_a_grid_that_cannot_learn_is_refused_in_one_line(small, entries, message, tmp_path):
    given = {"learn": True, "data": str(small.data), "chips": 1}
    with pytest.raises(UserError, match=message):
        sweep(make_plan(make_grid(given | entries)), tmp_path / "none.csv", workers=1)


def test_a_chip_has_the_accuracy_of_the_library():
    """The reference is `accuracy_over_chips`, whose device lacks the variation with factor 0."""
    grid = make_grid(
        {
            "network": "mnist-10",
            "c2c": [0, 1],
            "d2d": [0],
            "neuron_d2d": [0, 1],
            "neuron_c2c": [0],
            "program": "write-verify",
            "tries": 3,
            "calibrate": ["no", "yes"],
            "images": 300,
            "chips": 2,
            "first": 5,
        }
    )
    plan = make_plan(grid)
    images, labels = load_test_set(None)
    assert len(plan.points) == 8
    for point in plan.points:
        kept = ["c2c"] * bool(point.c2c) + ["gain", "threshold"] * bool(point.neuron_d2d)
        expected = accuracy_over_chips(
            open_network("mnist-10"),
            Lot(
                only(open_device("paper"), kept),
                grid.seeds,
                Programming("write-verify", tries=3),
                point.calibrate,
            ),
            (images[:300], labels[:300]),
        )
        found = [measure(plan.job(point, chip)) for chip in grid.seeds]
        assert [outcome.accuracy for outcome in found] == expected.tolist()


def test_an_array_without_words_is_refused_on_gateware(small, tmp_path):
    array = HallArray("series", hall_resistance=1.0, longitudinal=300.0, arms=300.0)
    save_device(dataclasses.replace(open_device("paper"), array=array), tmp_path / "series.toml")
    plan = make_plan(small.grid(device=str(tmp_path / "series.toml"), chips=1, on="virtual"))
    with pytest.raises(UserError, match="run it on golden"):
        run_sweep(plan, tmp_path / "virtual.csv")


VARIED = """
[synapse.at]
axes = { current = "log" }
default = { current = 8e-3 }
[[synapse.at.measured]]
current = 8e-3
potentiation.A = 22.0
depression.A = 9.0
[[synapse.at.measured]]
current = 11e-3
potentiation.A = 5.0
depression.A = 3.0
[imperfections.retention]
barrier = 1.0
within = 0.1
"""


def varied_device(folder):
    """Write the paper's device with other curves at another current, and retention."""
    text = Path(device_path("paper")).read_text("utf-8")
    for fixed in ("A = 22.0", "A = 9.0", "potentiation_current", "depression_current"):
        text = text.replace(fixed, f"# {fixed}")
    path = folder / "varied.toml"
    path.write_text(text + VARIED)
    return path


def test_a_sweep_that_cannot_begin_leaves_no_table(small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    before = sorted(tmp_path.iterdir())
    plan = make_plan(small.grid(chips=1))
    with pytest.raises(UserError, match="cluster"):
        run_sweep(plan, tmp_path / "t.csv", scheduler="tcp:1")
    assert sorted(tmp_path.iterdir()) == before


def test_points_ages_and_temperatures_are_swept(small, tmp_path):
    """The reference of each point is a device made by hand."""
    factors = {"at": ["current=8mA", "current=11mA"], "temperature": [300, 340], "stuck": [0, 0.2]}
    grid = small.grid(device=str(varied_device(tmp_path)), age=[1e6], chips=2, **factors)
    plan = make_plan(grid)
    found = run_sweep(plan, tmp_path / "t.csv")
    test_set, paper = load_test_set(small.data), open_device("paper")
    for point in plan.points:
        synapse: Any = paper.synapse
        if point.at == "current=11mA":
            up, down = PulseResponse(5.0, 100), PulseResponse(3.0, 100)
            synapse = dataclasses.replace(synapse, potentiation=up, depression=down)
        figures: Any = {"stuck": point.stuck, "age": point.age}
        temperature: Any = point.temperature
        retention = Retention(1.0, within=0.1, temperature=temperature)
        wrong = Imperfections(**figures, retention=retention)
        made_of = dataclasses.replace(paper, synapse=synapse, imperfections=wrong)
        lot = Lot(made_of, grid.seeds, Programming())
        expected = accuracy_over_chips(open_network(small.network), lot, test_set)
        assert found.accuracies(point).tolist() == expected.tolist()
    # Each factor matters; otherwise the comparison would be weak.
    for factor, values in factors.items():
        first, second = (
            [r.correct for r in found.rows if getattr(r.point, factor) == value] for value in values
        )
        assert first != second


def test_a_resumed_table_is_checked_by_each_scheme_s_cost(small, tmp_path):
    schemes = ["open-loop", "pulse-width", "write-verify", "incremental"]
    plan = make_plan(small.grid(program=schemes, d2d=[0, 1], chips=2, images=20))
    path = tmp_path / "t.csv"
    row = run_sweep(plan, path).rows[0]
    assert run_sweep(plan, path).resumed == 16
    cells = sum(layer.states.size for layer in open_network(str(small.network)).layers)
    # One pulse more is possible for write-verify, and impossible in open loop.
    pulses = row.pulses_per_cell
    other = (round(pulses * cells) + 1) / cells
    path.write_text(path.read_text().replace(f",{pulses!r},", f",{other!r},", 1))
    with pytest.raises(UserError, match="line 2 is not of this sweep: pulses_per_cell of open"):
        run_sweep(plan, path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"device": "varied", "at": ["current=12mA"]}, "current 12mA is outside .* 8mA to 11mA"),
        ({"age": 1e5}, "paper does not age"),
        ({"d2d": [1, 50]}, r"D2D of potentiation must be a number from 0 to 1, not 6\.5"),
        ({"images": 121}, "`images` must be from 1 to 120, not 121"),
        ({"network": "mnist-10"}, "the network takes images of 28 x 28"),
    ],
)
def test_an_impossible_point_is_refused_before_anything_is_measured(
    small, tmp_path, entries, message
):
    if "device" in entries:
        entries = entries | {"device": str(varied_device(tmp_path))}
    with pytest.raises(UserError, match=message):
        make_plan(small.grid(**entries))


@pytest.mark.long
def test_virtual_gives_the_table_of_golden(small, tmp_path):
    tables = []
    for on in ("golden", "virtual"):
        grid = small.grid(on=on, neuron_c2c=5, program=["open-loop", "write-verify"], chips=3)
        tables.append(tmp_path / f"{on}.csv")
        run_sweep(make_plan(grid), tables[-1])
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_a_mapping_is_swept_shown_and_summarised(small, tmp_path, seen):
    entries = {"network": str(small.network), "data": str(small.data), "c2c": [0, 3], "chips": 3}
    path = tmp_path / "t.csv"
    found = sweep(entries, path, workers=1, progress=seen)
    assert seen.lines == ["sweeping 3 chips at 2 points", f"6 rows in {path}"]
    assert seen.done == [(done, 6) for done in range(1, 7)]
    assert found.faults() == {"resent": 0, "damaged": 0}
    # A hundred images of an untrained network leave the means uncertain.
    first, second = (found.summary(point) for point in found.plan.points)
    lines = [line for line in found.notes() if "the mean is not known to 0.5 points" in line]
    assert [line.split(":")[0] for line in lines] == ["c2c 0.0", "c2c 3.0"]
    assert f"about {second['chips_needed']:,} chips" in lines[1]
    rows = {row.chip: row for row in found.rows if row.point == found.plan.points[0]}
    assert rows[first["worst_chip"]].accuracy == first["worst"]
    assert first["pulses_per_cell"] == pytest.approx(
        np.mean([row.pulses_per_cell for row in rows.values()])
    )
    assert sweep(entries, path, progress=seen).resumed == 6
    assert seen.lines[-1] == f"6 rows in {path}, 6 of them there already"


CUT = {"tile_rows": 16, "adc_bits": 3, "chips": 1, "images": 20}


def test_a_table_takes_no_rows_of_networks_that_other_images_cut(small, idx_folder, tmp_path):
    path = tmp_path / "tiles.csv"
    run_sweep(make_plan(small.grid(**CUT)), path)
    assert run_sweep(make_plan(small.grid(**CUT)), path).resumed == 1
    others = idx_folder("others", shape=(8, 8), classes=4, train=8, test=120, seed=1)
    for file in others.glob("train*"):
        file.replace(small.data / file.name)
    with pytest.raises(UserError, match="is of another sweep: its calibration images are others"):
        run_sweep(make_plan(small.grid(**CUT)), path)


def test_a_worker_with_other_training_images_is_refused(small):
    plan = make_plan(small.grid(**CUT))
    told = plan.job(plan.points[0], 0)
    elsewhere = dataclasses.replace(plan.material, calibration="0" * 64)
    with pytest.raises(UserError, match="the data set is another file for this worker"):
        make_chip(Job(told.point, 0, told.images, told.on, elsewhere))


@pytest.mark.parametrize("tiled", [False, True])
def test_training_images_do_not_matter_unless_a_network_is_cut(small, tmp_path, tiled):
    """Training images may be missing without tiles, and if the file has the tiles already."""
    if tiled:
        own = with_steps(load_network(small.network), Tiles(16, 3), (2, 2))
        save_network(own, small.network)
    factors = CUT if tiled else {"chips": 1, "images": 20}
    run_sweep(make_plan(small.grid(**factors)), tmp_path / "t.csv")
    for left in small.data.glob("train*"):
        left.unlink()
    plan = make_plan(small.grid(**factors))
    assert (run_sweep(plan, tmp_path / "t.csv").resumed, plan.material.calibration) == (1, None)
    made = make_chip(plan.job(plan.points[0], 1))
    assert tiles_of(made.network) == [Tiles(16, 3) if tiled else None] * 2
