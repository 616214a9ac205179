"""The process that makes batches: its start, its loss and its end."""

import itertools
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from allspin.host.train.feed import Course, from_worker
from allspin.host.train.training_options import Augmentation
from tests.host.train.feeding import ALL, FEED, IMAGES, SHAPE, content, threads
from tests.processes import status, wait_for

LONG = Course(SHAPE, Augmentation(), 15, 50, 10_000, (3, 1))


def test_long_courses_are_made_by_a_process_and_are_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A print at the worker's start and an entry of `sys.path` that is no text have no effect."""
    (tmp_path / "sitecustomize.py").write_text("print('hello')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path, tmp_path])
    course = Course(SHAPE, Augmentation(), 255, 33, 3, (5, 9))
    here = content(70, course)
    asked = []

    def watched(*given):
        asked.append(given)
        return from_worker(*given)

    monkeypatch.setattr(f"{FEED}.from_worker", watched)
    assert content(70, course) == here
    assert not asked
    monkeypatch.setattr(f"{FEED}.WORKER_BATCHES", len(here))
    assert content(70, course) == here
    assert len(asked) == 1
    assert not threads()
    assert not workers(os.getpid())
    # A large set is not held twice.
    monkeypatch.setattr(f"{FEED}.WORKER_BYTES", 70 * 20 - 1)
    assert content(70, course) == here
    assert len(asked) == 1


@pytest.mark.parametrize("lost", range(9))
def test_the_batches_go_on_after_the_process_is_lost(
    monkeypatch: pytest.MonkeyPatch, lost: int
) -> None:
    course = Course(SHAPE, Augmentation(), 255, 20, 3, (5, 9))
    here = content(70, course)
    assert len(here) == 9

    def some(course, images, among):
        yield from itertools.islice(course.batches(images, among), lost)
        raise BrokenPipeError

    monkeypatch.setattr(f"{FEED}.WORKER_BATCHES", 1)
    monkeypatch.setattr(f"{FEED}.from_worker", some)
    assert content(70, course) == here


def workers(parent: int) -> list[int]:
    """Return the worker processes of a process, by their entries in /proc."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    every = [int(pid) for each in children for pid in each.read_text().split()]
    return [
        pid
        for pid in every
        if status(pid) and FEED.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_it_ends_with_its_iterator_and_the_iterator_with_it() -> None:
    with closing(from_worker(LONG, IMAGES, ALL)) as batches:
        next(batches)
        (worker,) = workers(os.getpid())
    wait_for(lambda: status(worker) is None)
    batches = from_worker(LONG, IMAGES, ALL)
    next(batches)
    (worker,) = workers(os.getpid())
    os.kill(worker, signal.SIGKILL)
    assert sum(1 for _ in batches) < 90_000


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """A killed parent cannot end its worker itself; a numpy.py beside it has no effect."""
    (tmp_path / "numpy.py").write_text("raise SystemExit(7)\n")
    program = (
        "import sys; sys.path.remove(''); import numpy as np\n"
        "from tests.host.train.test_feed_worker import ALL, IMAGES, LONG, from_worker\n"
        "batches = from_worker(LONG, IMAGES, ALL)\n"
        "next(batches); print('begun', flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"begun\n"
        (worker,) = workers(parent.pid)
        parent.kill()
    wait_for(lambda: status(worker) is None)
