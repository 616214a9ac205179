"""A machine asked for all that it can do, and what was right of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature
from allspin.hdl.parameters.memory_map import (
    CONVERTER,
    ENGINE,
    LABELS,
    RESIDENT_BEATS,
    SHIFT,
    TABLE,
    WEIGHTS,
)
from allspin.hdl.parameters.profile import HardwareProfile, distance_bits
from allspin.host.chips.chip_options import MadeChip
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.link.answers import Answers
from allspin.host.link.identity import Identity
from allspin.host.machines.opening import (
    AUTO,
    GOLDEN,
    VIRTUAL,
    BuildProgress,
    LinkedMachine,
    ask_ports,
    no_progress,
    open_port,
    open_virtual,
)
from allspin.host.machines.resident import logits_digest
from allspin.host.run.score import compare_logits, compare_words
from allspin.host.show.display import Display
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device
from allspin.sim.device.imperfections import Imperfections
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import GAIN_BITS, MAX_SHIFT, Converter
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.random_network import random_images, random_network
from allspin.sim.programming.schemes import Programming

# A network that a machine can run, made of nothing but what the machine says of itself.

STATES = 10
"""Of a synapse, or fewer where words are narrow."""


def known_network(name: str, identity: Identity, seed: int) -> Network:
    """A random network for a machine.

    Parameters
    ----------
    name : str
        What messages call the machine.
    identity : Identity
        What it says of itself.
    seed : int
        Of the network.

    Raises
    ------
    UserError
        If its neuron is not registered here.
    """
    if identity.neuron not in NEURONS:
        raise UserError(
            f"{name} has {identity.neuron} neurons, which are not registered here: name the file "
            "that registers them in ALLSPIN_EXTENSIONS"
        )
    first = identity.layers[0]
    network = random_network(
        (first.inputs, *(layer.columns for layer in identity.layers)),
        seed,
        kinds=[layer.kind for layer in identity.layers],
        image_shape=first.kind.input_shape(first.rows),
        states=min(STATES, 2 ** (identity.rah_bits - 1)),
        neuron=NEURONS[identity.neuron](),
        pixel_bits=identity.pixel_bits,
        hidden_bits=identity.hidden_bits,
        rah_bits=identity.rah_bits,
        current_bits=identity.current_bits,
    )
    rng = np.random.default_rng(seed)
    layers = []
    for layer, its in zip(network.layers, identity.layers, strict=True):
        kept: dict[str, Any] = {"adc": its.tiling and its.tiling.adc}
        if its.levels is not None:  # the machine keeps states of these levels, and no words
            kept["states"] = rng.integers(0, its.levels.count, layer.states.shape, np.uint8)
            kept["levels"] = np.array(its.levels.words)
        if layer.converter is not None and identity.neuron_per == "position":
            gains, offsets = rng.choice(
                [layer.converter.gains, layer.converter.offsets], layer.uses, axis=1
            )
            kept["converter"] = Converter(gains, offsets, layer.converter.shift)
        layers.append(replace(layer, **kept))
    return replace(network, layers=tuple(layers), neuron_per=identity.neuron_per)


# The machine that a self-test is of.

VIRTUAL_NETWORK = "mnist-10"
"""What the virtual board is built for where no network is named."""


def open_for_selftest(
    on: str,
    network: Network | None = None,
    profile: HardwareProfile | None = None,
    baud: int | None = None,
    *,
    progress: BuildProgress = no_progress,
) -> LinkedMachine:
    """Open the machine.

    Parameters
    ----------
    on : str
        ``auto``, a serial port, or ``virtual``.
    network : Network, optional
        What it was built for. A board tells enough of itself to do without.
    profile : HardwareProfile, optional
        Of the virtual board.
    baud : int, optional
        Bits a second of a serial port; as of `allspin.host.machines.opening.open_port`.
    progress : callable
        Told what is being built, and for how many seconds now.

    Raises
    ------
    UserError
        If there is no such machine, or no single board answers.
    """
    if on == GOLDEN:
        raise UserError(
            f"{GOLDEN} is what machines are compared with: name a serial port, {AUTO} or {VIRTUAL}"
        )
    if on == VIRTUAL:
        return open_virtual(network or open_network(VIRTUAL_NETWORK), profile, progress=progress)
    return _only_board(network, baud) if on == AUTO else open_port(on, baud)


def _only_board(network: Network | None, baud: int | None) -> LinkedMachine:
    """The one board that answers, and fits the network if there is one."""
    answers = ask_ports(baud)
    boards = [board for board in answers.values() if board is not None]
    fitting = [
        board for board in boards if network is None or board.identity.mismatch(network) is None
    ]
    for board in boards:
        if [board] != fitting:
            board.close()
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = ", ".join(board.name for board in fitting)
        raise UserError(f"{len(fitting)} boards answer, on {names}: name one with --on")
    asked = f"asked {', '.join(answers)}" if answers else "there is no serial port"
    what = "answers" if network is None else "answers that was built for this network"
    raise UserError(f"no board {what} ({asked}); connect one, or test virtual")


# Two patterns for each memory that can be read back: every bit is 0 in one and 1 in the other.

Lines = npt.NDArray[np.uint8]
"""Of a memory, shape (lines, bytes of a line)."""
Patterns = tuple[str, int, Lines, Lines]
"""A memory's name, its number on the link, a random pattern, and the same with every bit turned."""


def memory_patterns(identity: Identity, seed: int) -> Iterator[Patterns]:
    """Patterns for every memory of a machine that can be written and read.

    What makes chips cannot be read back; a chip shows whether it is right.

    Parameters
    ----------
    identity : Identity
        Of the machine; its neuron must be registered here.
    seed : int
        Of the patterns.
    """
    rng = np.random.default_rng(seed)
    for number in range(len(identity.layers)):
        base, of = number << 4, f"layer {number}"
        yield f"R_AH words, {of}", base | WEIGHTS, *_words(identity, number, rng)
        if number == len(identity.layers) - 1:
            continue
        if NEURONS[identity.neuron].has_table:
            table = _bits(2**identity.current_bits, [identity.hidden_bits], rng)
            yield f"neuron's table, {of}", base | TABLE, *table
        converters = _converters(identity.neurons(number), identity.current_bits + 2, rng)
        yield f"V-I converters, {of}", base | CONVERTER, *converters
        yield f"V-I shift, {of}", base | SHIFT, *_bits(1, [MAX_SHIFT.bit_length()], rng)
    # Words of an SDRAM are not read back one by one: a digest tells whether all are right.
    if Feature.RESIDENT in identity.features and Feature.SDRAM not in identity.features:
        pixel = identity.pixel_bits
        beat = [distance_bits(pixel), pixel] * identity.layers[0].rows_per_clock
        beats = _bits(identity.resident_beats, [*beat, 1], rng)
        yield "image memory", ENGINE << 4 | RESIDENT_BEATS, *beats
        class_bits = max(1, (identity.classes - 1).bit_length())
        widths = [min(8, class_bits), max(0, class_bits - 8)]
        yield "label memory", ENGINE << 4 | LABELS, *_bits(identity.resident_images, widths, rng)


def _bits(lines: int, widths: list[int], rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Lines whose bytes have so many bits each."""
    masks = np.array([2**width - 1 for width in widths], np.uint8)
    drawn = rng.integers(0, 256, (lines, len(widths)), np.uint8) & masks
    return drawn, drawn ^ masks


def _words(identity: Identity, number: int, rng: np.random.Generator) -> tuple[Lines, Lines]:
    """R_AH words; where a machine keeps states, those of states whose bits can be turned round."""
    layer = identity.layers[number]
    shape, levels = (layer.rows, layer.columns), layer.levels
    if levels is None:
        top = 2 ** (identity.rah_bits - 1)
        words = rng.integers(-top, top, shape).astype(np.int8).view(np.uint8)
        return words, ~words
    end = 2**levels.bits
    states = rng.integers(end - levels.count, levels.count, shape)
    both = np.array([states, end - 1 - states])
    first, second = (levels.lowest + levels.step * both).astype(np.int8).view(np.uint8)
    return first, second


def _converters(columns: int, offset_bits: int, rng: np.random.Generator) -> tuple[Lines, Lines]:
    """A gain and an offset for each column."""
    top = 2 ** (offset_bits - 1)
    words = np.empty((columns, 2), "<u2")
    words[:, 0] = rng.integers(0, 2**GAIN_BITS, columns)
    words[:, 1] = rng.integers(-top, top, columns).astype("<i2").view("<u2")
    other = words ^ np.array([2**GAIN_BITS - 1, 0xFFFF], "<u2")
    return words.view(np.uint8), other.view(np.uint8)


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
    machine.program(network)


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
        self.machine.program(self.network)
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
        expected = (
            IMAGES,
            tuple(own.driven(step.inputs) for own, step in zip(layers, trace, strict=True)),
            # Spare columns are used with the others.
            tuple(IMAGES * own.uses for own in self.machine.held(self.network).layers),
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
        held = self.machine.held(self.network)
        pixels = images.reshape(len(images), -1)
        padded = np.pad(pixels, ((0, 0), (0, prod(held.image_shape) - pixels.shape[1])))
        sums = GoldenModel(held).logits(padded.reshape(-1, *held.image_shape))
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
        device = self._device()
        programming = Programming()
        made = MadeChip.of(Chip(device, CHIP), self.network, programming)
        if Feature.PROGRAMMER not in self.machine.identity.features and (
            why := self.machine.identity.mismatch(made.network)
        ):
            return None, f"this machine makes none: {why}"
        maker = self.machine.chip_maker(self.network, device, programming)
        maker.make(made.chip, made.network)
        words = compare_words(self.machine, made.network)
        if words.difference is not None:
            return False, words.difference
        answers = self.machine.stream(self.images)
        right, text = _compared(answers, GoldenModel(made.network, noise=made.noise), self.images)
        return right, f"seed {CHIP}, {maker.where}; {text}"

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
