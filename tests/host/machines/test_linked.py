"""The host's device class against a device in plain Python, over a stream that loses things."""

import random
import struct
import time
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.hdl.parameters.engine import EngineParameters, memory_map
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.host.link.transport import Disconnected, Transport
from allspin.host.machines.linked import LinkedMachine
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.random_networks import random_images, random_network
from tests.hdl.bench.chips import RandomChip

NETWORK = random_network((30, 7, 5), 1)
WINDOW = 256


def table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        yield value


TABLE = tuple(table())


def crc(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def stuff(payload):
    content = payload + crc(payload).to_bytes(4, "little")
    blocks = []
    for block in content.split(b"\0"):
        while len(block) >= 254:
            blocks.append(b"\xff" + block[:254])
            block = block[254:]
        blocks.append(bytes([len(block) + 1]) + block)
    return b"".join(blocks) + b"\0"


def unstuff(frame):
    content = bytearray()
    while frame:
        code = frame[0]
        block, frame = frame[1:code], frame[code:]
        if code == 0 or len(block) != code - 1:
            return None
        content += block
        if code < 0xFF and frame:
            content.append(0)
    payload, check = content[:-4], content[-4:]
    if len(payload) < 3 or crc(payload) != int.from_bytes(check, "little"):
        return None
    return bytes(payload)


class PlainDevice:
    """Memories and counters as bytes; images by the golden model of what it was built for."""

    def __init__(self, network, window=WINDOW, noise=None):
        variation = None if noise is None else VariationParameters(10)
        self.engine = EngineParameters.from_network(network, HardwareProfile(variation=variation))
        self.network = network
        self.window = window
        self.model = GoldenModel(network, noise=noise)
        self.features = 0 if noise is None else 4
        self.memories = {
            space.space: bytearray(space.lines * space.line_bytes)
            for space in memory_map(self.engine)
        }
        self.session = 0
        self.line_bytes = {space.space: space.line_bytes for space in memory_map(self.engine)}

    def identity(self):
        engine = self.engine
        layers = [
            struct.pack("<HHHBB", c.rows, c.columns, c.lanes, c.sum_bits, 1)
            for c in engine.crossbars
        ]
        return struct.pack(
            "<4sBBIHBBBB8sB7x", b"ASPN", 3, len(layers), 0, self.window, engine.pixel_bits,
            engine.hidden_bits, engine.rah_bits, engine.current_bits, engine.neuron.encode(),
            self.features,
        ) + b"".join(layers)  # fmt: skip

    def pixels(self, body):
        values = np.zeros(self.engine.crossbars[0].rows, dtype=np.uint8)
        row = place = 0
        while place < len(body):
            row += body[place] >> 3
            length = body[place] & 7
            place += 1
            for number in range(length):
                values[row + number] = body[place + number // 2] >> 4 * (number % 2) & 15
            place += (length + 1) // 2
            row += length
        return values

    def reset(self):
        """Lose everything."""
        self.session = 0
        for memory in self.memories.values():
            memory[:] = bytes(len(memory))

    def answer(self, payload):
        if payload[0] == 1:
            self.session = payload[3] if len(payload) > 3 else self.session
        answer = self.carry_out(payload)
        return answer[:3] + bytes([self.session]) + answer[3:]

    def carry_out(self, payload):
        kind, tag, body = payload[0], payload[1:3], payload[3:]
        if kind == 1:
            return b"\x81" + tag + self.identity()
        number = 0
        if kind == 5 and self.features:
            kind, number, body = 4, int.from_bytes(body[:4], "little"), body[4:]
        if kind == 4:
            # Grey levels that round to the very values.
            logits = self.model.logits(self.pixels(body)[np.newaxis] * 17, number)[0]
            width = self.engine.logit_bytes
            coded = b"".join(int(v).to_bytes(width, "little", signed=True) for v in logits)
            return b"\x84" + tag + coded + int(np.argmax(logits)).to_bytes(2, "little")
        space, address = body[0], int.from_bytes(body[1:3], "little")
        if space not in self.memories:
            return b"\xff" + tag + b"\4"
        width = self.line_bytes[space]
        memory = self.memories[space]
        if kind == 2:
            data = body[3:]
            if space & 15 == 4:
                for other in self.memories:
                    if other & 15 == 4:
                        self.memories[other][:] = bytes(16)
            else:
                memory[address * width : address * width + len(data)] = data
            return b"\x82" + tag
        count = int.from_bytes(body[3:5], "little")
        return b"\x83" + tag + bytes(memory[address * width : (address + count) * width])


class FaultyTransport(Transport):
    """Carries frames to a plain device; some get lost, damaged, late or doubled on the way."""

    name = "the test"
    attempts = 30
    advice = "try another"

    def __init__(self, device, seed=0, fault=0.0, slots=10**6):
        self.device = device
        self.latency = self.timeout = self.probe_timeout = 0.01
        self.random = random.Random(seed)
        self.fault = fault
        self.slots = slots  # frames answered at a time
        self.incoming = b""
        self.frames = deque()
        self.outgoing = deque()
        self.most = 0

    def damage(self, frame):
        """The frame as the wire leaves it."""
        if self.random.random() >= self.fault:
            return frame
        kind = self.random.randrange(4)
        place = self.random.randrange(len(frame))
        if kind == 0:
            return b""
        if kind == 1:
            return frame + frame
        if kind == 2:
            return (
                frame[:place]
                + bytes([frame[place] ^ self.random.randrange(1, 256)])
                + (frame[place + 1 :])
            )
        return frame[:place] + frame[place + 1 :]

    def exchange(self, data, timeout):
        self.incoming += data
        *whole, self.incoming = self.incoming.split(b"\0")
        self.frames += [frame + b"\0" for frame in whole if frame]
        self.most = max(self.most, sum(map(len, self.frames)) + len(self.incoming))
        # The wire damages bytes, so a frame's end may go too.
        slots = min(self.slots, len(self.frames))
        wire = b"".join(self.damage(self.frames.popleft()) for _ in range(slots))
        for frame in wire.split(b"\0"):
            if frame:
                payload = unstuff(frame)
                if payload is None:
                    answer = b"\xff\xff\xff" + bytes([self.device.session, 1])
                else:
                    answer = self.device.answer(payload)
                self.outgoing.append(self.damage(stuff(answer)))
        # Late answers: what is there stays in the wire until it is asked for again.
        if self.random.random() < self.fault:
            time.sleep(min(timeout, 0.002))
            return len(data), b""
        received = b"".join(self.outgoing)
        self.outgoing.clear()
        if not received and not data:
            time.sleep(min(timeout, 0.002))
        return len(data), received

    def close(self):
        self.closed = True


def expected(images):
    return GoldenModel(NETWORK).logits(images)


def test_identity_program_and_read_back():
    plain = PlainDevice(NETWORK)
    device = LinkedMachine(FaultyTransport(plain))
    assert device.identity.topology == (30, 7, 5)
    device.program(NETWORK)
    first, last = NETWORK.layers
    assert first.table is not None
    assert first.converter is not None
    assert plain.memories[0x00] == first.words.tobytes()
    assert plain.memories[0x10] == last.words.tobytes()
    assert plain.memories[0x01] == first.table.tobytes()
    converter = b"".join(
        struct.pack("<Hh", int(gain), int(offset))
        for gain, offset in zip(first.converter.gains, first.converter.offsets, strict=True)
    )
    assert plain.memories[0x02] == converter
    assert plain.memories[0x03] == bytes([first.converter.shift])
    assert device.reads_words
    assert device.read_back(0x00, 0, 30, 7) == first.words.tobytes()
    assert device.read_back(0x00, 11, 2, 7) == first.words[11:13].tobytes()
    assert device.read_back(0x02, 3, 4, 4) == converter[12:]


def test_counters_by_layer():
    plain = PlainDevice(NETWORK)
    device = LinkedMachine(FaultyTransport(plain))
    plain.memories[0xF4][:] = struct.pack("<QQ", 2**40 + 5, 7)
    plain.memories[0x04][:] = struct.pack("<QQ", 11, 12)
    plain.memories[0x14][:] = struct.pack("<QQ", 13, 14)
    counters = device.counters()
    assert (counters.cycles, counters.images) == (2**40 + 5, 7)
    assert (counters.rows, counters.neurons) == ((11, 13), (12, 14))
    device.clear_counters()
    assert device.counters().cycles == 0


def test_logits_and_progress():
    device = LinkedMachine(FaultyTransport(PlainDevice(NETWORK), slots=3))
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


def test_the_window_is_kept_and_used():
    transport = FaultyTransport(PlainDevice(NETWORK), slots=1)
    LinkedMachine(transport).stream(random_images(NETWORK, 100, 3))
    assert WINDOW // 2 < transport.most <= WINDOW


def test_a_stream_that_holds_back_needs_no_window():
    transport = FaultyTransport(PlainDevice(NETWORK), slots=1)
    transport.holds_back = True
    LinkedMachine(transport).stream(random_images(NETWORK, 100, 3))
    assert transport.most > 3 * WINDOW


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.25]), st.integers(1, 8))
@settings(deadline=None, max_examples=40)
def test_faults_on_the_wire_change_nothing(seed, fault, slots):
    device = LinkedMachine(FaultyTransport(PlainDevice(NETWORK), seed, fault, slots))
    device.program(NETWORK)
    assert device.read_back(0x10, 0, 7, 5) == NETWORK.layers[1].words.tobytes()
    images = random_images(NETWORK, 40, seed)
    answers = device.stream(images)
    assert (answers.logits == expected(images)).all()


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2]))
@settings(deadline=None, max_examples=10)
def test_faults_on_the_wire_change_no_image_s_noise(seed, fault):
    chip = RandomChip(NETWORK, seed)
    device = LinkedMachine(FaultyTransport(PlainDevice(NETWORK, noise=chip), seed, fault, 3))
    images = random_images(NETWORK, 40, seed)
    wanted = GoldenModel(NETWORK, noise=chip)
    assert (device.stream(images).logits == wanted.logits(images)).all()
    later = device.stream(images, first=65_520)
    assert (later.logits == wanted.logits(images, 65_520)).all()
    device.program(NETWORK)


def test_lost_requests_are_sent_again():
    device = LinkedMachine(FaultyTransport(PlainDevice(NETWORK), seed=5, fault=0.2))
    device.stream(random_images(NETWORK, 50, 0))
    assert device.resent > 5


class Impatient(FaultyTransport):
    """Does to certain frames what the test says, and fails where the host waits for nothing."""

    attempts = 2

    def __init__(self, device, faults, patience=0):
        super().__init__(device, slots=1)
        self.latency = self.timeout = self.probe_timeout = 0.01
        self.faults = faults
        self.patience = patience
        self.seen = 0

    def damage(self, frame):
        self.seen += 1
        return self.faults.get(self.seen, lambda frame: frame)(frame)

    def exchange(self, data, timeout):
        sent, received = super().exchange(data, timeout)
        if not data and not received and not self.frames:
            assert self.patience, "the host waits in vain"
            time.sleep(timeout)
        return sent, received


def test_an_overtaken_request_is_sent_again_without_waiting():
    # Frames: the identity's two, then a request and its answer in turn; the fourth is an answer.
    for fault in (3, 4):
        transport = Impatient(PlainDevice(NETWORK), {fault: lambda frame: b""})
        device = LinkedMachine(transport)
        images = random_images(NETWORK, 8, 0)
        assert (device.stream(images).logits == expected(images)).all()
        assert device.resent == 1


def test_a_damaged_lone_request_is_sent_again_without_waiting():
    transport = Impatient(PlainDevice(NETWORK), {1: lambda frame: b"\x05" + frame[1:]})
    assert LinkedMachine(transport).resent == 1


def test_a_lost_end_costs_one_attempt():
    transport = Impatient(PlainDevice(NETWORK), {}, patience=1)
    exchange = transport.exchange
    ends = iter([b""])  # the first frame's end is lost on the way

    def lossy(data, timeout):
        wire = data[:-1] + next(ends, data[-1:]) if data else data
        return len(data), exchange(wire, timeout)[1]

    transport.exchange = lossy
    assert LinkedMachine(transport).resent == 1


def test_what_a_host_before_left_behind_does_no_harm():
    transport = FaultyTransport(PlainDevice(NETWORK))
    transport.attempts = 1
    transport.incoming = stuff(b"\4\0\0\x01")[:-3]  # half a request
    transport.outgoing += map(stuff, [b"\x84\0\0\0" + bytes(17), b"\x81\1\0\0late"])
    assert LinkedMachine(transport).identity.topology == (30, 7, 5)


class Silent(FaultyTransport):
    """Answers the first so many requests, then no more."""

    attempts = 3

    def __init__(self, device, answered):
        super().__init__(device)
        self.answered = answered
        self.sent = []

    def exchange(self, data, timeout):
        self.sent += [frame for frame in data.split(b"\0") if frame]
        if len(self.sent) > self.answered:
            time.sleep(timeout)
            return len(data), b""
        return super().exchange(data, timeout)


def test_silence_is_one_line_after_a_few_attempts():
    transport = Silent(PlainDevice(NETWORK), answered=0)
    line = "nothing that speaks allspin's protocol answers on the test; try another"
    with pytest.raises(UserError, match=line):
        LinkedMachine(transport)
    assert len(transport.sent) == 3

    device = LinkedMachine(Silent(PlainDevice(NETWORK), answered=1))
    with pytest.raises(UserError, match="the test does not answer any more; try another"):
        device.stream(random_images(NETWORK, 5, 0))


class Noisy(FaultyTransport):
    attempts = 3

    def exchange(self, data, timeout):
        time.sleep(0.001)
        return len(data), bytes(self.random.randrange(256) for _ in range(20))


def test_noise_without_an_end_is_silence_too():
    with pytest.raises(UserError, match="nothing that speaks allspin's protocol"):
        LinkedMachine(Noisy(PlainDevice(NETWORK)))


class Deaf(FaultyTransport):
    def exchange(self, data, timeout):
        time.sleep(timeout)
        return 0, b""


def test_a_stream_that_takes_nothing_is_silence_too():
    with pytest.raises(UserError, match="nothing that speaks allspin's protocol"):
        LinkedMachine(Deaf(PlainDevice(NETWORK)))


def test_the_end_of_the_stream_goes_through():
    class Dying(FaultyTransport):
        def exchange(self, data, timeout):
            raise Disconnected("the test is gone")

    with pytest.raises(UserError, match="the test is gone"):
        LinkedMachine(Dying(PlainDevice(NETWORK)))


def test_a_refused_request_is_one_line():
    device = LinkedMachine(FaultyTransport(PlainDevice(NETWORK)))
    with pytest.raises(UserError, match="the test refused a request: it has no such memory"):
        device.write(0x55, 0, b"\0")


@pytest.mark.parametrize(("body", "code"), [(b"\x4d", 77), (b"", 0)])
def test_a_refusal_for_an_unknown_reason_is_one_line(body, code):
    plain = PlainDevice(NETWORK)
    device = LinkedMachine(FaultyTransport(plain))
    plain.carry_out = lambda payload: b"\xff" + payload[1:3] + body
    with pytest.raises(UserError, match=f"the test refused a request: error {code}$"):
        device.clear_counters()


def test_a_read_that_comes_back_short_is_one_line():
    plain = PlainDevice(NETWORK)
    device = LinkedMachine(FaultyTransport(plain))
    device.program(NETWORK)
    answer = plain.carry_out
    plain.carry_out = lambda payload: answer(payload)[: -1 if payload[0] == 3 else None]
    with pytest.raises(UserError, match=r"the test answered a READ of 210 bytes with 20\d$"):
        device.read_words(0)


def test_lines_that_fill_their_frames_are_not_followed_by_a_frame_of_none():
    bodies = []

    class Counting(PlainDevice):
        def carry_out(self, payload):
            if payload[0] == 2 and payload[3] & 15 == 0:
                bodies.append(payload[6:])
            return super().carry_out(payload)

    # A frame has room for one line of the first layer.
    network = random_network((8, 90, 3), 1)
    LinkedMachine(FaultyTransport(Counting(network))).program(network)
    assert len(bodies) > 8
    assert all(bodies)


def test_another_network_is_one_line():
    device = LinkedMachine(FaultyTransport(PlainDevice(NETWORK)))
    with pytest.raises(UserError, match="it has topology 30-7-5, not 30-8-5"):
        device.program(random_network((30, 8, 5), 0))


def test_a_request_beyond_the_window_is_one_line():
    wide = random_network((30, 300, 5), 0)
    device = LinkedMachine(FaultyTransport(PlainDevice(wide)))
    with pytest.raises(UserError, match="does not fit the window of the test, 256 bytes"):
        device.program(wide)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"nonsense", "the test cannot be used: its identity is not allspin's"),
        (b"ASPN\x07" + bytes(40), "the test cannot be used: it speaks version 7"),
    ],
)
def test_another_protocol_is_one_line(body, line):
    plain = PlainDevice(NETWORK)
    plain.identity = lambda: body
    with pytest.raises(UserError, match=line):
        LinkedMachine(FaultyTransport(plain))


def test_images_of_another_size_are_a_fault():
    device = LinkedMachine(FaultyTransport(PlainDevice(NETWORK)))
    with pytest.raises(ValueError, match="images must have 30 pixels, not 31"):
        device.stream(np.zeros((2, 31), dtype=np.uint8))


class Resetting(FaultyTransport):
    """Resets the device when it has taken so many requests."""

    def __init__(self, device, after):
        super().__init__(device, slots=1)
        self.left = after

    def damage(self, frame):
        # Called for each request and each answer, in turn.
        self.left -= 0.5
        if self.left == 0:
            self.device.reset()
        return super().damage(frame)


@pytest.mark.parametrize("after", range(1, 30, 4))
def test_a_reset_is_noticed_whenever_it_comes(after):
    device = LinkedMachine(Resetting(PlainDevice(NETWORK), 1 + after))

    def work():
        device.program(NETWORK)
        device.stream(random_images(NETWORK, 40, 1))
        device.counters()

    with pytest.raises(
        UserError, match=r"^the test was reset: it is no longer what it was .*again$"
    ):
        work()


def test_a_reset_between_requests_is_noticed_by_the_next():
    plain = PlainDevice(NETWORK)
    device = LinkedMachine(FaultyTransport(plain))
    device.program(NETWORK)
    plain.reset()
    with pytest.raises(UserError, match="the test was reset"):
        device.counters()


def test_another_host_s_session_is_noticed():
    plain = PlainDevice(NETWORK)
    device = LinkedMachine(FaultyTransport(plain))
    plain.session = plain.session % 255 + 1
    with pytest.raises(UserError, match="the test was taken by another program"):
        device.program(NETWORK)


def test_what_is_asked_later_is_sent_when_all_before_it_is_answered():
    # Of two groups of writes to one line the second one wins, whatever gets lost of either.
    for seed in range(30):
        plain = PlainDevice(NETWORK)
        device = LinkedMachine(FaultyTransport(plain, seed, fault=0.2))
        for value in (1, 2, 3):
            device.write_memories([(0x00, np.full((30, 7), value, np.uint8))])
            assert plain.memories[0x00] == bytes([value] * 210)


class BadLine(FaultyTransport):
    """From now on, damages bytes with some probability."""

    probability = 0.0
    lengths: tuple[int, ...] = ()

    def damage(self, frame):
        self.lengths += (len(frame),)
        hits = [self.random.random() < self.probability for _ in frame]
        return bytes(byte ^ hit for byte, hit in zip(frame, hits, strict=True))


def test_two_frames_of_lines_fit_the_window():
    transport = BadLine(PlainDevice(NETWORK))
    LinkedMachine(transport).program(NETWORK)
    assert WINDOW // 2 - 20 < max(transport.lengths) <= WINDOW // 2


def test_frames_become_as_long_as_the_line_bears():
    wide = random_network((500, 20, 5), 0)
    transport = BadLine(PlainDevice(wide, window=4096), seed=1)
    device = LinkedMachine(transport)
    device.program(wide)
    assert max(transport.lengths) > 400
    transport.probability = 0.004
    transport.lengths = ()
    device.program(wide)
    assert transport.device.memories[0x00] == wide.layers[0].words.tobytes()
    # Those that were cut before it turned bad go on being sent as they are; answers have 11 bytes.
    assert min(length for length in transport.lengths if length > 20) < 200
    assert device.damaged > 20


class Slow(BadLine):
    """Answers one request at a time."""

    exchanges = 0
    late = 1

    def exchange(self, data, timeout):
        self.exchanges += 1
        self.slots = self.exchanges % self.late == 0
        return super().exchange(data, timeout)


def test_a_slow_device_on_a_bad_line_is_not_taken_for_a_line_that_is_too_bad():
    wide = random_network((500, 20, 5), 0)
    transport = Slow(PlainDevice(wide, window=32768), seed=3)
    device = LinkedMachine(transport)
    transport.probability = 0.002
    device.program(wide)
    assert transport.device.memories[0x00] == wide.layers[0].words.tobytes()
    assert device.resent < 2 * device.damaged


def test_what_is_sent_again_too_early_has_no_more_sent_again():
    transport = Slow(PlainDevice(NETWORK, window=4096), seed=3)
    device = LinkedMachine(transport)
    images = random_images(NETWORK, 100, 0)
    transport.latency, transport.timeout, transport.late = 0.001, 0.5, 5  # it needs some 10 ms
    transport.probability = 0.002
    assert (device.stream(images).logits == expected(images)).all()
    assert device.damaged > 5
    assert device.resent < 2 * len(images)  # all of them once, at most, and what got lost


class DamagesFirst(FaultyTransport):
    """Damages the first answers."""

    def __init__(self, answers):
        super().__init__(PlainDevice(NETWORK))
        self.left = 2 * answers
        # Nothing is sent again for lateness on a busy machine, which would be one more call.
        self.latency = self.timeout = self.probe_timeout = 5.0

    def damage(self, frame):
        # Called for each request and each answer, in turn.
        self.left -= 1
        return frame if self.left < 0 or self.left % 2 else frame[:4] + b"\x55" + frame[5:]


def test_a_line_that_damages_eight_answers_to_the_first_request_is_given_up():
    assert LinkedMachine(DamagesFirst(7)).damaged == 7
    with pytest.raises(UserError, match=r"on the test \(8 frames came damaged\)"):
        LinkedMachine(DamagesFirst(8))


def test_a_line_that_is_too_bad_is_one_line():
    transport = BadLine(PlainDevice(NETWORK))
    device = LinkedMachine(transport)
    transport.probability = 0.05
    line = (
        r"the line to the test is too bad: \d+ frames came damaged, and \d+ requests had to be "
        r"sent again; look at the cable, or take a lower baud rate"
    )
    with pytest.raises(UserError, match=line):
        device.program(NETWORK)
