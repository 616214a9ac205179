"""All workers give the same results; lost workers and interrupts cost no row."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest
from distributed import Client, LocalCluster

from allspin.host.sweep.plan import make_plan
from allspin.host.sweep.sweeping import run_sweep
from allspin.sim.errors import UserError
from tests.processes import PATIENCE

ROOT = Path(__file__).resolve().parents[3]


"""Most seconds for a step of a process that usually takes a few."""


GRIDS = {"c2c": [0, 1], "program": ["open-loop", "write-verify"], "calibrate": [False, True]}


def test_processes_give_the_table_of_one(small, tmp_path):
    plan = make_plan(small.grid(**GRIDS, chips=4))
    told = []
    alone = run_sweep(plan, tmp_path / "1.csv", progress=lambda *what: told.append(what))
    run_sweep(plan, tmp_path / "2.csv", workers=2)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()
    assert [done for done, _, _ in told] == list(range(1, 33))
    assert told[-1] == (32, 32, "32 of 32 chips")
    assert alone.accuracies(plan.points[0]).shape == (4,)
    # Chips differ; otherwise the comparison would be weak.
    assert len({row.correct for row in alone.rows}) > 5


@pytest.fixture(scope="module")
def cluster():
    """Yield a cluster: a scheduler and two workers, each a process."""
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

    def progress(done, total, text):
        if done == 5:
            os.kill(pids[0], signal.SIGKILL)

    scheduler = cluster.scheduler_address
    run_sweep(plan, tmp_path / "2.csv", scheduler=scheduler, progress=progress)
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_workers_complaint_reaches_the_user(small, tmp_path, cluster):
    plan = make_plan(small.grid(chips=2))
    small.network.write_bytes(small.network.read_bytes() + b"\n")
    scheduler = cluster.scheduler_address
    ways: list[dict[str, Any]] = [{"workers": 2}, {"scheduler": scheduler}]
    for options in ways:
        with pytest.raises(UserError, match="another file for this worker than for the sweep"):
            run_sweep(plan, tmp_path / "t.csv", **options)


def begin(small, path, **options):
    """Start ``allspin sweep`` as a process with two workers."""
    words = f"sweep --network {small.network} --data {small.data} --c2c 0,0.5,1 --chips 70"
    command = [sys.executable, "-m", "allspin.host.cli.main", *words.split()]
    command += ["--jobs", "2", "-o", str(path), "--json"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes, **options)


def until(done, process=None):
    """Wait until a condition holds, while a process runs."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.001)


def rows(path):
    return path.read_bytes().count(b"\n") - 1 if path.exists() else 0


def workers_of(pid):
    """Return the processes that measure."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        # A child may have ended meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if "LokyProcess" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(int(child))
    return found


def gone(pid):
    """Return True if a process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_killed_in_mid_run_it_goes_on_and_no_row_is_lost_or_twice(small, tmp_path):
    path = tmp_path / "killed.csv"
    process = begin(small, path)
    until(lambda: rows(path) >= 20, process)
    children = workers_of(process.pid)
    assert len(children) == 2
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    kept = path.read_bytes()
    assert 20 <= rows(path) < 210
    until(lambda: all(map(gone, children)))
    # The machine stops within a row.
    path.write_bytes(kept[:-3])

    process = begin(small, path)
    until(lambda: rows(path) >= 90, process)
    # A worker is lost: its job is measured again.
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert f'"resumed": {kept.count(bytes([10])) - 2},' in out
    plan = make_plan(small.grid(c2c=[0, 0.5, 1], chips=70))
    run_sweep(plan, tmp_path / "whole.csv")
    assert path.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    "wait", [0.0, None, *(pytest.param(wait, marks=pytest.mark.long) for wait in (0.1, 0.3))]
)
def test_an_interrupt_ends_it_at_once_in_a_line(small, tmp_path, wait):
    """Interrupt while workers start, or, without a time, while they measure."""
    process = begin(small, tmp_path / "t.csv")
    until(lambda: workers_of(process.pid))
    children = workers_of(process.pid)
    if wait is None:
        until(lambda: rows(tmp_path / "t.csv") >= 10, process)
    time.sleep(wait or 0)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[1:] == ["allspin: interrupted"]
    until(lambda: all(map(gone, children)))


def test_an_interrupt_that_is_ignored_ends_nothing(small, tmp_path):
    """A shell ignores interrupts by ``nohup`` or ``trap "" INT``."""
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    process = begin(small, tmp_path / "t.csv", **ignoring)

    def interrupted_until_a_row_is_there():
        os.killpg(process.pid, signal.SIGINT)
        return rows(tmp_path / "t.csv") >= 1

    until(interrupted_until_a_row_is_there, process)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert rows(tmp_path / "t.csv") == 210


def test_an_interrupt_within_this_process_keeps_the_rows(small, tmp_path, cluster):
    plan = make_plan(small.grid(chips=6))

    def progress(done, total, text):
        if done == 3:
            raise KeyboardInterrupt

    scheduler = cluster.scheduler_address
    ways: list[dict[str, Any]] = [{}, {"workers": 2}, {"scheduler": scheduler}]
    for number, options in enumerate(ways):
        path = tmp_path / f"{number}.csv"
        with pytest.raises(KeyboardInterrupt):
            run_sweep(plan, path, progress=progress, **options)
        assert path.read_bytes().count(b"\n") == 4
        assert run_sweep(plan, path).resumed == 3
