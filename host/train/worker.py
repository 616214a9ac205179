"""Batches made by a process of their own: a thread would wait for the interpreter, and so would
whoever trains meanwhile.

It gets a line of JSON and images, and gives batch after batch as bytes through a pipe, until it is
killed or nobody reads them.
"""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress

import numpy as np
import numpy.typing as npt

from allspin.host.train.augment import Augmentation, Bent, Course
from allspin.sim.network.golden import keep_freed_memory


class WorkerLost(Exception):
    """The process is gone before it made all batches."""


def from_worker(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    """The batches of a course, as `Course.batches` makes them; the process ends with the iterator.

    Raises
    ------
    WorkerLost
        If the process ends early, say because it was killed for want of memory.
    """
    size, pixels = course.size, images.shape[1]
    ours, theirs = os.pipe()
    paths = os.pathsep.join(path for path in sys.path if isinstance(path, str) and path)
    with open(ours, "rb") as made:
        try:
            process = subprocess.Popen(
                # Not from the current folder, which may hold a numpy.py; Ctrl-C is not for it.
                [sys.executable, "-P", "-m", __name__, str(theirs)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": paths},
                pass_fds=[theirs],
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        assert process.stdin is not None
        try:
            said = {"course": dataclasses.asdict(course), "images": [len(among), pixels]}
            with suppress(BrokenPipeError), process.stdin as given:
                given.write(json.dumps(said).encode() + b"\n")
                given.write(images[among].data)
            for _ in range(course.length(among)):
                content = made.read(size * (8 + pixels))
                if len(content) != size * (8 + pixels):
                    raise WorkerLost
                places = np.frombuffer(content, np.int64, size)
                values = np.frombuffer(content, np.uint8, offset=8 * size)
                yield among[places], values.reshape(pixels, size)
        finally:
            process.kill()
            process.wait()


def main(made: int) -> None:
    """Make what the standard input asks for, and write it to a file descriptor."""
    from threadpoolctl import threadpool_limits

    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever trained has ended
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        sys.exit(1)
    said = json.loads(line)
    given = said["course"]
    shape, seed = tuple(given.pop("shape")), tuple(given.pop("seed"))
    augmentation = Augmentation(**given.pop("augmentation"))
    course = Course(shape=shape, augmentation=augmentation, seed=seed, **given)
    content = sys.stdin.buffer.read(math.prod(said["images"]))
    if len(content) != math.prod(said["images"]):
        sys.exit(1)
    images = np.frombuffer(content, np.uint8).reshape(said["images"])
    keep_freed_memory()
    with threadpool_limits(1), open(made, "wb") as out:
        for chosen, values in course.batches(images, np.arange(len(images))):
            out.write(chosen.tobytes())
            out.write(values.tobytes())


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except MemoryError:
        sys.exit(1)  # whoever trains goes on alone
