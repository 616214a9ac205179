"""All functions of a whole machine, compared with the golden model.

Tests of every profile, of every pair of options and of a watched machine share it.
"""

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature
from allspin.hdl.parameters.memory_map import ENGINE, RESIDENT_LOGITS
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters
from allspin.host.data.catalogue import open_device
from allspin.host.link.answers import parse_answers
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.programmer import SUM_CHIPS
from allspin.host.machines.resident import ResidentImages
from allspin.sim.device.device import Device, Device as ChipDevice
from allspin.sim.network import reference
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images
from allspin.sim.programming.program import program

PAPER = open_device("paper")
FIRST = 65_530
"""Number of an image: its low half wraps a few images later."""
SUMS = {"read_noise": 0.4, "amplifier_gain": 0.03, "amplifier_offset": 0.6}
"""Variation of column sums and amplifiers, for machines that have it."""
SEEDS = (7, 2**32 - 1)
"""Chips of each kind."""
WIDEST = 30, 16, 12, 6
GENERAL = HardwareProfile(
    lanes=8,
    rows_per_clock=2,
    general=True,
    variation=SUM_CHIPS,
    resident=ResidentParameters(beats=600, images=60),
)
"""A machine for any network up to those widths."""


def made_of(device: LinkedMachine, **imperfections: Any) -> ChipDevice:
    """The paper's device, without noise at each use if the machine lacks it."""
    wrong = dataclasses.replace(PAPER.imperfections, **imperfections)
    found = dataclasses.replace(PAPER, imperfections=wrong)
    if Feature.USE_NOISE in device.identity.features:
        return found
    quiet = dataclasses.replace(PAPER.neuron_variation, use=0.0)
    return dataclasses.replace(found, neuron_variation=quiet)


@dataclass(frozen=True)
class Work:
    """A network, and images with labels for its machine.

    Attributes
    ----------
    network : Network
        Network that the machine was made for.
    images, labels : ndarray
        Images, a blank and a full one among them; some labels are wrong.
    """

    network: Network
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]

    @classmethod
    def of(cls, network: Network, count: int = 18) -> "Work":
        """Some images of random pixels."""
        images = random_images(network, count, 6)
        labels = GoldenModel(network).classify(images)
        labels[::3] = (labels[::3] + 1) % network.classes
        return cls(network, images, labels)

    def everything(self, device: LinkedMachine) -> None:
        """Test all functions of the machine."""
        self.ideal(device)
        resident = None
        if Feature.RESIDENT in device.identity.features:
            resident = self.resident(device)
        if Feature.PROGRAMMER in device.identity.features:
            self.chips(device, resident)
            self.ideal(device)

    def ideal(self, device: LinkedMachine) -> None:
        """Programming, and images: each word, logit, class and count."""
        device.load(self.network)
        for number, layer in enumerate(self.network.layers):
            np.testing.assert_array_equal(device.read_words(number), layer.words)
        model = GoldenModel(self.network)
        resent = device.resent
        answers = device.stream(self.images)
        np.testing.assert_array_equal(
            answers.logits, reference.logits(model.network, self.images, model.words, model.noise)
        )
        np.testing.assert_array_equal(answers.classes, model.classify(self.images))
        trace = model.trace(self.images)
        counters = device.counters()
        assert counters.cycles > len(self.images)
        if device.resent > resent:
            return  # an image that was sent twice was counted twice
        assert counters.images == len(self.images)
        steps = zip(self.network.layers, trace, strict=True)
        assert counters.rows == tuple(layer.driven(step.inputs) for layer, step in steps)
        assert counters.neurons == tuple(layer.sums.size for layer in trace)

    def resident(self, device: LinkedMachine) -> ResidentImages:
        """Images that stay, on the ideal network."""
        resident = ResidentImages(device)
        assert resident.load(self.images, self.labels) > 3
        self.run_resident(device, resident, GoldenModel(self.network))
        return resident

    def run_resident(
        self, device: LinkedMachine, resident: ResidentImages, model: GoldenModel
    ) -> None:
        """Check counts of resident images, and logits, together or one by one in any order."""
        count, space = resident.count, ENGINE << 4 | RESIDENT_LOGITS
        images = self.images[:count]
        for first in (0, FIRST):
            counts = resident.run(first=first)
            right = model.classify(images, first) == self.labels[:count]
            assert (counts.images, counts.correct) == (count, np.count_nonzero(right))
            assert counts.cycles >= count
            wanted = reference.logits(model.network, images, model.words, model.noise, first)
            np.testing.assert_array_equal(resident.logits().logits, wanted)
            for number in range(count - 1, -1, -2):
                line = device.read_back(space, number, 1, device.identity.answer_bytes)
                answer = parse_answers(line, device.identity)
                np.testing.assert_array_equal(answer.logits[0], wanted[number])

    def chips(self, device: LinkedMachine, resident: ResidentImages | None) -> None:
        """Check chips from states, then in place where the machine can; no two chips are alike."""
        seen = []
        sums = SUMS if Feature.SUM_NOISE in device.identity.features else {}
        for wrong in ({}, {"stuck": 0.2, "stuck_at": "either", **sums}):
            makes = made_of(device, **wrong)
            for seed in SEEDS:
                model = self.chip(device, makes, seed)
                seen.append(np.concatenate([words.ravel() for words in model.words]))
                if resident is not None:
                    self.run_resident(device, resident, model)
        for one, other in itertools.combinations(seen, 2):
            assert np.mean(one != other) > 0.1

    def chip(self, device: LinkedMachine, makes: Device, seed: int) -> GoldenModel:
        """A chip: its words, and images of low and high numbers; its golden model."""
        chip = program(self.network, makes, seed)
        device.load(chip)
        assert device.words_from == "words made by the gateware"
        for number, expected in enumerate(chip.words):
            np.testing.assert_array_equal(device.read_words(number), expected)
        model = chip.golden()
        for first in (0, FIRST):
            answers = device.stream(self.images, first=first)
            np.testing.assert_array_equal(
                answers.logits,
                reference.logits(model.network, self.images, model.words, model.noise, first),
            )
            np.testing.assert_array_equal(answers.classes, model.classify(self.images, first))
        return model
