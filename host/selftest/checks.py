"""Self-test of a machine: every part that it has is used, and compared with the golden model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature
from allspin.host.data.catalogue import open_device
from allspin.host.link.answers import (
    Answers,
)
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.resident import logits_digest
from allspin.host.run.comparing import compare_logits, compare_words
from allspin.host.selftest.memory_patterns import Lines, memory_patterns
from allspin.host.show.display import Display
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images
from allspin.sim.programming.program import program

IMAGES = 100
"""Images that are shown; one is blank, one is full."""
CHIP = 1
"""Seed of the chip that is made."""
SUMS = Imperfections(read_noise=0.3, amplifier_gain=0.02, amplifier_offset=0.3)
"""What sums and amplifiers vary by, where a machine has it."""
WRONG_LABELS = 3
"""Every so many labels of resident images are wrong on purpose, so that both are counted."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Parameters
    ----------
    name : str
        What was checked.
    right : bool or None
        Whether it is right; None where the machine has no such thing, or it cannot be told.
    text : str
        What was done, or what is wrong, in a line.
    """

    name: str
    right: bool | None
    text: str

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        return {"check": self.name, "right": self.right, "what": self.text}


def selftest(
    machine: LinkedMachine, network: Network, *, seed: int = 0, progress: Display | None = None
) -> Iterator[Finding]:
    """Check a machine, one thing after another, and leave it programmed with the network.

    Parameters
    ----------
    machine : LinkedMachine
        A board, or one that is simulated.
    network : Network
        What it can run.
    seed : int
        Of patterns and images.
    progress : Display, optional
        Told of each check as it begins and ends.

    Yields
    ------
    Finding
        As soon as it is there.

    Raises
    ------
    UserError
        If the machine does not fit the network, falls silent or is reset.
    """
    machine.check(network)
    progress = progress or Display()
    checks = _Checks(machine, network, random_images(network, IMAGES, seed))
    yield Finding("identity", True, machine.description)
    for name, space, *lines in memory_patterns(machine.identity, seed):
        progress.start(f"checking {name}")
        yield Finding(name, *checks.memory(space, lines))
        progress.finish()
    for name, check in (
        ("images", checks.images_streamed),
        ("counters", checks.counters),
        ("resident images", checks.resident_images),
        ("chip", checks.chip),
    ):
        progress.start(f"checking {name}")
        yield Finding(name, *check())
        progress.finish()
    machine.load(network)


def check_parts(
    machine: LinkedMachine, network: Network, images: npt.NDArray[np.uint8]
) -> Iterator[Finding]:
    """Check what a machine has beside its crossbars: images that stay on it, and its own chips.

    Nothing is found of an SDRAM: what simulates a netlist has none beside it.

    Parameters
    ----------
    machine : LinkedMachine
        Programmed with the network.
    network : Network
        What it runs.
    images : ndarray of uint8, shape (images, height, width)
        What it is shown.
    """
    checks, features = _Checks(machine, network, images), machine.identity.features
    if Feature.RESIDENT in features and Feature.SDRAM not in features:
        yield Finding("resident images", *checks.resident_images())
    if Feature.PROGRAMMER in features:
        yield Finding("chip", *checks.chip())


@dataclass(frozen=True, eq=False)
class _Checks:
    """The checks of `selftest`: whether it is right, None where it cannot be told, and a line."""

    machine: LinkedMachine
    network: Network
    images: npt.NDArray[np.uint8]

    def memory(self, space: int, patterns: Sequence[Lines]) -> tuple[bool, str]:
        """Write each pattern, and read it back."""
        count, width = patterns[0].shape
        size = count * width
        for lines in patterns:
            self.machine.write_memories([(space, lines)])
            content = self.machine.read_back(space, 0, count, width)
            found = np.frombuffer(content, np.uint8).reshape(lines.shape)
            wrong = np.argwhere(found != lines)
            if len(wrong):
                line, byte = wrong[0]
                return False, (
                    f"{len(wrong):,} of {size:,} bytes differ; the first: line {line}, byte "
                    f"{byte} is {found[line, byte]:#04x}, not {lines[line, byte]:#04x}"
                )
        return True, f"{size:,} byte{'s' * (size != 1)}, two patterns read back"

    def images_streamed(self) -> tuple[bool, str]:
        """Program the network, and show it images."""
        self.machine.load(self.network)
        return _compared(self.machine.stream(self.images), GoldenModel(self.network), self.images)

    def counters(self) -> tuple[bool | None, str]:
        """Show the images again, and look at what is counted."""
        resent = self.machine.resent
        self.machine.clear_counters()
        self.machine.stream(self.images)
        found = self.machine.counters()
        if self.machine.resent > resent:
            return None, "requests had to be sent again, and images were counted twice"
        trace, layers = GoldenModel(self.network).trace(self.images), self.network.layers
        fitted = self.machine.identity.fitted(self.network)
        expected = (
            IMAGES,
            tuple(own.driven(step.inputs) for own, step in zip(layers, trace, strict=True)),
            # Spare columns are used with the others.
            tuple(IMAGES * own.uses for own in fitted.layers),
        )
        if (found.images, found.rows, found.neurons) != expected:
            return False, (
                f"{found.images} images, {found.rows} rows, {found.neurons} neurons counted, "
                f"not {expected[0]}, {expected[1]}, {expected[2]}"
            )
        return True, f"{found.cycles / IMAGES:,.1f} cycles per image, {sum(found.rows):,} rows"

    def resident_images(self) -> tuple[bool | None, str]:
        """Keep images on the machine, and let it classify them there."""
        if Feature.RESIDENT not in self.machine.identity.features:
            return None, "this machine keeps none"
        golden = GoldenModel(self.network)
        labels = golden.classify(self.images)
        labels[::WRONG_LABELS] = (labels[::WRONG_LABELS] + 1) % self.network.classes
        resident = self.machine.resident_images()
        count = resident.load(self.images, labels)
        counts = resident.run()
        images = self.images[:count]
        right = int(np.count_nonzero(golden.classify(images) == labels[:count]))
        # Spare classes are in the machine's digest too.
        fitted = self.machine.identity.fitted(self.network)
        pixels = images.reshape(len(images), -1)
        padded = np.pad(pixels, ((0, 0), (0, prod(fitted.image_shape) - pixels.shape[1])))
        sums = GoldenModel(fitted).logits(padded.reshape(-1, *fitted.image_shape))
        digest = logits_digest(sums, self.machine.identity)
        if counts.correct != right or counts.digest not in (None, digest):
            return False, (
                f"{counts.correct} of {count} counted as labelled, not {right}; the logits' digest "
                f"is {counts.digest}, not {digest}"
            )
        return _compared(resident.logits(), golden, images)

    def chip(self) -> tuple[bool | None, str]:
        """Make a chip, read its words, and show it images."""
        its = self.machine.identity
        if self.network.classes < its.classes and Feature.GENERAL not in its.features:
            return None, f"of {its.classes} classes one that the network has not could win"
        chip = program(self.network, self._device(), CHIP)
        if Feature.PROGRAMMER not in its.features and (why := its.mismatch(chip.network)):
            return None, f"this machine makes none: {why}"
        self.machine.load(chip)
        words = compare_words(self.machine, chip.network)
        if words.difference is not None:
            return False, words.difference
        answers = self.machine.stream(self.images)
        right, text = _compared(answers, chip.golden(), self.images)
        return right, f"seed {CHIP}, {self.machine.words_from}; {text}"

    def _device(self) -> Device:
        """The paper's; with all noise at each use that the machine has, and no other."""
        device = open_device("paper")
        if Feature.SUM_NOISE in self.machine.identity.features:
            device = replace(device, imperfections=SUMS)
        if Feature.USE_NOISE in self.machine.identity.features:
            return device
        return replace(device, neuron_variation=replace(device.neuron_variation, use=0.0))


def _compared(
    answers: Answers, golden: GoldenModel, images: npt.NDArray[np.uint8]
) -> tuple[bool, str]:
    found = compare_logits(answers, golden.logits(images))
    right = f"{len(images)} images, {found.compared:,} logits as the golden model's"
    return found.difference is None, found.difference or right
