"""The demonstration leaves its promised files, on any data set."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from allspin.host.data.datasets import load_dataset
from allspin.host.demonstration import run_demo
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.show.progress import Steps
from allspin.host.train.parameters import TrainingParameters
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.netfile import load_network

PICTURES = {"confusion", "learning", "maps", "neuron", "overview", "timeline", "wrong"}


@pytest.fixture
def dataset(idx_folder):
    """Images of four classes."""
    return load_dataset(idx_folder(shape=(9, 7), classes=4, train=240, test=60))


def test_network_results_and_pictures(dataset, tmp_path, capfd):
    out = tmp_path / "new" / "out"
    parameters = TrainingParameters(states=6, hidden=(5,), epochs=1, seed=3)
    results = run_demo(dataset, parameters, out, Steps())

    names = {path.name for path in out.iterdir()}
    assert names == {
        "network.safetensors",
        "results.json",
        "results.txt",
        *(f"{picture}.{kind}" for picture in PICTURES for kind in ("png", "svg")),
    }
    saved = json.loads((out / "results.json").read_text())
    network = load_network(out / "network.safetensors")
    answers = GoldenModel(network).classify(dataset.test_images)
    assert saved["accuracy"] == pytest.approx(np.mean(answers == dataset.test_labels))
    assert (saved["logits_compared"], saved["mismatches"]) == (240, 0)
    assert saved["cycles_bound"] <= saved["cycles_per_image"] <= 1.15 * saved["cycles_bound"] + 10
    assert saved["mismatches"] == results["mismatches"]
    assert "63-5-4, 6 states" in (out / "results.txt").read_text()
    assert "\x1b" not in (out / "results.txt").read_text()
    # Without a terminal each step is a line when it begins and when it ends.
    said = capfd.readouterr().err
    assert said.count(" ...\n") == said.count(" s)\n") == 6


def test_ctrl_c_in_training_ends_the_demonstration(dataset, tmp_path):
    class Impatient(Steps):
        def advance(self, done, total, figures=""):
            if total and done > 0.8 * total:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_demo(dataset, TrainingParameters(hidden=(5,), epochs=4), tmp_path, Impatient())
    assert list(tmp_path.glob("*.safetensors")) == []


def test_a_machine_that_miscounts_is_not_believed(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(LinkedMachine, "counters", lambda self: SimpleNamespace(images=59))
    with pytest.raises(UserError, match="60 images, but its counter says 59"):
        run_demo(dataset, TrainingParameters(hidden=(5,), epochs=1), tmp_path, Steps())
