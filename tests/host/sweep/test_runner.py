"""Sweeps give the same numbers whoever measures, and go on wherever they were ended."""

import contextlib
import csv
import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from distributed import Client, LocalCluster

from allspin.host.chips.accuracy import Lot, accuracy_over_chips, only
from allspin.host.cli.main import main
from allspin.host.data.catalogue import device_path, open_device, open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.link.session import NO_PROGRESS
from allspin.host.machines.machine import GoldenMachine
from allspin.host.sweep import job, workers
from allspin.host.sweep.grid import make_grid
from allspin.host.sweep.job import close_machines, images_digest, measure
from allspin.host.sweep.sweep import make_plan, run_sweep
from allspin.host.sweep.workers import Cluster
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Imperfections
from allspin.sim.device.device_file import save_device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.synapse import SotSynapse

ROOT = Path(__file__).resolve().parents[3]
SOON = 60.0
"""Seconds that a process may take for what takes it a few."""

GRIDS = {"c2c": [0, 1], "program": ["open-loop", "write-verify"], "calibrate": [False, True]}


def chips_of(path):
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    own = rows[0].index("chip") + 1
    return [tuple(row[:own]) for row in rows[1:]]


def test_the_digest_of_a_test_set_copies_no_pixel():
    images, labels = np.ones((4 << 20, 1, 1), np.uint8), np.arange(3)
    tracemalloc.start()
    try:
        found = images_digest(images, labels)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1 << 20
    assert found == hashlib.sha256(b"(4194304, 1, 1)" + bytes(images) + bytes(labels)).hexdigest()


def test_a_chip_is_what_the_library_says():
    """Against `accuracy_over_chips`, with the variations that are off left out there."""
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


def test_processes_give_the_table_of_one(small, tmp_path):
    plan = make_plan(small.grid(**GRIDS, chips=4))
    told = []
    alone = run_sweep(plan, tmp_path / "1.csv", report=lambda *what: told.append(what))
    run_sweep(plan, tmp_path / "2.csv", workers=2)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert [done for done, _, _ in told] == list(range(1, 33))
    assert told[-1] == (32, 32, "32 of 32 chips")
    assert len(set(chips_of(tmp_path / "1.csv"))) == 32
    assert alone.accuracies(plan.points[0]).shape == (4,)
    # Chips differ, or the comparison would say little.
    assert len({row.outcome.correct for row in alone.rows}) > 5


def test_a_device_file_s_array_is_swept_and_refused_where_no_words_say_it(small, tmp_path):
    cross: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 300.0, "arms": 300.0}
    device = dataclasses.replace(open_device("paper"), array=HallArray("series", **cross))
    save_device(device, tmp_path / "series.toml")
    devices = ["paper", str(tmp_path / "series.toml")]
    found = run_sweep(make_plan(small.grid(device=devices, chips=2)), tmp_path / "golden.csv")
    correct = [row.outcome.correct for row in found.rows]
    assert correct[:2] != correct[2:]
    plan = make_plan(small.grid(device=devices[1:], chips=1, on="virtual"))
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
    """The paper's device, with other curves at another current, and with retention."""
    text = Path(device_path("paper")).read_text("utf-8")
    for fixed in ("A = 22.0", "A = 9.0", "potentiation_current", "depression_current"):
        text = text.replace(fixed, f"# {fixed}")
    path = folder / "varied.toml"
    path.write_text(text + VARIED)
    return path


def test_points_ages_and_temperatures_are_swept(small, tmp_path):
    """Each against a device that was made by hand."""
    device = varied_device(tmp_path)
    grid = small.grid(
        device=str(device),
        at=["current=8mA", "current=11mA"],
        temperature=[300, 340],
        age=[0, 1e6],
        stuck=[0, 0.2],
        chips=2,
    )
    plan = make_plan(grid)
    assert len(plan.points) == 16
    found = run_sweep(plan, tmp_path / "t.csv")
    images, labels = load_test_set(small.data)
    for point in plan.points:
        synapse = open_device("paper").synapse
        assert isinstance(synapse, SotSynapse)
        if point.at == "current=11mA":
            up, down = PulseResponse(5.0, 100), PulseResponse(3.0, 100)
            synapse = dataclasses.replace(synapse, potentiation=up, depression=down)
        figures: Any = {"stuck": point.stuck, "age": point.age}
        temperature: Any = point.temperature
        wrong = Imperfections(
            **figures, retention=Retention(1.0, within=0.1, temperature=temperature)
        )
        made_of = dataclasses.replace(open_device("paper"), synapse=synapse, imperfections=wrong)
        expected = accuracy_over_chips(
            open_network(small.network), Lot(made_of, grid.seeds, Programming()), (images, labels)
        )
        assert found.accuracies(point).tolist() == expected.tolist()
    # Each factor matters, or the comparison would say little.
    for factor in ("at", "temperature", "age", "stuck"):
        first, second = (
            [row.outcome.correct for row in found.rows if getattr(row.point, factor) == value]
            for value in dict.fromkeys(getattr(point, factor) for point in plan.points)
        )
        assert first != second
    # The same again from the table.
    assert run_sweep(plan, tmp_path / "t.csv").resumed == 32


def test_a_point_outside_what_was_measured_is_refused_before_anything_runs(small, tmp_path):
    device = varied_device(tmp_path)
    with pytest.raises(UserError, match=r"current 12mA is outside .* from 8mA to 11mA"):
        make_plan(small.grid(device=str(device), at=["current=8mA", "current=12mA"]))
    with pytest.raises(UserError, match="paper does not age"):
        make_plan(small.grid(age=1e5))


def test_virtual_gives_the_table_of_golden(small, tmp_path):
    tables = []
    for on in ("golden", "virtual"):
        grid = small.grid(on=on, neuron_c2c=5, program=["open-loop", "write-verify"], chips=3)
        tables.append(tmp_path / f"{on}.csv")
        run_sweep(make_plan(grid), tables[-1])
    assert tables[0].read_bytes() == tables[1].read_bytes()


@pytest.fixture(scope="module")
def cluster():
    """A scheduler and two workers, each a process."""
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(processes=True, silence_logs=50, **options) as running:
        yield running


def test_a_cluster_gives_the_table_of_one_and_a_lost_worker_costs_no_row(small, tmp_path, cluster):
    plan = make_plan(small.grid(**GRIDS, chips=8))
    run_sweep(plan, tmp_path / "1.csv")
    with Client(cluster, set_as_default=False) as client:
        pids = list(cast(dict[str, int], client.run(os.getpid)).values())
    assert len(pids) == 2
    assert os.getpid() not in pids

    def report(done, total, text):
        if done == 5:
            os.kill(pids[0], signal.SIGKILL)

    scheduler = Cluster(cluster.scheduler_address)
    run_sweep(plan, tmp_path / "2.csv", scheduler=scheduler, report=report)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_workers_complaint_reaches_the_user(small, tmp_path, cluster):
    plan = make_plan(small.grid(chips=2))
    small.network.write_bytes(small.network.read_bytes() + b"\n")
    scheduler = Cluster(cluster.scheduler_address)
    ways: list[dict[str, Any]] = [{}, {"workers": 2}, {"scheduler": scheduler}]
    for options in ways:
        with pytest.raises(UserError, match="another file for this worker than for the sweep"):
            run_sweep(plan, tmp_path / "t.csv", **options)


class Command:
    """``allspin sweep`` as a process of its own, with two workers."""

    def __init__(self, small, path):
        words = ["sweep", "--network", str(small.network), "--data", str(small.data)]
        words += ["--c2c", "0,0.5,1", "--chips", "70", "--jobs", "2", "-o", str(path), "--json"]
        self.words, self.path = words, path

    def start(self):
        return subprocess.Popen(
            [sys.executable, "-m", "allspin.host.cli.main", *self.words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def until(self, rows, process):
        deadline = time.monotonic() + SOON
        while not self.path.exists() or self.path.read_bytes().count(b"\n") <= rows:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.005)


def workers_of(pid):
    """Children that measure."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        # One that has ended meanwhile measures nothing.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "LokyProcess" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(int(child))
    return found


def gone(pid):
    """Whether a process has ended; one that nobody waited for has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_killed_in_mid_run_it_goes_on_and_no_row_is_lost_or_twice(small, tmp_path):
    command = Command(small, tmp_path / "killed.csv")
    process = command.start()
    command.until(20, process)
    children = workers_of(process.pid)
    assert len(children) == 2
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=SOON)
    kept = (tmp_path / "killed.csv").read_bytes()
    assert 20 <= kept.count(b"\n") - 1 < 210
    deadline = time.monotonic() + SOON
    while not all(map(gone, children)):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.05)
    # As if the machine had stopped within a row.
    (tmp_path / "killed.csv").write_bytes(kept[:-3])

    process = command.start()
    command.until(90, process)
    # A worker is lost: what it had in hand is measured again.
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=SOON)
    assert process.returncode == 0, err
    assert f'"resumed": {kept.count(bytes([10])) - 2},' in out
    plan = make_plan(small.grid(c2c=[0, 0.5, 1], chips=70))
    run_sweep(plan, tmp_path / "whole.csv")
    assert (tmp_path / "killed.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert len(set(chips_of(tmp_path / "killed.csv"))) == 210


def test_an_interrupt_ends_it_at_once_in_a_line(small, tmp_path):
    command = Command(small, tmp_path / "t.csv")
    process = command.start()
    command.until(10, process)
    children = workers_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=SOON)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[1:] == ["allspin: interrupted"]
    deadline = time.monotonic() + SOON
    while not all(map(gone, children)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "wait", [0.1, *(pytest.param(wait, marks=pytest.mark.long) for wait in (0.0, 0.3))]
)
def test_an_interrupt_while_workers_start_is_a_line_too(small, tmp_path, wait):
    process = Command(small, tmp_path / "t.csv").start()
    deadline = time.monotonic() + SOON
    while not workers_of(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    time.sleep(wait)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=SOON)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[1:] == ["allspin: interrupted"]


def test_what_tidies_up_behind_the_workers_says_nothing():
    """A semaphore that is gone already, as an interrupt at the wrong moment leaves it."""
    program = (
        "from joblib.externals.loky.backend.resource_tracker import register\n"
        "from allspin.host.sweep.workers import in_processes\n"
        "list(in_processes([], 2))\n"
        "register('/of-nobody', 'semlock')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=SOON
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_an_interrupt_within_this_process_keeps_the_rows(small, tmp_path, cluster):
    plan = make_plan(small.grid(chips=6))

    def report(done, total, text):
        if done == 3:
            raise KeyboardInterrupt

    scheduler = Cluster(cluster.scheduler_address)
    ways: list[dict[str, Any]] = [{}, {"workers": 2}, {"scheduler": scheduler}]
    for number, options in enumerate(ways):
        path = tmp_path / f"{number}.csv"
        with pytest.raises(KeyboardInterrupt):
            run_sweep(plan, path, report=report, **options)
        assert path.read_bytes().count(b"\n") == 4
        assert run_sweep(plan, path).resumed == 3


def test_a_finished_sweep_measures_nothing(small, tmp_path, monkeypatch):
    plan = make_plan(small.grid(chips=2))
    run_sweep(plan, tmp_path / "t.csv")
    monkeypatch.setattr(workers, "measure", None)
    assert run_sweep(plan, tmp_path / "t.csv").resumed == 2


def test_a_row_whose_counts_no_chip_can_have_is_refused(small, tmp_path):
    schemes = ["open-loop", "pulse-width", "write-verify"]
    plan = make_plan(small.grid(program=schemes, d2d=[0, 1], chips=2, images=20))
    path = tmp_path / "t.csv"
    sweep = run_sweep(plan, path)
    content = path.read_text()
    assert run_sweep(plan, path).resumed == len(sweep.rows) == 12
    cells = sum(layer.states.size for layer in open_network(str(small.network)).layers)
    for number, row in enumerate(sweep.rows):
        cell = repr(row.outcome.pulses_per_cell)
        # One pulse more is a chip that write-verify may make, and no other scheme does.
        more = (round(row.outcome.pulses_per_cell * cells) + 1) / cells
        wrong = [0.0001, row.outcome.pulses_per_cell + 1e-6]
        for other in wrong if row.point.program == "write-verify" else [*wrong, more, 65535.0]:
            lines = content.splitlines(keepends=True)
            assert lines[number + 1].count(f",{cell},") == 1
            lines[number + 1] = lines[number + 1].replace(f",{cell},", f",{other!r},")
            path.write_text("".join(lines))
            with pytest.raises(UserError, match=f"line {number + 2} is not of this sweep: pulses"):
                run_sweep(plan, path)


def test_what_cannot_be_measured_is_said_before_anything_is(small, tmp_path):
    with pytest.raises(
        UserError, match=r"D2D of potentiation must be a number from 0 to 1, not 6\.5"
    ):
        make_plan(small.grid(d2d=[1, 50]))
    with pytest.raises(UserError, match="`images` must be from 1 to 120, not 121"):
        make_plan(small.grid(images=121))
    with pytest.raises(UserError, match="the network takes images of 28 x 28"):
        make_plan(small.grid(network="mnist-10"))


def test_a_chips_answers_can_be_had_again(small, tmp_path):
    plan = make_plan(small.grid(chips=1, on="virtual", images=50))
    (point,) = plan.points
    answers, labels = plan.answers(point, 3)
    chip = Chip(point.made_of(open_device("paper")), 3)
    assert len(labels) == len(answers) == 50
    assert chip.seed == 3
    outcome = measure(make_plan(small.grid(images=50)).job(point, 3))
    assert outcome.correct == np.sum(answers == labels)


def test_open_machines_can_be_closed(small):
    plan = make_plan(small.grid(on="virtual", chips=1))
    measure(plan.job(plan.points[0], 0))
    close_machines()
    assert measure(plan.job(plan.points[0], 0)).images == 120
    close_machines()


def test_the_command_refuses_another_grid(small, tmp_path, capsys):
    words = ["sweep", "--network", str(small.network), "--data", str(small.data), "--chips", "1"]
    words += ["--jobs", "1", "-o", str(tmp_path / "t.csv")]
    assert main(words) == 0
    capsys.readouterr()
    assert main([*words, "--c2c", "0"]) == 2
    *_, said = capsys.readouterr().err.splitlines()
    assert said.startswith("allspin: ")
    assert "is of another sweep: c2c is [1.0] there, [0.0] here" in said


def test_a_port_has_one_board_which_is_programmed_anew_for_each_chip(small, tmp_path, monkeypatch):
    opened, closed = [], []

    class Board(GoldenMachine):
        def close(self):
            closed.append(self)

    def open_board(on, network, profile=None):
        opened.append(on)
        return Board()

    monkeypatch.setattr(job, "open_machine", open_board)
    for on in ("golden", "/dev/ttyUSB7"):
        # A table of its own each, since the machine is part of the grid.
        grid = small.grid(on=on, neuron_c2c=0, c2c=[0, 1], chips=3)
        run_sweep(make_plan(grid), tmp_path / f"{len(on)}.csv", workers=2)
    assert opened == ["/dev/ttyUSB7"]
    assert len(closed) == 1
    assert (tmp_path / "6.csv").read_bytes() == (tmp_path / "12.csv").read_bytes()


def test_a_board_that_failed_is_opened_again(small, tmp_path, monkeypatch):
    opened = []

    class Board(GoldenMachine):
        def stream(self, images, progress=NO_PROGRESS, first=0):
            if len(opened) == 1:
                raise UserError("the board is gone")
            return super().stream(images)

    def open_board(on, network, profile=None):
        opened.append(on)
        return Board()

    monkeypatch.setattr(job, "open_machine", open_board)
    plan = make_plan(small.grid(on="/dev/ttyUSB7", chips=2))
    with pytest.raises(UserError, match="the board is gone"):
        run_sweep(plan, tmp_path / "t.csv")
    assert len(run_sweep(plan, tmp_path / "t.csv").rows) == 2
    assert len(opened) == 2
