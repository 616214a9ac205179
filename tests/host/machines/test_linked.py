"""The host's device class against a device in plain Python, over a stream that loses things."""

import contextlib
import itertools
import math
import random
import struct
import time
from collections import deque
from collections.abc import Callable
from zlib import crc32

import numpy as np
import pytest
from cobs import cobs
from hypothesis import given, settings, strategies as st

from allspin.hdl.link.protocol import Request
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
from allspin.host.link.line import Undone
from allspin.host.link.transport import Disconnected, Transport
from allspin.host.machines.linked_machine import LinkedMachine
from allspin.host.machines.machine import ATTEMPTS, programmed_anew
from allspin.sim.errors import UserError
from allspin.sim.network import reference
from allspin.sim.network.random_network import random_images, random_network
from tests.host.link.test_payloads import slow_decode

NETWORK = random_network((30, 7, 5), 1)
WIDE = random_network((500, 20, 5), 0)
WINDOW = 256


def stuff(payload):
    return cobs.encode(payload + crc32(payload).to_bytes(4, "little")) + b"\0"


def unstuff(frame):
    try:
        content = cobs.decode(frame)
    except cobs.DecodeError:
        return None
    payload, check = content[:-4], content[-4:]
    is_whole = len(payload) >= 3 and crc32(payload).to_bytes(4, "little") == check
    return payload if is_whole else None


class PlainDevice:
    """Memories and counters as bytes; images by the golden model of the device's own network."""

    def __init__(self, network=NETWORK, window=WINDOW):
        self.engine = EngineParameters.from_network(network)
        self.window = window
        self.network = network
        spaces = memory_map(self.engine)
        self.line_bytes = {space.space: space.line_bytes for space in spaces}
        self.memories = {s.space: bytearray(s.lines * s.line_bytes) for s in spaces}
        self.session = 0

    def identity(self):
        engine = self.engine
        layers = [
            struct.pack("<HHHBB", c.rows, c.columns, c.lanes, c.sum_bits, 1)
            for c in engine.crossbars
        ]
        return struct.pack(
            "<4sBBIHBBBB8s8x", b"ASPN", 3, len(layers), 0, self.window, engine.pixel_bits,
            engine.hidden_bits, engine.rah_bits, engine.current_bits, engine.neuron.encode(),
        ) + b"".join(layers)  # fmt: skip

    def reset(self):
        """Lose everything."""
        self.session = 0
        for memory in self.memories.values():
            memory[:] = bytes(len(memory))

    def answer(self, payload):
        if payload[0] == 1:
            self.session = payload[3] if len(payload) > 3 else self.session
        kind, body = self.carry_out(payload[0], payload[3:])
        return bytes([kind]) + payload[1:3] + bytes([self.session]) + body

    def carry_out(self, kind, body):
        if kind == 1:
            return 0x81, self.identity()
        if kind == 4:
            rows, bits = self.engine.crossbars[0].rows, self.engine.pixel_bits
            # Grey levels that round to the very values.
            image = np.array([slow_decode(body, rows, bits)], np.uint8) * 17
            logits = reference.logits(self.network, image)[0]
            width = self.engine.logit_bytes
            coded = b"".join(int(v).to_bytes(width, "little", signed=True) for v in logits)
            return 0x84, coded + int(np.argmax(logits)).to_bytes(2, "little")
        space, address = body[0], int.from_bytes(body[1:3], "little")
        if space not in self.memories:
            return 0xFF, b"\4"
        width, memory = self.line_bytes[space], self.memories[space]
        start = address * width
        if kind == 3:
            return 0x83, bytes(memory[start : start + int.from_bytes(body[3:5], "little") * width])
        if space & 15 == 4:
            for other in self.memories:
                if other & 15 == 4:
                    self.memories[other][:] = bytes(16)
        else:
            memory[start : start + len(body) - 3] = body[3:]
        return 0x82, b""


class Wire(Transport):
    """Carries frames to a plain device, each as `damage` leaves it: requests and answers in turn.

    It answers at most `slots` frames at a time; if `strict`, the host must not wait in vain.
    """

    name = "the test"
    attempts = 30
    advice = "try another"

    def __init__(self, device, damage=lambda frame: frame, slots=10**6, strict=False):
        self.device = device
        self.latency = self.timeout = self.probe_timeout = 0.01
        self.damage, self.slots, self.strict = damage, slots, strict
        self.incoming = b""
        self.frames = deque()
        self.outgoing = deque()
        self.most = 0
        self.is_late: Callable[[], bool] = lambda: False
        self.lengths = []

    def exchange(self, data, timeout):
        self.incoming += data
        *whole, self.incoming = self.incoming.split(b"\0")
        self.frames += [frame + b"\0" for frame in whole if frame]
        self.most = max(self.most, sum(map(len, self.frames)) + len(self.incoming))
        # The wire damages bytes, so a frame's end may go too.
        slots = min(self.slots, len(self.frames))
        asked = [self.frames.popleft() for _ in range(slots)]
        self.lengths += map(len, asked)
        for frame in b"".join(map(self.damage, asked)).split(b"\0"):
            if frame:
                payload = unstuff(frame)
                if payload is None:
                    answer = b"\xff\xff\xff" + bytes([self.device.session, 1])
                else:
                    answer = self.device.answer(payload)
                self.outgoing.append(self.damage(stuff(answer)))
        # Late answers stay in the wire until the host asks again.
        received = b""
        if not self.is_late():
            received = b"".join(self.outgoing)
            self.outgoing.clear()
        if not received and not data:
            assert not self.strict or self.frames, "the host waits in vain"
            time.sleep(min(timeout, 0.002))
        return len(data), received

    def close(self):
        pass


def faulty(device, seed, fault, slots=10**6):
    """A wire that loses, doubles, damages or delays frames with a probability."""
    draws = random.Random(seed)

    def damage(frame):
        if draws.random() >= fault:
            return frame
        place, change = draws.randrange(len(frame)), draws.randrange(1, 256)
        begin, rest = frame[:place], frame[place + 1 :]
        other = begin + bytes([frame[place] ^ change]) + rest
        return draws.choice([b"", frame * 2, begin + rest, other])

    wire = Wire(device, damage, slots)
    wire.is_late = lambda: draws.random() < fault
    return wire


def changed(faults):
    """Return a function that changes frames of certain numbers."""
    numbers = itertools.count(1)
    return lambda frame: faults.get(next(numbers), lambda frame: frame)(frame)


def flipping(probability, seed=0):
    """Return a function that damages each byte with some probability."""
    draws = random.Random(seed)
    return lambda frame: bytes(byte ^ (draws.random() < probability) for byte in frame)


@pytest.fixture
def plain():
    return PlainDevice()


@pytest.fixture
def device(plain):
    """The host's end of a line without losses."""
    return LinkedMachine(Wire(plain))


def expected(images):
    return reference.logits(NETWORK, images)


def is_right(device, images):
    return (device.stream(images).logits == expected(images)).all()


def test_lines_are_read_back_from_any_address(device):
    device.load(NETWORK)
    first = NETWORK.layers[0]
    assert first.converter is not None
    converter = np.stack([first.converter.gains, first.converter.offsets], axis=1).astype("<i2")
    assert device.read_back(0x00, 11, 2, 7) == first.words[11:13].tobytes()
    assert device.read_back(0x02, 3, 4, 4) == converter[3:].tobytes()


def test_logits_and_progress(plain):
    device = LinkedMachine(Wire(plain, slots=3))
    images = random_images(NETWORK, 200, 3)
    seen = []
    answers = device.stream(images, seen.append)
    assert (answers.logits == expected(images)).all()
    assert answers.logits.min() < 0 < answers.logits.max()
    assert (answers.classes == expected(images).argmax(axis=1)).all()
    assert seen == sorted(set(seen))
    assert seen[-1] == 200
    assert device.resent == 0
    assert device.stream(images[:0]).logits.shape == (0, 5)


@pytest.mark.parametrize(
    ("holds_back", "least", "most"), [(False, WINDOW // 2, WINDOW), (True, 3 * WINDOW, math.inf)]
)
def test_the_window_is_kept_and_used_where_the_stream_does_not_hold_back(
    plain, holds_back, least, most
):
    wire = Wire(plain, slots=1)
    wire.holds_back = holds_back
    LinkedMachine(wire).stream(random_images(NETWORK, 100, 3))
    assert least < wire.most <= most


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.25]), st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_faults_on_the_wire_change_nothing(seed, fault, slots):
    device = LinkedMachine(faulty(PlainDevice(), seed, fault, slots))
    device.load(NETWORK)
    assert device.read_back(0x10, 0, 7, 5) == NETWORK.layers[1].words.tobytes()
    assert is_right(device, random_images(NETWORK, 40, seed))


# Frames: the identity's two, then a request and its answer in turn; the fourth is an answer.
@pytest.mark.parametrize("lost", [3, 4])
def test_an_overtaken_request_is_sent_again_without_waiting(plain, lost):
    wire = Wire(plain, changed({lost: lambda frame: b""}), slots=1, strict=True)
    device = LinkedMachine(wire)
    assert is_right(device, random_images(NETWORK, 8, 0))
    assert device.resent == 1


def test_a_damaged_lone_request_is_sent_again_without_waiting(plain):
    wire = Wire(plain, changed({1: lambda frame: b"\x05" + frame[1:]}), slots=1, strict=True)
    assert LinkedMachine(wire).resent == 1


def test_a_lost_end_costs_one_attempt(plain):
    wire = Wire(plain, slots=1)
    wire.attempts = 2
    exchange = wire.exchange
    ends = iter([b""])  # the first frame's end is lost on the way

    def lossy(data, timeout):
        sent = data[:-1] + next(ends, data[-1:]) if data else data
        return len(data), exchange(sent, timeout)[1]

    wire.exchange = lossy
    assert LinkedMachine(wire).resent == 0


def test_remains_of_an_earlier_host_do_no_harm(plain):
    wire = Wire(plain)
    wire.attempts = 1
    wire.incoming = stuff(b"\4\0\0\x01")[:-3]  # half a request
    wire.outgoing += map(stuff, [b"\x84\0\0\0" + bytes(17), b"\x81\1\0\0late"])
    assert LinkedMachine(wire).identity.topology == (30, 7, 5)


NOTHING = "nothing that speaks allspin's protocol answers on the test; try another"


def no_answer(data, timeout):
    time.sleep(timeout)
    return len(data), b""


def nothing_taken(data, timeout):
    time.sleep(timeout)
    return 0, b""


def noise_without_an_end(data, timeout):
    time.sleep(0.001)
    return len(data), b"noise" * 4


def death(data, timeout):
    raise Disconnected("the test is gone")


@pytest.mark.parametrize(
    ("exchange", "line"),
    [
        (no_answer, NOTHING),
        (nothing_taken, NOTHING),
        (noise_without_an_end, "nothing that speaks allspin's protocol"),
        (death, "the test is gone"),
    ],
)
def test_a_stream_without_answers_is_one_line(plain, exchange, line):
    wire = Wire(plain)
    wire.attempts, wire.exchange = 3, exchange
    with pytest.raises(UserError, match=line):
        LinkedMachine(wire)


def test_silence_is_one_line_after_a_few_attempts(plain):
    wire = Wire(plain)
    wire.attempts = 3
    device = LinkedMachine(wire)
    wire.exchange = no_answer
    with pytest.raises(UserError, match="the test does not answer any more; try another"):
        device.clear_counters()


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"\4", "it has no such memory.*"), (b"\x4d", "error 77"), (b"", "error 0")],
)
def test_a_refused_request_is_one_line(plain, device, body, reason):
    plain.carry_out = lambda *request: (0xFF, body)
    with pytest.raises(UserError, match=f"the test refused a request: {reason}$"):
        device.clear_counters()


def test_a_read_that_comes_back_short_is_one_line(plain, device):
    carry_out = plain.carry_out
    plain.carry_out = lambda *request: (0x83, carry_out(*request)[1][:-1])
    with pytest.raises(UserError, match=r"the test answered a READ of 210 bytes with 20\d$"):
        device.read_words(0)


def test_lines_that_fill_their_frames_are_not_followed_by_a_frame_of_none():
    # A frame has room for one line of the first layer.
    network = random_network((8, 90, 3), 1)
    plain = PlainDevice(network)
    carry_out, bodies = plain.carry_out, []

    def counted(kind, body):
        if kind == 2 and body[0] & 15 == 0:
            bodies.append(body[3:])
        return carry_out(kind, body)

    plain.carry_out = counted
    LinkedMachine(Wire(plain)).load(network)
    assert len(bodies) > 8
    assert all(bodies)


def test_another_network_is_one_line(device):
    with pytest.raises(UserError, match="it has topology up to 30-7-5, not 30-8-5"):
        device.load(random_network((30, 8, 5), 0))


def test_a_request_beyond_the_window_is_one_line():
    wide = random_network((30, 300, 5), 0)
    with pytest.raises(UserError, match="does not fit the window of the test, 256 bytes"):
        LinkedMachine(Wire(PlainDevice(wide))).load(wide)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"nonsense", "the test cannot be used: its identity is not allspin's"),
        (b"ASPN\x07" + bytes(40), "the test cannot be used: it speaks version 7"),
    ],
)
def test_another_protocol_is_one_line(plain, body, line):
    plain.identity = lambda: body
    with pytest.raises(UserError, match=line):
        LinkedMachine(Wire(plain))


def test_images_of_another_size_are_a_fault(device):
    with pytest.raises(ValueError, match="images must have 30 pixels each, not"):
        device.stream(np.zeros((2, 31), dtype=np.uint8))


@pytest.mark.parametrize("after", range(1, 30, 4))
def test_a_reset_is_noticed_whenever_it_comes(plain, after):
    """The reset comes at the answer to a request, or between two requests."""

    def reset(frame):
        plain.reset()
        return frame

    device = LinkedMachine(Wire(plain, changed({2 * after + 2: reset}), slots=1))

    def work():
        device.load(NETWORK)
        device.stream(random_images(NETWORK, 40, 1))
        device.counters()

    with pytest.raises(
        UserError, match=r"^the test was reset: it is no longer what it was .*again$"
    ):
        work()


def test_another_host_s_session_is_noticed(plain, device):
    plain.session = plain.session % 255 + 1
    with pytest.raises(UserError, match="the test was taken by another program"):
        device.load(NETWORK)


@pytest.mark.parametrize("times", [1, ATTEMPTS - 1, 10**6])
def test_a_second_program_that_takes_it_again_and_again_ends_work(plain, device, times):
    other, asked, answer = LinkedMachine(Wire(plain)), [], plain.carry_out
    other.session.line.session = device.session.line.session % 255 + 1
    device.reopen()

    def carry_out(kind, body):
        if kind == 4 and len(asked) < times:
            asked.append(body)
            other.reopen()
        return answer(kind, body)

    plain.carry_out = carry_out
    said: list[str] = []

    def work():
        device.load(NETWORK)
        assert is_right(device, random_images(NETWORK, 1, 0))

    def anew(why: str) -> None:
        said.append(why)
        device.reopen()

    fails = pytest.raises(Undone, match="the test was taken by another program")
    with contextlib.nullcontext() if times < ATTEMPTS else fails:
        programmed_anew(work, anew)
    assert len(said) == min(times, ATTEMPTS - 1)
    assert len(asked) == min(times, ATTEMPTS)


LINE = bytes(3 + 7)
"""Body of a WRITE of the first row's words."""


@pytest.mark.parametrize(
    ("work", "is_fault"),
    [
        (lambda device: device.load(NETWORK), False),
        # A later write differs: another programming, or another group.
        (lambda device: [device.load(NETWORK) for _ in range(2)], True),
        (lambda device: device.session.ask_groups([[(Request.WRITE, LINE)] * 2] * 2), True),
    ],
)
def test_a_lost_frame_may_come_late_only_where_the_same_is_there(plain, work, is_fault):
    wire, late = Wire(plain, slots=1), []
    device = LinkedMachine(wire)
    wire.damage = changed({1: lambda frame: late.append(frame) or b""})
    work(device)
    assert device.resent in (1, 2)  # a group as a whole
    wire.frames += late
    with pytest.raises(Undone) if is_fault else contextlib.nullcontext():
        assert is_right(device, random_images(NETWORK, 4, 0))
    wire.frames += late  # now it was answered once, as it was sent
    with pytest.raises(Undone):
        device.counters()


def test_a_frame_of_a_host_before_is_noticed_though_it_has_a_tag_of_its_own(plain):
    wire, asked, answer = Wire(plain), [], plain.answer
    before = LinkedMachine(wire)
    plain.answer = lambda payload: asked.append(payload) or answer(payload)
    before.load(NETWORK)
    plain.answer = answer
    device = LinkedMachine(wire)
    device.load(NETWORK)
    for payload in asked:
        wire.frames.append(stuff(payload))
        with pytest.raises(Undone):
            device.counters()


@pytest.mark.parametrize("seed", range(30))
def test_later_requests_are_sent_after_all_earlier_answers(plain, seed):
    # The second of two groups of writes to one line wins, even if frames of either are lost.
    device = LinkedMachine(faulty(plain, seed, fault=0.2))
    for value in (1, 2, 3):
        device.write_memories([(0x00, np.full((30, 7), value, np.uint8))])
        assert plain.memories[0x00] == bytes([value] * 210)


def test_two_frames_of_lines_fit_the_window(plain):
    wire = Wire(plain)
    LinkedMachine(wire).load(NETWORK)
    assert WINDOW // 2 - 20 < max(wire.lengths) <= WINDOW // 2


def test_frames_become_as_long_as_the_line_bears():
    wire = Wire(PlainDevice(WIDE, window=4096))
    device = LinkedMachine(wire)
    device.load(WIDE)
    assert max(wire.lengths) > 400
    wire.damage, wire.lengths = flipping(0.0025, 1), []
    device.load(WIDE)
    assert wire.device.memories[0x00] == WIDE.layers[0].words.tobytes()
    # Frames that were cut before the line turned bad keep their length; clearing has 18 bytes.
    assert min(length for length in wire.lengths if length > 20) < 200
    assert device.damaged > 10


def test_a_slow_device_on_a_bad_line_is_not_taken_for_a_line_that_is_too_bad():
    wire = Wire(PlainDevice(WIDE, window=32768), slots=1)
    device = LinkedMachine(wire)
    wire.damage = flipping(0.002, 3)
    device.load(WIDE)
    assert wire.device.memories[0x00] == WIDE.layers[0].words.tobytes()
    assert device.resent < 2 * device.damaged


def test_a_line_that_damages_eight_answers_to_the_first_request_is_given_up():
    def hurt(frame):
        return frame[:4] + b"\x55" + frame[5:]

    def opened(answers):
        wire = Wire(PlainDevice(), changed({2 * number: hurt for number in range(1, answers + 1)}))
        # No frame is sent again for lateness on a busy machine, which would be one more frame.
        wire.latency = wire.timeout = wire.probe_timeout = 5.0
        return LinkedMachine(wire)

    assert opened(7).damaged == 7
    with pytest.raises(UserError, match=r"on the test \(8 frames came damaged\)"):
        opened(8)


class TimedWire(Wire):
    """A wire whose time passes by what the host waits."""

    seconds = 0.0

    def clock(self):
        return self.seconds

    def exchange(self, data, timeout):
        sent, received = super().exchange(data, 0.0)
        self.seconds += 1e-3 if received else timeout
        return sent, received


def test_a_line_without_a_new_answer_is_given_up_after_twenty_seconds(plain):
    wire = TimedWire(plain)
    device = LinkedMachine(wire)
    # Late answers are whole, so the device is not silent, and few frames are lost in all.
    wire.latency = wire.timeout = 4.0
    wire.damage = lambda frame: frame if len(frame) < 12 else b""
    start = wire.seconds
    with pytest.raises(UserError, match="the line to the test is too bad"):
        device.load(NETWORK)
    assert 20 <= wire.seconds - start <= 20 + 4


def test_a_line_that_answers_further_requests_is_not_given_up(plain):
    wire = TimedWire(plain)
    device = LinkedMachine(wire)
    device.load(NETWORK)
    bodies = [struct.pack("<BHH", 0x00, line % 30, 1) for line in range(600)]
    unlucky = struct.pack("<BHH", 0x00, 7, 2)
    losses = 0

    def damage(frame):
        nonlocal losses
        payload = unstuff(frame[:-1])
        if payload is None or payload[0] != Request.READ or payload[3:] != unlucky or losses == 50:
            return frame
        losses += 1
        return b""

    wire.damage = damage
    first, *others = device.session.ask(Request.READ, [unlucky, *bodies])
    words = NETWORK.layers[0].words
    assert first == words[7:9].tobytes()
    assert others == [words[line % 30].tobytes() for line in range(600)]
    assert losses == 50


def test_a_line_that_is_too_bad_is_one_line(plain):
    wire = Wire(plain)
    device = LinkedMachine(wire)
    wire.damage = flipping(0.05)
    line = (
        r"the line to the test is too bad: \d+ frames came damaged, and \d+ requests had to be "
        r"sent again; look at the cable, or take a lower baud rate"
    )
    with pytest.raises(UserError, match=line):
        device.load(NETWORK)
