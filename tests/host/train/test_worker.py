"""The process that makes batches: what becomes of it, and of whoever waits for it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from allspin.host.train.augment import Augmentation, Course
from allspin.host.train.worker import WorkerLost, from_worker

IMAGES = np.random.default_rng(1).integers(0, 256, (500, 20), dtype=np.uint8)
LONG = Course((4, 5), Augmentation(), 15, 50, 10_000, (3, 1))


def workers(parent: int) -> list[int]:
    """Processes that prepare images for a process, by what Linux says of them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
            status = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if b"train.worker" in words and int(status[1]) == parent and status[0] != "Z":
            found.append(int(folder.name))
    return found


def gone(process: int) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_it_makes_what_the_course_makes() -> None:
    course = Course((4, 5), Augmentation(), 200, 40, 2, (7,))
    among = np.arange(1, 500, 3)
    here = list(course.batches(IMAGES, among))
    there = list(from_worker(course, IMAGES, among))
    assert len(there) == len(here) == course.length(among)
    for (chosen, values), (same, others) in zip(there, here, strict=True):
        assert np.array_equal(chosen, same)
        assert np.array_equal(values, others)
        assert values.dtype == others.dtype == np.uint8
    assert not workers(os.getpid())


def test_it_ends_with_its_iterator() -> None:
    with closing(from_worker(LONG, IMAGES, np.arange(500))) as batches:
        next(batches)
        (worker,) = workers(os.getpid())
    assert gone(worker)


def test_its_death_is_told() -> None:
    batches = from_worker(LONG, IMAGES, np.arange(500))
    next(batches)
    (worker,) = workers(os.getpid())
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(WorkerLost):
        for _ in batches:
            pass


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    """Which was killed and could tell nobody; a numpy.py beside it misleads no one."""
    (tmp_path / "numpy.py").write_text("raise SystemExit(7)\n")
    program = (
        "import sys; sys.path.remove(''); import numpy as np\n"
        "from tests.host.train.test_worker import IMAGES, LONG, from_worker\n"
        "batches = from_worker(LONG, IMAGES, np.arange(500))\n"
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
    assert gone(worker)


def test_what_prints_at_its_start_is_no_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('hello')\n")
    monkeypatch.syspath_prepend(tmp_path)
    # Python takes no notice of what is no text there.
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path])
    course = Course((4, 5), Augmentation(), 15, 50, 1, (3, 1))
    there = list(from_worker(course, IMAGES, np.arange(500)))
    here = list(course.batches(IMAGES, np.arange(500)))
    assert all(np.array_equal(one[1], two[1]) for one, two in zip(there, here, strict=True))


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b'{"course":',
        b'{"course": {"shape": [4, 5], "augmentation": {}, "top": 15, "size": 1, "epochs": 1,'
        b' "seed": [1]}, "images": [2, 20]}\n' + bytes(30),
    ],
)
def test_what_it_is_not_given_whole_it_does_not_begin_with(given: bytes) -> None:
    """Whoever trained was killed meanwhile."""
    short = subprocess.run(
        [sys.executable, "-m", "allspin.host.train.worker", "1"],
        input=given,
        capture_output=True,
        check=False,
    )
    assert (short.returncode, short.stdout, short.stderr) == (1, b"", b"")
