"""A run from Python: machines of any kind, and the facts in a score."""

import contextlib
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from allspin.host.chips.chip_options import ChipOptions, program
from allspin.host.chips.program_settings import ProgramSettings
from allspin.host.data.catalogue import open_device
from allspin.host.data.datasets import load_test_set
from allspin.host.link.answers import Answers
from allspin.host.link.line import Undone
from allspin.host.link.session import NO_PROGRESS
from allspin.host.machines.machine import ATTEMPTS, Machine
from allspin.host.run.inference import RunOptions, run
from allspin.sim.device.hall_array import HallArray
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_network import random_network

NETWORK = replace(random_network((24, 12, 6), 1), image_shape=(1, 24))


@pytest.fixture
def data(idx_folder):
    """A data set that fits the network."""
    return idx_folder(shape=(1, 24), classes=6, train=12, test=60)


class Abacus(Machine):
    """A new kind of machine: it says that every image is of one class."""

    name = "the abacus"
    closed = False

    def load_network(self, network, progress=NO_PROGRESS):
        self.classes = network.classes

    def stream(self, images, progress=NO_PROGRESS, first=0):
        logits = np.tile(np.arange(self.classes, dtype=np.int64), (len(images), 1))
        return Answers(logits, logits.argmax(axis=1))

    def close(self):
        self.closed = True


def test_a_new_kind_of_machine_runs(data):
    machine = Abacus()
    score = run(NETWORK, machine, data=data, options=RunOptions(check=True))
    images, labels = load_test_set(data)
    expected = GoldenModel(NETWORK).logits(images)
    assert score.accuracy == np.mean(labels == 5)
    assert score.difference is not None
    found = json.loads(json.dumps(score.to_dict()))
    assert found["mismatches"] == np.count_nonzero(expected != np.arange(6))
    assert (found["network"], found["on"], found["images"]) == ("24-12-6", "the abacus", 60)
    for key in ("cycles_per_image", "cycles_bound", "simulated_seconds", "words_compared"):
        assert found[key] is None
    assert found["resent"] == found["damaged"] == 0
    assert not machine.closed
    # A page that shows it is the same to the byte when it is made again.
    slower = replace(score, shown=replace(score.shown, seconds=1e3))
    assert score._repr_html_() == slower._repr_html_()


@pytest.mark.parametrize("times", [ATTEMPTS - 1, ATTEMPTS])
def test_a_machine_that_was_changed_is_programmed_again_but_not_for_ever(data, times):
    class Shaken(Abacus):
        programmed = 0

        def load_network(self, network, progress=NO_PROGRESS):
            self.programmed += 1
            super().load_network(network)

        def stream(self, images, progress=NO_PROGRESS, first=0):
            if self.programmed <= times:
                raise Undone("the abacus was shaken; run this again")
            return super().stream(images)

    gives_up = pytest.raises(Undone) if times == ATTEMPTS else contextlib.nullcontext()
    with pytest.warns(UserWarning, match="abacus") as warned, gives_up:
        assert run(NETWORK, Shaken(), data=data).accuracy
    told = [str(each.message) for each in warned]
    assert told == ["the abacus was shaken; it is programmed again"] * (ATTEMPTS - 1)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"chip": program(NETWORK, seed=7)}, "the abacus makes no chips"),
        ({"options": RunOptions(resident=True)}, "the abacus keeps no images"),
    ],
)
def test_an_ability_that_a_new_kind_of_machine_lacks_is_one_line(data, options, line):
    machine = Abacus()
    with pytest.raises(UserError, match=line):
        run(NETWORK, machine, data=data, **options)
    assert not hasattr(machine, "classes")  # it was not programmed


def in_array_of(reading, **values):
    cross: dict[str, Any] = {"hall_resistance": 1.0, "longitudinal": 300.0, "arms": 300.0}
    return replace(open_device("paper"), array=HallArray(reading, **cross, **values))


def test_a_chip_is_in_the_array_of_its_device(data):
    made_of = in_array_of("series")
    options = RunOptions(check=True)
    score = run(NETWORK, data=data, chip=program(NETWORK, made_of, 7), options=options)
    assert score.difference is None
    assert score.chip is not None
    told = score.chip.to_dict()["array"]
    assert (told["reading"], told["supply"], told["folded"]) == ("series", "isolated", False)
    assert told["error"] > 0.01
    assert score.chip.network.layers[0].matrix is not None
    assert score.shown.answers is not None
    images, _ = load_test_set(data)
    model = GoldenModel(score.chip.network, noise=score.chip.noise)
    assert np.array_equal(score.shown.answers.logits, model.logits(images))
    with pytest.raises(UserError, match=r"cannot run this network: layer 0: .*; run it on golden"):
        run(NETWORK, "virtual", data=data, chip=program(NETWORK, made_of, 7))


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"chip": -1}, "chip seed must be from 0 to 4294967295, not -1"),
        ({"measured": "c.csv", "program": ProgramSettings()}, "`measured`"),
        ({"chip": None}, "`chip`"),
    ],
)
def test_options_of_a_chip_are_checked_when_they_are_made(options, line):
    with pytest.raises(UserError, match=line):
        ChipOptions(**options)
