"""The classes of docs/extending.md, in a file that the environment names."""

import csv
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from allspin.host.data.catalogue import device_path
from allspin.sim.errors import VARIABLE
from allspin.sim.network.netfile import load_network, save_network
from allspin.sim.network.random_networks import random_network

pytestmark = pytest.mark.long

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
TEXT = DOCUMENT.read_text()
CLASSES = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
LINES = 90


def allspin(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder that has the document's classes in a file."""
    (folder / "mine.py").write_text("\n".join(CLASSES))
    return subprocess.run(
        [sys.executable, "-m", "allspin", *words],
        cwd=folder,
        env={**os.environ, VARIABLE: "mine.py"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_short_and_names_the_variable() -> None:
    assert len(TEXT.splitlines()) <= LINES
    assert f"export {VARIABLE}=" in TEXT


def test_train_knows_the_neuron(tmp_path: Path) -> None:
    words = "train --neuron clipped --hidden 3 --epochs 1 --quick -o net --json"
    done = allspin(tmp_path, *words.split())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["network"] == "net"
    # Who does not know it refuses it.
    with pytest.raises(Exception, match="not 'clipped'"):
        load_network(tmp_path / "net")


def test_run_and_sweep_know_the_device(tmp_path: Path) -> None:
    network = random_network((784, 4, 10), 1)
    save_network(dataclasses.replace(network, image_shape=(28, 28)), tmp_path / "net")
    text = device_path("paper").read_text(encoding="utf-8")
    text = text.replace('kind = "sot"', 'kind = "power"')
    (tmp_path / "mine.toml").write_text(re.sub(r"\nA = \S+", "\nexponent = 1.5", text))
    words = "run net --device mine.toml --chip 1 --program pulse-width --images 20 --json"
    done = allspin(tmp_path, *words.split())
    assert done.returncode == 0, done.stderr
    share = json.loads(done.stdout)["accuracy"]
    # Its workers are other processes.
    words = "sweep --network net --device mine.toml --program pulse-width --images 20"
    words += " --chips 2 --first 1 --jobs 2 -o swept.csv"
    done = allspin(tmp_path, *words.split())
    assert done.returncode == 0, done.stderr
    first, *_ = csv.DictReader((tmp_path / "swept.csv").open(encoding="utf-8"))
    assert float(first["accuracy"]) == share
