"""Self-test of a machine: every part is used, and compared with the golden model."""

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
"""Images of the self-test; one is blank, one is full."""
CHIP = 1
"""Seed of the self-test's chip."""
SUMS = Imperfections(read_noise=0.3, amplifier_gain=0.02, amplifier_offset=0.3)
"""Variation of sums and amplifiers, for a machine that emulates it."""
WRONG_LABELS = 3
"""Every third label of the resident images is wrong on purpose: not all images count as correct."""

Outcome = tuple[bool | None, str]
"""Outcome of a check, as `Finding.right` and `Finding.text`."""


@dataclass(frozen=True)
class Finding:
    """Finding of one check.

    Parameters
    ----------
    name : str
        Part of the machine that was checked.
    right : bool or None
        True if the part works; None if the machine lacks it, or the check is inconclusive.
    text : str
        Summary of the check, or the first error, in a line.
    """

    name: str
    right: bool | None
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--json`` prints."""
        return {"check": self.name, "right": self.right, "what": self.text}


def selftest(
    machine: LinkedMachine, network: Network, *, seed: int = 0, progress: Display | None = None
) -> Iterator[Finding]:
    """Check a machine part by part, and load the network in the end.

    Parameters
    ----------
    machine : LinkedMachine
        A board, or a simulated one.
    network : Network
        Network that fits the machine.
    seed : int
        Seed of patterns and images.
    progress : Display, optional
        Display of each check.

    Yields
    ------
    Finding
        Finding of each check, as soon as it ends.

    Raises
    ------
    UserError
        If the network does not fit the machine, or the machine stops answering or is reset.
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
    """Check the optional parts of a machine: resident images, and the Programmer's chips.

    An SDRAM is not checked: the simulator of a netlist does not simulate one.

    Parameters
    ----------
    machine : LinkedMachine
        Machine that the network is loaded into.
    network : Network
        Network that the machine runs.
    images : ndarray of uint8, shape (images, height, width)
        Grey levels.

    Yields
    ------
    Finding
        Finding of each part that the machine has.
    """
    checks = _Checks(machine, network, images)
    features = machine.identity.features
    if Feature.RESIDENT in features and Feature.SDRAM not in features:
        yield Finding("resident images", *checks.resident_images())
    if Feature.PROGRAMMER in features:
        yield Finding("chip", *checks.chip())


@dataclass(frozen=True, eq=False)
class _Checks:
    """Checks of `selftest`.

    Parameters
    ----------
    machine : LinkedMachine
        Machine under test.
    network : Network
        Network to load.
    images : ndarray of uint8, shape (images, height, width)
        Images to show.
    """

    machine: LinkedMachine
    network: Network
    images: npt.NDArray[np.uint8]

    def memory(self, space: int, patterns: Sequence[Lines]) -> Outcome:
        """Write each pattern, and read it back."""
        count, width = patterns[0].shape
        size = count * width
        for lines in patterns:
            self.machine.write_memories([(space, lines)])
            content = self.machine.read_back(space, 0, count, width)
            read = np.frombuffer(content, np.uint8).reshape(lines.shape)
            wrong = np.argwhere(read != lines)
            if len(wrong):
                line, byte = wrong[0]
                return False, (
                    f"{len(wrong):,} of {size:,} bytes differ; the first: line {line}, byte "
                    f"{byte} is {read[line, byte]:#04x}, not {lines[line, byte]:#04x}"
                )
        unit = "byte" if size == 1 else "bytes"
        return True, f"{size:,} {unit}, two patterns read back"

    def images_streamed(self) -> Outcome:
        """Load the network, and stream images."""
        self.machine.load(self.network)
        answers = self.machine.stream(self.images)
        return _compare(answers, GoldenModel(self.network), self.images)

    def counters(self) -> Outcome:
        """Stream the images again, and compare the counters with the expected counts."""
        resent = self.machine.resent
        self.machine.clear_counters()
        self.machine.stream(self.images)
        counters = self.machine.counters()
        if self.machine.resent > resent:
            return None, "requests had to be sent again, and images were counted twice"
        rows = self._expected_rows()
        # Neurons of spare columns are used too.
        fitted = self.machine.identity.fitted(self.network)
        neurons = tuple(IMAGES * layer.uses for layer in fitted.layers)
        if (counters.images, counters.rows, counters.neurons) != (IMAGES, rows, neurons):
            return False, (
                f"{counters.images} images, {counters.rows} rows, {counters.neurons} neurons "
                f"counted, not {IMAGES}, {rows}, {neurons}"
            )
        cycles = counters.cycles / IMAGES
        return True, f"{cycles:,.1f} cycles per image, {sum(counters.rows):,} rows"

    def _expected_rows(self) -> tuple[int, ...]:
        """Return the rows that the images drive in each layer."""
        steps = GoldenModel(self.network).trace(self.images)
        pairs = zip(self.network.layers, steps, strict=True)
        return tuple(layer.driven(step.inputs) for layer, step in pairs)

    def resident_images(self) -> Outcome:
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
        correct = int(np.count_nonzero(golden.classify(images) == labels[:count]))
        digest = self._expected_digest(images)
        if counts.correct != correct or counts.digest not in (None, digest):
            return False, (
                f"{counts.correct} of {count} counted as labelled, not {correct}; the logits' "
                f"digest is {counts.digest}, not {digest}"
            )
        return _compare(resident.logits(), golden, images)

    def _expected_digest(self, images: npt.NDArray[np.uint8]) -> int:
        """Compute the digest of the machine's logits, which include those of spare classes."""
        fitted = self.machine.identity.fitted(self.network)
        pixels = images.reshape(len(images), -1)
        missing = prod(fitted.image_shape) - pixels.shape[1]
        padded = np.pad(pixels, ((0, 0), (0, missing)))
        logits = GoldenModel(fitted).logits(padded.reshape(-1, *fitted.image_shape))
        return logits_digest(logits, self.machine.identity)

    def chip(self) -> Outcome:
        """Load a chip, read back its words, and stream images."""
        identity = self.machine.identity
        if self.network.classes < identity.classes and Feature.GENERAL not in identity.features:
            return None, f"a spare class of the machine's {identity.classes} could win"
        chip = program(self.network, self._device(), CHIP)
        if Feature.PROGRAMMER not in identity.features:
            mismatch = identity.mismatch(chip.network)
            if mismatch is not None:
                return None, f"this machine makes none: {mismatch}"
        self.machine.load(chip)
        words = compare_words(self.machine, chip.network)
        if words.difference is not None:
            return False, words.difference
        answers = self.machine.stream(self.images)
        right, text = _compare(answers, chip.golden(), self.images)
        return right, f"seed {CHIP}, {self.machine.words_from}; {text}"

    def _device(self) -> Device:
        """Return the paper's device with exactly the noise at each use that the machine has."""
        device = open_device("paper")
        if Feature.SUM_NOISE in self.machine.identity.features:
            device = replace(device, imperfections=SUMS)
        if Feature.USE_NOISE in self.machine.identity.features:
            return device
        return replace(device, neuron_variation=replace(device.neuron_variation, use=0.0))


def _compare(answers: Answers, golden: GoldenModel, images: npt.NDArray[np.uint8]) -> Outcome:
    """Compare answers with the golden model."""
    compared = compare_logits(answers, golden.logits(images))
    if compared.difference is not None:
        return False, compared.difference
    return True, f"{len(images)} images, {compared.compared:,} logits as the golden model's"
