"""A machine asked for all that it can do, and what was right of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.link.protocol import Feature
from allspin.hdl.parameters.crossbar import UniformLevels
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
from allspin.host.chips.options import ProgrammedChip
from allspin.host.data.catalogue import open_device, open_network
from allspin.host.link.identity import Identity
from allspin.host.link.payloads import Answers
from allspin.host.link.transport import DEFAULT_BAUD
from allspin.host.machines.linked import LinkedMachine
from allspin.host.machines.opening import (
    AUTO,
    GOLDEN,
    VIRTUAL,
    BuildProgress,
    ask_ports,
    no_progress,
    open_port,
    open_virtual,
)
from allspin.host.show.say import Display, Silent
from allspin.sim.chip.chip import Chip
from allspin.sim.device.device import Device, Imperfections
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import GAIN_BITS, MAX_SHIFT, Layer, Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.random_networks import random_images, random_network
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
    network = random_network(
        identity.topology,
        seed,
        states=min(STATES, 2 ** (identity.rah_bits - 1)),
        neuron=NEURONS[identity.neuron](),
        pixel_bits=identity.pixel_bits,
        hidden_bits=identity.hidden_bits,
        rah_bits=identity.rah_bits,
        current_bits=identity.current_bits,
    )
    rng = np.random.default_rng(seed)
    layers = tuple(
        replace(_kept(layer, its.levels, rng), adc=its.tiling and its.tiling.adc)
        for layer, its in zip(network.layers, identity.layers, strict=True)
    )
    return replace(network, layers=layers)


def _kept(layer: Layer, levels: UniformLevels | None, rng: np.random.Generator) -> Layer:
    """A layer of the levels that a machine keeps states of; as it is where that keeps words."""
    if levels is None:
        return layer
    states = rng.integers(0, levels.count, layer.states.shape, np.uint8)
    return replace(layer, states=states, levels=np.array(levels.words))


# The machine that a self-test is of.

VIRTUAL_NETWORK = "mnist-10"
"""What the virtual board is built for where no network is named."""


def open_for_selftest(
    on: str,
    network: Network | None = None,
    profile: HardwareProfile | None = None,
    baud: int = DEFAULT_BAUD,
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
    baud : int
        Bits a second of a serial port.
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


def _only_board(network: Network | None, baud: int) -> LinkedMachine:
    """The one board that answers, and fits the network if there is one."""
    answers = ask_ports(baud)
    answering = [board for board in answers.values() if board is not None]
    boards = [
        board for board in answering if network is None or board.identity.mismatch(network) is None
    ]
    for board in answering:
        if boards != [board]:
            board.close()
    if len(boards) == 1:
        return boards[0]
    if boards:
        names = ", ".join(board.name for board in boards)
        raise UserError(f"{len(boards)} boards answer, on {names}: name one with --on")
    asked = f"asked {', '.join(answers)}" if answers else "there is no serial port"
    what = "answers" if network is None else "answers that was built for this network"
    raise UserError(f"no board {what} ({asked}); connect one, or test virtual")


# Two patterns for each memory that can be read back: every bit is 0 in one and 1 in the other.

Lines = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Patterns:
    """A memory, and what to write to it.

    Parameters
    ----------
    name : str
        What people call it.
    space : int
        Its number on the link.
    lines : tuple of two ndarrays of uint8, shape (lines, bytes of a line)
        A random pattern, and the one with every stored bit the other way.
    """

    name: str
    space: int
    lines: tuple[Lines, Lines]


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
    for number, layer in enumerate(identity.layers):
        base, of = number << 4, f"layer {number}"
        words = _words(identity, number, (layer.rows, layer.columns), rng)
        yield Patterns(f"R_AH words, {of}", base | WEIGHTS, words)
        if number == len(identity.layers) - 1:
            continue
        if NEURONS[identity.neuron].has_table:
            table = _bits(2**identity.current_bits, [identity.hidden_bits], rng)
            yield Patterns(f"neuron's table, {of}", base | TABLE, table)
        converter = _converters(layer.columns, identity.current_bits + 2, rng)
        yield Patterns(f"V-I converters, {of}", base | CONVERTER, converter)
        shift = _bits(1, [MAX_SHIFT.bit_length()], rng)
        yield Patterns(f"V-I shift, {of}", base | SHIFT, shift)
    if Feature.RESIDENT in identity.features:
        pixel = identity.pixel_bits
        beat = [distance_bits(pixel), pixel] * identity.layers[0].rows_per_clock
        beats = _bits(identity.resident_beats, [*beat, 1], rng)
        yield Patterns("image memory", ENGINE << 4 | RESIDENT_BEATS, beats)
        class_bits = max(1, (identity.classes - 1).bit_length())
        widths = [min(8, class_bits), max(0, class_bits - 8)]
        labels = _bits(identity.resident_images, widths, rng)
        yield Patterns("label memory", ENGINE << 4 | LABELS, labels)


def _bits(lines: int, widths: list[int], rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Lines whose bytes have so many bits each."""
    masks = np.array([2**width - 1 for width in widths], np.uint8)
    drawn = rng.integers(0, 256, (lines, len(widths)), np.uint8) & masks
    return drawn, drawn ^ masks


def _words(
    identity: Identity, layer: int, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Lines, Lines]:
    """R_AH words; where a machine keeps states, those of states whose bits can be turned round."""
    levels = identity.layers[layer].levels
    if levels is not None:
        end = 2**levels.bits
        states = rng.integers(end - levels.count, levels.count, shape)
        first, second = (
            (levels.lowest + levels.step * each).astype(np.int8).view(np.uint8)
            for each in (states, end - 1 - states)
        )
        return first, second
    top = 2 ** (identity.rah_bits - 1)
    words = rng.integers(-top, top, shape).astype(np.int8)
    return words.view(np.uint8), (~words).view(np.uint8)


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
