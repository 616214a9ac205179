"""Fixtures: command lines, data sets, a build's record, and pseudo-terminals as serial ports."""

import contextlib
import gzip
import json
import os
import pty
import shlex
import struct
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from allspin.host.cli.main import main
from allspin.host.virtual.board import VirtualTransport
from allspin.host.virtual.board_line import BoardLine
from allspin.host.virtual.port import VirtualPort

IDX_TYPES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D}

IdxBytes = Callable[[npt.ArrayLike], bytes]
IdxFolder = Callable[..., Path]
BoardRecord = Callable[..., dict[str, Any]]


class CommandLine:
    """Runs commands in this process, and captures their output."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def run(self, words: str, status: int = 0) -> tuple[str, str]:
        """Run a command that must end with this status; return its stdout and its stderr."""
        self._capture.readouterr()
        ended = main(shlex.split(words))
        out, err = self._capture.readouterr()
        assert ended == status, err
        return out, err

    def json(self, words: str, status: int = 0) -> dict[str, Any]:
        """Run a command with ``--json``, and return its one line of JSON."""
        (line,) = self.run(f"{words} --json", status)[0].splitlines()
        return json.loads(line)

    def refused(self, words: str) -> str:
        """Run a command that must be refused, and return the one line with the cause."""
        out, err = self.run(words, 2)
        assert out == ""
        (line,) = [line for line in err.splitlines() if line.startswith("allspin")]
        return line


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    """Run commands."""
    return CommandLine(capfd)


def _idx_bytes(values: npt.ArrayLike) -> bytes:
    array = np.asarray(values)
    header = struct.pack(
        f">HBB{array.ndim}I", 0, IDX_TYPES[array.dtype.name], array.ndim, *array.shape
    )
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def idx_bytes() -> IdxBytes:
    """Write an array as an IDX file's content (uint8 unless the array says otherwise)."""
    return _idx_bytes


def _labelled(
    prototypes: npt.NDArray[np.float64], count: int, first: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Noisy copies of the prototypes; every class occurs where `count` allows."""
    classes = len(prototypes)
    labels = rng.permutation(np.arange(count) % classes)
    gain = rng.uniform(0.7, 1.0, (count, 1, 1))
    noise = rng.normal(0, 0.08, (count, *prototypes.shape[1:]))
    grey = np.clip((prototypes[labels] * gain + noise) * 255, 0, 255)
    grey[grey < 40] = 0  # a dark background, as the handwritten sets have
    return grey.astype(np.uint8), (labels + first).astype(np.uint8)


def write_idx_folder(
    folder: Path,
    shape: tuple[int, int] = (20, 24),
    classes: int = 47,
    train: int = 470,
    test: int = 94,
    compressed: bool = True,
    pattern: str = "{half}-{kind}-idx{rank}-ubyte",
    first: int = 0,
    seed: int = 0,
) -> Path:
    """Write a small data set that can be learnt, under the names that real ones have.

    `pattern` makes a file's name of ``half`` (train or t10k), ``other`` (train or test), ``kind``
    (images or labels) and ``rank`` (3 or 1); `first` is the first label (1 in EMNIST letters).
    """
    rng = np.random.default_rng(seed)
    folder.mkdir()
    # Each class is a handful of soft strokes of its own.
    row, column = np.mgrid[: shape[0], : shape[1]]
    centres = rng.uniform(0.15, 0.85, (classes, 4, 2)) * shape
    distance = (row - centres[..., 0, None, None]) ** 2 + (
        column - centres[..., 1, None, None]
    ) ** 2
    prototypes = np.exp(-distance / (0.02 * shape[0] * shape[1])).max(axis=1)
    for half, count in (("train", train), ("t10k", test)):
        images, labels = _labelled(prototypes, count, first, rng)
        for kind, array in (("images", images), ("labels", labels)):
            other = "train" if half == "train" else "test"
            file = pattern.format(half=half, other=other, kind=kind, rank=array.ndim)
            content = _idx_bytes(array)
            if compressed:
                content = gzip.compress(content, compresslevel=1, mtime=0)
                file += ".gz"
            (folder / file).write_bytes(content)
    return folder


@pytest.fixture
def idx_folder(tmp_path: Path) -> IdxFolder:
    """Write a small data set: ``idx_folder(name, ...)``, see `write_idx_folder`."""

    def write(name: str = "other", **values: Any) -> Path:
        return write_idx_folder(tmp_path / name, **values)

    return write


def _board_record(**changes: Any) -> dict[str, Any]:
    return {
        "board": "tang-nano-9k",
        "part": "GW1NR-LV9QN88PC6/I5",
        "profile": "ideal",
        "network": "mnist-10",
        "lanes": 8,
        "rows_per_clock": 1,
        "fits": True,
        "meets_timing": True,
        "fmax_mhz": 31.25,
        "worst_fmax_mhz": 31.25,
        "need_mhz": 27,
        "luts": 4138,
        "luts_share": 0.479,
        "cells": 4700,
        "cells_share": 0.544,
        "memories": 20,
        "memories_share": 0.77,
        "seeds": [{"seed": 1, "fmax_mhz": 31.25, "seconds": 200.0}],
        "tools": {"yosys": "0.52 (native)"},
        "seconds": 220.0,
        "shortfall": None,
        "gateware": None,
        "cycles_per_image": 2076.9,
        "images_per_second": 13000,
        **changes,
    }


@pytest.fixture
def board_record() -> BoardRecord:
    """Record of a good build, as ``allspin build --json`` has it: ``board_record(**changes)``."""
    return _board_record


@contextlib.contextmanager
def served(port: VirtualPort) -> Iterator[None]:
    """Carry a port's bytes in a thread."""
    wake, ends = os.pipe()

    def carry() -> None:
        while not port.carry(wake):
            pass

    thread = threading.Thread(target=carry)
    thread.start()
    try:
        yield
    finally:
        os.write(ends, b".")
        thread.join()
        os.close(wake)
        os.close(ends)


@pytest.fixture
def bridged() -> Iterator[Callable[[Path], str]]:
    """Put a virtual board behind a pseudo-terminal, and return the port's name."""
    with contextlib.ExitStack() as stack:

        def open_bridge(program: Path) -> str:
            link = BoardLine(lambda: VirtualTransport(program))
            port = stack.enter_context(VirtualPort(link))
            stack.enter_context(served(port))
            return port.path

        yield open_bridge


@pytest.fixture
def dead_port() -> Iterator[str]:
    """A serial port without a listener."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


class Seen:
    """An `allspin.host.show.display.Display` that remembers its calls.

    Attributes
    ----------
    lines : list of str
        Each step's description and, behind it, its outcome.
    done : list of (float, float or None)
        Progress of the steps, and the total.
    figures : list of str
        Figures that came with the progress.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.done: list[tuple[float, float | None]] = []
        self.figures: list[str] = []

    def start(self, description: str) -> None:
        self.lines.append(description)

    def advance(self, done: float, total: float | None, figures: str = "") -> None:
        self.done.append((done, total))
        self.figures.append(figures)

    def finish(self, outcome: str = "") -> None:
        self.lines.append(outcome)


@pytest.fixture
def seen() -> Seen:
    """A display that has shown no step yet."""
    return Seen()
