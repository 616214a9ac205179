"""Whole machines in Amaranth's simulator do all that a host can ask for, with stalls on both
sides of the link; every answer is compared with the golden model's.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from allspin.boards.top import Top, TopParameters
from allspin.hdl.link.frames import PENDING_ERRORS
from allspin.hdl.link.protocol import (
    ANSWER_HEADER_BYTES,
    NO_TAG,
    Answer,
    ErrorCode,
    Feature,
    LinkParameters,
    Request,
)
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import COUNTERS, ENGINE, LABELS, RESIDENT_BEATS, RESIDENT_RUN
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.host.link.frames import Deframer, encode_frame
from allspin.host.link.image_requests import encode_images
from allspin.host.machines.image_beats import pack_images
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.sim.network import reference
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.layer import GAIN_BITS, Converter, Layer
from allspin.sim.network.layer_kinds import Convolution
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.pixels import quantise_pixels
from allspin.sim.network.random_network import random_network
from tests.coverage.bins import machine_bins
from tests.coverage.coverage import Coverage, Recording
from tests.coverage.simulated import SimulatedTransport
from tests.host.machines.work import Work, made_of

RESIDENT = ResidentParameters(beats=48, images=8)
MACHINES = {
    # Few lanes, draws made one by one, three layers.
    "iterative": (
        random_network((6, 3, 3, 2), 1, states=4, current_bits=4),
        HardwareProfile(
            lanes=2, variation=VariationParameters(4, 1, redraw=True), resident=RESIDENT
        ),
        True,
    ),
    # All lanes, two rows and a draw a clock; images without numbers.
    "pipelined": (
        random_network((9, 5, 3), 2, states=4, neuron=ReluNeuron()),
        HardwareProfile(
            rows_per_clock=2,
            memory="ecp5",
            variation=VariationParameters(4, 22, redraw=True, use_noise=False),
            resident=RESIDENT,
        ),
        True,
    ),
    # An ECP5's memories with few lanes, noise drawn every clock, and a link for a UART.
    "mixed": (
        random_network((8, 5, 2), 3, states=4, current_bits=4),
        HardwareProfile(
            lanes=2,
            memory="ecp5",
            variation=VariationParameters(4, 1, noise_rounds_per_clock=22),
        ),
        False,
    ),
    # One lane for all columns, so that the engine is slower than the link; one layer, no chips.
    "slow": (random_network((20, 5), 4, states=4), HardwareProfile(lanes=1), True),
    # Feature maps, one of them pooled, two rows a clock.
    "maps": (
        random_network(
            (16, 3, 3, 2),
            5,
            kinds=(
                Convolution((4, 4, 1), (2, 2), (1, 1), (1, 0, 0, 1), 2),
                Convolution((2, 2, 3), (1, 2)),
            ),
            image_shape=(4, 4),
        ),
        HardwareProfile(rows_per_clock=2, memory="ecp5", resident=RESIDENT),
        True,
    ),
}
WINDOW = 256
SESSION = 42


class Watched:
    """A machine and its recording.

    Parameters
    ----------
    name : str
        Name of one of `MACHINES`.
    coverage : Coverage
        Gets the counts.
    """

    def __init__(self, name: str, coverage: Coverage) -> None:
        network, profile, every_clock = MACHINES[name]
        engine = EngineParameters.from_network(network, profile)
        link = LinkParameters(engine, window=WINDOW)
        self.work = Work.of(network, count=4)
        self.recording = recording = Recording(Top(TopParameters(link, every_clock=every_clock)))
        self.coverage = coverage
        self.bins = machine_bins(recording)
        self.transport = SimulatedTransport(recording, stall=0.2, seed=len(name))
        # The session's number is drawn anew each time: here all that happens is the same.
        with patch("allspin.host.link.line.secrets.randbelow", return_value=SESSION - 1):
            self.device = LinkedMachine(self.transport)

    def send(self, *requests: bytes) -> list[bytes]:
        """Answers to requests that are sent one straight after another: kind and body."""
        numbered = [
            encode_frame(request[:1] + number.to_bytes(2, "little") + request[1:])
            for number, request in enumerate(requests)
        ]
        return self.send_raw(b"".join(numbered), len(requests))

    def send_raw(self, data: bytes, count: int) -> list[bytes]:
        """The first answers to some bytes."""
        deframer = Deframer()
        found: list[bytes] = []
        while len(found) < count:
            _, received = self.transport.exchange(data, 1.0)
            data = b""
            found += deframer.feed(received)
        assert not deframer.bad
        return [answer[:1] + answer[ANSWER_HEADER_BYTES:] for answer in found]


def extreme_networks(network: Network) -> Iterator[Network]:
    """Networks whose full image gives the largest and the smallest sums, in every layer."""
    half = 2 ** (network.rah_bits - 1)
    for state in (1, 0):
        layers = []
        for number, layer in enumerate(network.layers):
            states = np.full(layer.states.shape, state if number == 0 else 1, np.uint8)
            if number == len(network.layers) - 1:
                states[:, 0] = 0
            converter, table = layer.converter, layer.table
            if converter is not None:
                gains = np.full_like(converter.gains, 2**GAIN_BITS - 1)
                converter = Converter(gains, np.zeros_like(gains), 0)
            if table is not None:
                table = np.full_like(table, 2**network.hidden_bits - 1)
            layers.append(Layer(states, np.array([-half, half - 1]), converter, table))
        yield dataclasses.replace(network, layers=tuple(layers))


def extremes(watched: Watched) -> None:
    """The largest and the smallest sums."""
    for network in extreme_networks(watched.work.network):
        watched.device.load(network)
        images = watched.work.images[:3]
        answers = watched.device.stream(images)
        np.testing.assert_array_equal(answers.logits, reference.logits(network, images))


def crowd(watched: Watched, level: int) -> None:
    """Images close together, of one level: numbers wait for noise, noise for sums, rows for all."""
    work, device = watched.work, watched.device
    device.load(work.network)
    images = np.full_like(work.images[:1], level).repeat(12, axis=0)
    logits = device.stream(images).logits
    np.testing.assert_array_equal(logits, reference.logits(work.network, images))


def memories(watched: Watched) -> None:
    """Resident images, and the contents of their memories, to a host that listens late."""
    work, device = watched.work, watched.device
    device.load(work.network)
    resident = work.resident(device)
    values = quantise_pixels(work.images.reshape(len(work.images), -1), device.identity.pixel_bits)
    rows_per_clock = device.identity.layers[0].rows_per_clock
    lines, beats = pack_images(values, rows_per_clock, device.identity.pixel_bits)
    count = int(beats[: resident.count].sum())
    read = device.read_back(ENGINE << 4 | RESIDENT_BEATS, 0, count, lines.shape[1])
    assert read == lines[:count].tobytes()
    read = device.read_back(ENGINE << 4 | LABELS, 0, resident.count, 2)
    assert read == work.labels[: resident.count].astype("<u2").tobytes()


def orders(watched: Watched) -> None:
    """Requests that follow one another at once: each finds the one before it done."""
    network, images = watched.work.network, watched.work.images[-1:]
    values = quantise_pixels(images.reshape(1, -1), network.pixel_bits)
    image = bytes([Request.IMAGE]) + encode_images(values, network.pixel_bits)[0]
    watched.device.load(network)
    requests, expected = [], []
    if Feature.RESIDENT in watched.device.identity.features:
        order = bytes([2, *bytes(15)])
        requests += [bytes([Request.WRITE, ENGINE << 4 | RESIDENT_RUN, 0, 0]) + order, image]
        expected += [bytes([Answer.WRITTEN]), logits_answer(watched.device, network, images)]
    # The same words the other way round, and back again.
    last = len(network.layers) - 1
    for turn in (-1, 1):
        words = [layer.words for layer in network.layers]
        words[last] = np.ascontiguousarray(words[last][::turn])
        requests += [bytes([Request.WRITE, last << 4, 0, 0]) + words[last].tobytes(), image]
        expected += [
            bytes([Answer.WRITTEN]),
            logits_answer(watched.device, network, images, words),
        ]
    assert watched.send(*requests) == expected


def logits_answer(
    device: LinkedMachine,
    network: Network,
    images: npt.NDArray[np.uint8],
    words: list[npt.NDArray[np.int8]] | None = None,
) -> bytes:
    """Expected answer to one image."""
    model = GoldenModel(network, words)
    size = device.identity.logit_bytes
    logits = [
        int(logit).to_bytes(size, "little", signed=True)
        for logit in reference.logits(model.network, images, model.words, model.noise)[0]
    ]
    class_ = int(model.classify(images)[0])
    return bytes([Answer.LOGITS]) + b"".join(logits) + class_.to_bytes(2, "little")


def chips(watched: Watched) -> None:
    """A chip of states, and one in place where that can be; some cells are stuck."""
    work, device = watched.work, watched.device
    makes = made_of(device, stuck=0.3, stuck_at="either")
    for seed in (7, 8) if Feature.REDRAW in device.identity.features else (7,):
        work.chip(device, makes, seed)


def errors(watched: Watched) -> None:
    """Each error code, then more damaged frames at once than the device tells."""
    nowhere = bytes([0x0E, 0, 0])
    damaged = b"\x05noise\0"
    expected = {
        ErrorCode.FRAME: damaged,
        ErrorCode.OVERFLOW: encode_frame(bytes([Request.WRITE, 9, 0]) + bytes(2 * WINDOW)),
        ErrorCode.KIND: encode_frame(bytes([0x77, 1, 0])),
        ErrorCode.SPACE: encode_frame(bytes([Request.READ, 2, 0]) + nowhere + bytes([1, 0])),
        ErrorCode.LENGTH: encode_frame(bytes([Request.WRITE, 3, 0, 0, 0, 0, 1])),
        ErrorCode.IMAGE: encode_frame(bytes([Request.IMAGE, 4, 0, 0xF9])),
    }
    assert set(expected) == set(ErrorCode)
    for code, frame in expected.items():
        assert watched.send_raw(frame, 1) == [bytes([Answer.ERROR, code])]
        watched.coverage.count(f"answer: error {code.name}")
    for _ in range(2):
        asked = encode_frame(bytes([Request.IDENTIFY, 1, 0]))
        answers = watched.send_raw(damaged * 12 + asked, PENDING_ERRORS + 1)
        assert answers.count(bytes([Answer.ERROR, ErrorCode.FRAME])) >= PENDING_ERRORS
        while not any(answer[0] == Answer.IDENTITY for answer in answers):
            answers = watched.send_raw(b"", 1)


def late_reader(watched: Watched) -> None:
    """More answers than the device has room for, and a host that is deaf for long."""
    work, device = watched.work, watched.device
    device.load(work.network)
    # The first fill the queue of answers, so that a line is held back while it is read.
    identify, read = bytes([Request.IDENTIFY]), bytes([Request.READ, ENGINE << 4 | COUNTERS])
    watched.transport.deaf_until = len(watched.recording) + 1800
    answers = watched.send(*[identify] * 7, *[read + bytes([0, 0, 2, 0])] * 8)
    assert len(set(answers[:7])) == 1
    assert answers[7:] == [bytes([Answer.LINES]) + bytes(16)] * 8
    # Round the tags too.
    device.session.line.next_tag = NO_TAG - 10
    images = np.full_like(work.images[:1], 255).repeat(50, axis=0)
    images[::7] = work.images[0]
    watched.transport.deaf_until = len(watched.recording) + 1600
    logits = device.stream(images).logits
    np.testing.assert_array_equal(logits, reference.logits(work.network, images))


STEPS: Mapping[str, Sequence[Callable[[Watched], None]]] = {
    "iterative": (extremes, partial(crowd, level=0), memories, orders, chips),
    # The link's own too, where no noise that is drawn holds images back.
    "pipelined": (extremes, chips, errors, late_reader),
    "mixed": (partial(crowd, level=0), chips),
    "slow": (partial(crowd, level=255),),
    "maps": (partial(crowd, level=255), memories),
}
"""Work of each machine."""


def drive(name: str, coverage: Coverage) -> None:
    """A machine of `MACHINES` does its steps, and is counted."""
    watched = Watched(name, coverage)
    watched.work.ideal(watched.device)
    for step in STEPS[name]:
        step(watched)
    coverage.add(watched.recording)
    for bin_, hits in watched.bins:
        coverage.count(bin_, hits())
