"""Batches made by a process of their own: a thread would wait for the interpreter, and so would
whoever trains meanwhile.

It gets a line of JSON, the images and which of them are gone through, and gives batch after batch
as bytes, until it is killed or nobody reads them.
"""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.training.images.augment import Augmentation
from allspin.host.training.images.course import Bent, Course
from allspin.sim.errors import UserError


def from_worker(
    course: Course, images: npt.NDArray[np.uint8], among: npt.NDArray[np.int64]
) -> Generator[Bent, None, None]:
    """The batches of a course, as `Course.batches` makes them; the process ends with the iterator.

    Raises
    ------
    UserError
        If the process is killed, say for want of memory.
    """
    paths = os.pathsep.join(path for path in sys.path if path)
    process = subprocess.Popen(
        # Not from the current folder, which may hold a numpy.py; and Ctrl-C is not for it.
        [sys.executable, "-P", "-m", "allspin.host.training.images.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    pixels = images.shape[1]
    try:
        said = {"course": dataclasses.asdict(course), "images": images.shape, "among": len(among)}
        try:
            with process.stdin as given:
                given.write(json.dumps(said).encode() + b"\n")
                given.write(np.ascontiguousarray(images).data)
                given.write(np.ascontiguousarray(among, np.int64).data)
        except BrokenPipeError:
            pass  # the reason is said below
        for _ in range(course.length(among)):
            content = process.stdout.read(course.size * (8 + pixels))
            if len(content) != course.size * (8 + pixels):
                raise UserError(
                    "the process that prepares training images has ended with status "
                    f"{process.wait()}, perhaps for want of memory"
                )
            chosen = np.frombuffer(content, np.int64, course.size)
            values = np.frombuffer(content, np.uint8, offset=8 * course.size)
            yield chosen, values.reshape(pixels, course.size).astype(np.float32)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _read(shape: tuple[int, ...], kind: type[np.generic]) -> npt.NDArray[Any]:
    """An array of the standard input."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    content = sys.stdin.buffer.read(size)
    if len(content) != size:
        sys.exit(1)
    return np.frombuffer(content, kind).reshape(shape)


def main() -> None:
    """Make what the standard input asks for."""
    from threadpoolctl import threadpool_limits

    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever trained has ended
    said = json.loads(sys.stdin.buffer.readline())
    course = said["course"]
    course |= {"augmentation": Augmentation(**course["augmentation"])}
    course |= {name: tuple(course[name]) for name in ("shape", "seed")}
    images = _read(tuple(said["images"]), np.uint8)
    among = _read((said["among"],), np.int64)
    with threadpool_limits(1):
        for chosen, values in Course(**course).batches(images, among):
            sys.stdout.buffer.write(chosen.tobytes())
            sys.stdout.buffer.write(values.astype(np.uint8).tobytes())
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        sys.exit(1)  # whoever trains says it
