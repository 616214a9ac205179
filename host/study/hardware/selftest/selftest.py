"""A machine asked for all that it can do, and what was right of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.bench.networks import random_images
from allspin.hdl.link.protocol import Feature
from allspin.host.data.catalogue import open_device
from allspin.host.link.machines.linked import LinkedMachine
from allspin.host.link.payloads.answers import Answers
from allspin.host.show.display import Display, Silent
from allspin.host.study.hardware.selftest.patterns import Patterns, memory_patterns
from allspin.host.study.running.made_chip import ProgrammedChip
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.programming.schemes import Programming

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
    machine: LinkedMachine, network: Network, *, seed: int = 0, display: Display | None = None
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
    display : Display, optional
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
    return _Selftest(machine, network, seed, display or Silent()).findings()


class _Selftest:
    """The checks of `selftest`, with what they share."""

    def __init__(
        self, machine: LinkedMachine, network: Network, seed: int, display: Display
    ) -> None:
        self._machine = machine
        self._network = network
        self._seed = seed
        self._display = display
        self._features = machine.identity.features
        self._images = random_images(network, IMAGES, seed)

    def findings(self) -> Iterator[Finding]:
        machine, network = self._machine, self._network
        yield Finding("identity", True, machine.description)
        for patterns in memory_patterns(machine.identity, self._seed):
            yield self._watched(patterns.name, lambda patterns=patterns: self._memory(patterns))
        yield self._watched("images", self._shown)
        yield self._watched("counters", self._counted)
        yield self._watched("resident images", self._resident)
        yield self._watched("chip", self._chip)
        machine.program(network)

    def _watched(self, name: str, check: Callable[[], tuple[bool | None, str]]) -> Finding:
        self._display.start(f"checking {name}")
        finding = Finding(name, *check())
        self._display.finish()
        return finding

    def _memory(self, patterns: Patterns) -> tuple[bool, str]:
        """Write each pattern, and read it back."""
        for lines in patterns.lines:
            self._machine.write_memories([(patterns.space, lines)])
            count, size = lines.shape
            content = self._machine.read_back(patterns.space, 0, count, size)
            found = np.frombuffer(content, np.uint8).reshape(lines.shape)
            wrong = np.argwhere(found != lines)
            if len(wrong):
                line, byte = wrong[0]
                return False, (
                    f"{len(wrong):,} of {lines.size:,} bytes differ; the first: line {line}, byte "
                    f"{byte} is {found[line, byte]:#04x}, not {lines[line, byte]:#04x}"
                )
        size = patterns.lines[0].size
        return True, f"{size:,} byte{'s' * (size != 1)}, two patterns read back"

    def _shown(self) -> tuple[bool, str]:
        """Program the network, and show it images."""
        self._machine.program(self._network)
        answers = self._machine.stream(self._images)
        return _compared(answers, GoldenModel(self._network), self._images)

    def _counted(self) -> tuple[bool | None, str]:
        """Show the images again, and look at what is counted."""
        resent = self._machine.resent
        self._machine.clear_counters()
        self._machine.stream(self._images)
        found = self._machine.counters()
        if self._machine.resent > resent:
            return None, "requests had to be sent again, and images were counted twice"
        trace = GoldenModel(self._network).trace(self._images)
        expected = (
            IMAGES,
            tuple(int(np.count_nonzero(layer.inputs)) for layer in trace),
            tuple(layer.sums.size for layer in trace),
        )
        if (found.images, found.rows, found.neurons) != expected:
            return False, (
                f"{found.images} images, {found.rows} rows, {found.neurons} neurons counted, "
                f"not {expected[0]}, {expected[1]}, {expected[2]}"
            )
        return True, f"{found.cycles / IMAGES:,.1f} cycles per image, {sum(found.rows):,} rows"

    def _resident(self) -> tuple[bool | None, str]:
        """Keep images on the machine, and let it classify them there."""
        if Feature.RESIDENT not in self._features:
            return None, "this machine keeps none"
        golden = GoldenModel(self._network)
        labels = golden.classify(self._images)
        labels[::WRONG_LABELS] = (labels[::WRONG_LABELS] + 1) % self._network.classes
        resident = self._machine.resident_images()
        count = resident.load(self._images, labels)
        counts = resident.run()
        images = self._images[:count]
        right = int(np.count_nonzero(golden.classify(images) == labels[:count]))
        if counts.correct != right:
            return False, f"{counts.correct} of {count} counted as labelled, not {right}"
        return _compared(resident.logits(), golden, images)

    def _chip(self) -> tuple[bool | None, str]:
        """Make a chip, read its words, and show it images."""
        device = self._device()
        programming = Programming()
        made = ProgrammedChip.of(Chip(device, CHIP), self._network, programming)
        if Feature.PROGRAMMER not in self._features and (
            why := self._machine.identity.mismatch(made.network)
        ):
            return None, f"this machine makes none: {why}"
        maker = self._machine.chip_maker(self._network, device, programming)
        maker.make(made.chip, made.network)
        for number, layer in enumerate(made.network.layers):
            wrong = np.count_nonzero(self._machine.read_words(number) != layer.words)
            if wrong:
                return (
                    False,
                    f"{wrong:,} of {layer.words.size:,} R_AH words of layer {number} differ",
                )
        answers = self._machine.stream(self._images)
        right, text = _compared(answers, GoldenModel(made.network, noise=made.noise), self._images)
        return right, f"seed {CHIP}, {maker.where}; {text}"

    def _device(self) -> Device:
        """The paper's; with all noise at each use that the machine has, and no other."""
        device = open_device("paper")
        if Feature.SUM_NOISE in self._features:
            device = replace(device, imperfections=SUMS)
        if Feature.USE_NOISE in self._features:
            return device
        return replace(device, neuron_variation=replace(device.neuron_variation, use=0.0))


def _compared(
    answers: Answers, golden: GoldenModel, images: npt.NDArray[np.uint8]
) -> tuple[bool, str]:
    expected = golden.logits(images)
    wrong = np.count_nonzero(answers.logits != expected)
    if wrong:
        return False, f"{wrong:,} of {expected.size:,} logits differ from the golden model"
    other = np.count_nonzero(answers.classes != np.argmax(expected, axis=1))
    if other:
        return False, f"{other:,} of {len(images)} classes differ from the golden model"
    return True, f"{len(images)} images, {expected.size:,} logits as the golden model's"
