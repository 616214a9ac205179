"""Command lines as processes, a small network with its data, and the cells of a chip."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from allspin.host.cli.main import main
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_network import random_network

NETWORK = random_network((24, 12, 6), 1)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start commands as processes: ``start(words, **environment)``. They end with the test.

    A module in place of ``allspin``, such as `tests.host.virtual.faulty_port`, has its own words.
    """
    running = []

    def begin(words: str, module: str = "allspin", **environment: str) -> subprocess.Popen[str]:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [sys.executable, "-m", module, *shlex.split(words)]
        variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
        hang_up = signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored
        running.append(subprocess.Popen(command, text=True, env=variables, **pipes))
        signal.signal(signal.SIGHUP, hang_up)
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """The file of `NETWORK`."""
    path = tmp_path / "net.safetensors"
    save_network(NETWORK, path)
    return path


@pytest.fixture
def data(idx_folder: Callable[..., Path]) -> Path:
    """A data set that fits it."""
    return idx_folder(shape=(1, 24), classes=6, train=12, test=60)


@pytest.fixture(scope="session")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cells of chip 7 of paper-10."""
    path = tmp_path_factory.mktemp("cells") / "cells.csv"
    assert main(["export", "paper-10", "--chip", "7", "--cells", str(path)]) == 0
    return path
