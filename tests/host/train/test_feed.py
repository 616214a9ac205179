"""Batches: their content, and the end of the thread and of the process that make them."""

import itertools
import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from allspin.host.train.augment import Bending
from allspin.host.train.feed import Course, bent_batches, from_worker, split
from allspin.host.train.training_options import AUGMENTATIONS, Augmentation
from tests.processes import status, wait_for

SHAPE = (4, 5)
STILL = AUGMENTATIONS["none"]
IMAGES = np.random.default_rng(1).integers(0, 256, (500, 20), dtype=np.uint8)
ALL = np.arange(500)
LONG = Course(SHAPE, Augmentation(), 15, 50, 10_000, (3, 1))
FEED = "allspin.host.train.feed"


def feed(count: int, course: Course, among: np.ndarray | None = None):
    """Images whose first pixel is their number, and whose label is too."""
    images = np.zeros((count, 20), dtype=np.uint8)
    images[:, 0] = np.arange(count)
    return bent_batches(
        images, np.arange(count), np.arange(count) if among is None else among, course
    )


def content(count: int, course: Course) -> list[bytes]:
    return [values.tobytes() + labels.tobytes() for values, labels in feed(count, course)]


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("batches")]


def test_an_epoch_has_every_image_that_is_chosen_once_and_its_label() -> None:
    chosen = np.arange(1, 180, 2)
    batches = list(feed(180, Course(SHAPE, STILL, 255, 45, 3, (0, 9)), chosen))
    assert len(batches) == 6
    orders = []
    for first, second in zip(batches[::2], batches[1::2], strict=True):
        for values, labels in (first, second):
            assert (values.shape, values.dtype) == ((20, 45), np.float32)
            assert np.array_equal(values[0], labels)
        orders.append(tuple(np.concatenate([first[1], second[1]])))
        assert sorted(orders[-1]) == list(chosen)
    assert len(set(orders)) == 3


def test_a_batch_that_does_not_fill_is_left_out() -> None:
    batches = feed(50, Course(SHAPE, STILL, 255, 40, 2, (0,)))
    assert [len(labels) for _, labels in batches] == [40, 40]


@pytest.mark.parametrize("top", [1, 15])
def test_values_are_rounded_as_the_machine_rounds_pixels(top: int) -> None:
    for values, labels in feed(200, Course(SHAPE, STILL, top, 200, 1, (0,))):
        expected = [(int(grey) * top + 127) // 255 for grey in labels]
        assert values[0].tolist() == expected


def test_channels_are_bent_alike() -> None:
    about = Augmentation(), 15, 50, 1, (4,)
    grey = Course(SHAPE, *about).batches(IMAGES, ALL)
    colours = Course((*SHAPE, 3), *about).batches(np.repeat(IMAGES, 3, axis=1), ALL)
    for (_, values), (_, each) in zip(grey, colours, strict=True):
        assert np.array_equal(np.repeat(values, 3, axis=0), each)


def test_the_seed_decides() -> None:
    one, same, other = (
        content(64, Course(SHAPE, Augmentation(), 255, 64, 2, (seed,))) for seed in (1, 1, 2)
    )
    assert one == same != other


def test_the_thread_ends_when_the_feed_is_closed_early() -> None:
    with closing(feed(200, Course(SHAPE, STILL, 255, 10, 1000, (0,)))) as batches:
        next(batches)
        assert threads()
    assert not threads()


def test_an_error_in_the_thread_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self, count, rng):
        raise MemoryError("no room")

    monkeypatch.setattr(Bending, "draw", broken)
    with pytest.raises(MemoryError, match="no room"):
        list(feed(10, Course(SHAPE, Augmentation(), 255, 10, 1, (0,))))
    assert not threads()


def test_long_courses_are_made_by_a_process_and_are_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the process prints at its start, and whatever is no text in its path."""
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
def test_where_the_process_is_lost_the_batches_go_on(
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


def test_the_split_keeps_a_twelfth_apart() -> None:
    learnt, kept = split(60_000)
    assert (len(learnt), len(kept)) == (55_000, 5_000)
    assert sorted([*learnt, *kept]) == list(range(60_000))


# The process.


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
        "from tests.host.train.test_feed import ALL, IMAGES, LONG, from_worker\n"
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
