"""The whole link between a host and an engine that are both plain Python."""

import itertools
import random
import struct
from typing import Any

from cobs import cobs
from hypothesis import given, strategies as st

from allspin.hdl.link.link import Link
from allspin.hdl.link.protocol import ErrorCode, LinkParameters, identity_bytes
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.memory_map import memory_map
from tests.examples import examples
from tests.hdl.driving import send
from tests.hdl.link.test_sparse import dense, encode
from tests.hdl.link.wire import answer as reply, beats, frame, request
from tests.hdl.streams import StreamBench

IDENTIFY, WRITE, READ, IMAGE = 1, 2, 3, 4
ERROR = 0xFF
Image = dict[int, int]


def engine_parameters(
    sizes: tuple[int, ...], neuron: str = "sot", pixel_bits: int = 4, current_bits: int = 4
) -> EngineParameters:
    return EngineParameters(
        crossbars=tuple(
            CrossbarParameters(rows, columns, 1, value_bits=4 if layer else pixel_bits)
            for layer, (rows, columns) in enumerate(itertools.pairwise(sizes))
        ),
        neuron=neuron,
        current_bits=current_bits,
    )


ENGINES = {
    "one layer": engine_parameters((20, 3)),
    "two layers": engine_parameters((20, 6, 3)),
    "relu": engine_parameters((9, 4, 2), neuron="relu", pixel_bits=8),
    "three layers": engine_parameters((40, 5, 1, 300), pixel_bits=2, current_bits=8),
}


def unframe(stream: bytes) -> list[bytes]:
    assert stream.endswith(b"\0")
    payloads = [cobs.decode(chunk)[:-4] for chunk in stream[:-1].split(b"\0")]
    assert b"".join(frame(payload) for payload in payloads) == stream
    return payloads


def logits(engine: EngineParameters, image: Image) -> list[int]:
    """Logits of the pretended engine: sums that depend on every row, value and class."""
    bits = engine.crossbars[-1].sum_bits
    sums = [
        (-1) ** class_ * sum(value * (row * 7 + class_ + 1) for row, value in image.items())
        for class_ in range(engine.classes)
    ]
    return [(sum_ + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1) for sum_ in sums]


def logits_body(engine: EngineParameters, image: Image) -> bytes:
    values = logits(engine, image)
    return b"".join(
        value.to_bytes(engine.logit_bytes, "little", signed=True) for value in values
    ) + struct.pack("<H", values.index(max(values)))


def counters_at_start(space: int) -> bytes:
    return bytes((space + 17 * byte) % 256 for byte in range(16))


class Memories:
    """Every memory of an engine, as bytes."""

    def __init__(self, engine: EngineParameters) -> None:
        self.map = {memory.space: memory for memory in memory_map(engine)}
        self.bytes = {
            space: bytearray(counters_at_start(space))
            if space & 15 == 4
            else bytearray(memory.lines * memory.line_bytes)
            for space, memory in self.map.items()
        }

    def clear_counters(self) -> None:
        for space, content in self.bytes.items():
            if space & 15 == 4:
                content[:] = bytes(16)


class Device:
    """A device that answers each request as the document says."""

    def __init__(self, parameters: LinkParameters) -> None:
        self.parameters = parameters
        self.memories = Memories(parameters.engine)
        self.session = 0

    def answer(self, payload: bytes, image: Image | None = None) -> bytes:
        kind, tag = struct.unpack("<BH", payload[:3])
        body, code = self._execute(kind, payload[3:], image)
        return (
            reply(ERROR, tag, bytes([code]), self.session)
            if code
            else reply(kind | 0x80, tag, body, self.session)
        )

    def _execute(self, kind: int, body: bytes, image: Image | None) -> tuple[bytes, int]:
        if kind == IDENTIFY:
            self.session = body[0] if body else self.session
            return identity_bytes(self.parameters), 0
        if kind == IMAGE:
            if image is None:
                return b"", ErrorCode.IMAGE
            return logits_body(self.parameters.engine, image), 0
        if kind not in (WRITE, READ):
            return b"", ErrorCode.KIND
        if len(body) < (3 if kind == WRITE else 5):
            return b"", ErrorCode.LENGTH
        space, address = struct.unpack("<BH", body[:3])
        memory = self.memories.map.get(space)
        if memory is None or address >= memory.lines:
            return b"", ErrorCode.SPACE
        content = self.memories.bytes[space]
        start = address * memory.line_bytes
        if kind == READ:
            (count,) = struct.unpack("<H", body[3:5])
            if address + count > memory.lines:
                return b"", ErrorCode.SPACE
            return bytes(content[start : start + count * memory.line_bytes]), 0
        data = body[3:]
        if space & 15 == 4:
            self.memories.clear_counters()
            return b"", 0
        room = len(content) - start
        content[start : start + min(room, len(data))] = data[:room]
        if len(data) > room:
            return b"", ErrorCode.SPACE
        return b"", ErrorCode.LENGTH if len(data) % memory.line_bytes else 0


class PretendedEngine:
    """Engine that keeps its ports' promises at random moments and checks its inputs.

    Results are kept back until `hold` images have come.
    """

    def __init__(self, link: Link, bench: StreamBench, *, seed: int = 0, hold: int = 0) -> None:
        self.link = link
        self.engine = link.parameters.engine
        self.memories = Memories(self.engine)
        self.images: list[Image] = []
        self.clocks: list[int] = []
        self.events = bench.take(link.events, 0, clocks=self.clocks)
        self.loads = bench.take(link.load, 0)
        self.fetches = bench.take(link.fetch, 0)
        self._answered = self._read = 0
        self._hold = hold
        self._stall, self._random = bench.stall, random.Random(seed)
        for process in (self._watch, self._give_results, self._give_lines):
            bench.play(process)

    def _stalls(self) -> bool:
        return self._random.random() < self._stall

    def _load(self, layer: int, memory: int, first: int, address: int, byte: int) -> None:
        space = layer << 4 | memory
        if memory == 4:
            assert first
            self.memories.clear_counters()
            return
        if first:
            self._place = address * self.memories.map[space].line_bytes
        self.memories.bytes[space][self._place] = byte
        self._place += 1

    async def _watch(self, ctx: Any) -> None:
        """Take events, loads and fetches; `idle` is 0 while an image or a read is under way."""
        image: Image = {}
        arriving = 0
        events = loads = fetches = 0
        ctx.set(self.link.idle, 1)
        async for _ in ctx.tick():
            busy = arriving or self._answered < len(self.images)
            for ((row, value),), last in self.events[events:]:
                assert row < self.engine.crossbars[0].rows
                assert row not in image or not value
                image |= {row: value} if value else {}
                arriving = not last
                if last:
                    self.images.append(image)
                    image = {}
            for load in self.loads[loads:]:
                self._load(*load)
            assert not busy or (loads, fetches) == (len(self.loads), len(self.fetches))
            events, loads, fetches = len(self.events), len(self.loads), len(self.fetches)
            read = self._read == fetches
            ctx.set(self.link.idle, read and not arriving and self._answered == len(self.images))

    async def _give_results(self, ctx: Any) -> None:
        while True:
            await ctx.tick()
            if self._answered < len(self.images) >= self._hold:
                await ctx.tick().repeat(5)
                values = logits(self.engine, self.images[self._answered])
                results = [
                    {"logit": value, "last": 0, "winner": values.index(max(values[: n + 1]))}
                    for n, value in enumerate(values)
                ]
                results[-1]["last"] = 1
                await send(ctx, self.link.results, results, self._stalls)
                self._answered += 1

    async def _give_lines(self, ctx: Any) -> None:
        while True:
            await ctx.tick()
            if self._read < len(self.fetches):
                layer, memory, address = self.fetches[self._read]
                size = self.memories.map[layer << 4 | memory].line_bytes
                start = address * size
                line = self.memories.bytes[layer << 4 | memory][start : start + size]
                assert len(line) == size
                await send(ctx, self.link.fetched, beats(line), self._stalls)
                self._read += 1


def exchange(
    parameters: LinkParameters,
    stream: bytes,
    expected: list[bytes],
    *,
    stall: float = 0.0,
    seed: int = 0,
    every_clock: bool = True,
    hold: int = 0,
    after: int = 0,
) -> PretendedEngine:
    """Send a stream and compare the answers; those to frames may come at any time."""
    link = Link(parameters, every_clock=every_clock)
    bench = StreamBench(link, stall=stall, seed=seed)
    pretended = PretendedEngine(link, bench, seed=seed, hold=hold)
    bench.put(link.received, stream)
    sent = bench.take(link.sent, sum(len(frame(answer)) for answer in expected), after=after)
    # A block of 254 bytes is sent when its last one has come, at a bit a clock after 2,032 clocks.
    bench.run(settle=50, patience=after + (2000 if every_clock else 8 * 2000))
    # A stable sort: answers about malformed frames are compared apart.
    unnamed = b"\xff\xff\xff"
    answers = sorted(unframe(bytes(sent)), key=lambda answer: answer.startswith(unnamed))
    assert answers == sorted(expected, key=lambda answer: answer.startswith(unnamed))
    return pretended


def frame_error(code: int) -> bytes:
    return reply(ERROR, 0xFFFF, bytes([code]))


@st.composite
def requests(draw: st.DrawFn, parameters: LinkParameters) -> tuple[bytes, Image | None]:
    """A request that is often legal, and its image if it has one."""
    engine = parameters.engine
    tag = draw(st.integers(0, 0xFFFE))
    kind = draw(
        st.sampled_from([IDENTIFY, WRITE, WRITE, READ, READ, IMAGE, IMAGE, IMAGE, 0, 0x84, 255])
    )
    if kind == IMAGE:
        rows, bits = engine.crossbars[0].rows, engine.pixel_bits
        image = draw(
            st.dictionaries(st.integers(0, rows - 1), st.integers(1, 2**bits - 1), max_size=8)
        )
        body = encode(image, bits)
        if draw(st.integers(0, 4)) == 0:
            body += draw(st.sampled_from([b"\x01", b"\xf8" * (1 + rows // 31) + b"\x01\x01"]))
            return request(kind, tag, body), None
        return request(kind, tag, body), image
    if kind not in (WRITE, READ):
        return request(kind, tag, draw(st.binary(max_size=3))), None
    memory = draw(st.sampled_from(memory_map(engine)))
    space = draw(st.sampled_from([memory.space] * 6 + [0x0F, 0x44, 0xF0, 0xFF]))
    address = draw(
        st.one_of(
            st.integers(0, min(memory.lines - 1, 5)),
            st.integers(max(0, memory.lines - 3), memory.lines),
            st.just(65535),
        )
    )
    body = struct.pack("<BH", space, address)
    if kind == READ:
        body += struct.pack("<H", draw(st.sampled_from([0, 1, 2, 3, 3, 65535])))
    else:
        size = memory.line_bytes
        length = max(0, draw(st.integers(0, 3)) * size + draw(st.sampled_from([0, 0, 0, 0, 1, -1])))
        body += random.Random(draw(st.integers(0, 99))).randbytes(length)
    return request(kind, tag, body[: draw(st.sampled_from([100, 10000, 10000, 10000, 4, 2]))]), None


@given(
    data=st.data(),
    stall=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 999),
    every_clock=st.booleans(),
)
@examples(5)
def test_answers_as_the_document_says(
    data: st.DataObject, stall: float, seed: int, every_clock: bool
) -> None:
    name = data.draw(st.sampled_from(sorted(ENGINES)), label="engine")
    parameters = LinkParameters(ENGINES[name], window=1024, frequency=25_000_000, in_flight=2)
    device = Device(parameters)
    stream = b""
    expected = []
    images = []
    for payload, image in data.draw(
        st.lists(requests(parameters), min_size=1, max_size=8), label="requests"
    ):
        stream += frame(payload)
        expected.append(device.answer(payload, image))
        if image is not None:
            images.append(image)
    engine = exchange(parameters, stream, expected, stall=stall, seed=seed, every_clock=every_clock)
    assert engine.memories.bytes == device.memories.bytes
    remaining = iter(engine.images)
    assert all(image in remaining for image in images)


PARAMETERS = LinkParameters(ENGINES["two layers"], window=256)
IMAGE_REQUEST = request(IMAGE, 77, encode({3: 5, 19: 15}, 4))
IMAGE_ANSWER = reply(0x84, 77, logits_body(PARAMETERS.engine, {3: 5, 19: 15}))


def changed(stream: bytes) -> bytes:
    """The stream with one bit the other way, but no zero byte in its middle."""
    return bytes([*stream[:3], stream[3] ^ 0x10, *stream[4:]])


BAD_FRAMES = [
    (b"\0\0\0", []),
    (b"garbage\0", [1]),
    (b"\3\0", [1]),
    (b"\0\0\x7f\xff\0\0\1\0\0", [1, 1]),
    (changed(frame(IMAGE_REQUEST)), [1]),
    (frame(b""), [1]),
    (frame(b"\1\1"), [1]),
    (frame(request(WRITE, 1, bytes([0, 0, 0]) + b"\x55" * 249))[:-1] + b"\x55\0", [1]),
    (frame(request(WRITE, 1, bytes([0, 0, 0]) + b"\x55" * 251)), [2]),
    (b"\x55" * 900 + b"\0", [2]),
    (frame(request(IMAGE, 1))[:-1] + frame(IMAGE_REQUEST), [1]),
]


def test_each_bad_frame_is_one_error_and_the_next_image_is_answered() -> None:
    stream = frame(IMAGE_REQUEST)
    expected = [IMAGE_ANSWER]
    for bad, codes in BAD_FRAMES:
        stream += bad + frame(IMAGE_REQUEST)
        expected += [*map(frame_error, codes), IMAGE_ANSWER]
    exchange(PARAMETERS, stream, expected)


BAD_REQUESTS = [
    (request(0, 1), ErrorCode.KIND),
    (request(0x81, 1, b"abc"), ErrorCode.KIND),
    (request(WRITE, 1), ErrorCode.LENGTH),
    (request(WRITE, 1, b"\0\0"), ErrorCode.LENGTH),
    (request(WRITE, 1, b"\0\0\0abcde"), ErrorCode.LENGTH),
    (request(WRITE, 1, b"\0\0\0abcdefg"), ErrorCode.LENGTH),
    (request(WRITE, 1, b"\0\x13\0abcdefg"), ErrorCode.SPACE),
    (request(WRITE, 1, b"\0\x14\0abcdef"), ErrorCode.SPACE),
    (request(WRITE, 1, b"\x13\0\0a"), ErrorCode.SPACE),
    (request(WRITE, 1, b"\x20\0\0a"), ErrorCode.SPACE),
    (request(READ, 1), ErrorCode.LENGTH),
    (request(READ, 1, b"\0\0\0\1"), ErrorCode.LENGTH),
    (request(READ, 1, b"\0\x13\0\2\0"), ErrorCode.SPACE),
    (request(READ, 1, b"\0\1\1\0\0"), ErrorCode.SPACE),
    (request(READ, 1, b"\x05\0\0\1\0"), ErrorCode.SPACE),
    (request(IMAGE, 1, b"\1"), ErrorCode.IMAGE),
    (request(IMAGE, 1, b"\xa1\1"), ErrorCode.IMAGE),
]


def test_each_bad_request_is_answered_with_its_error_and_the_next_image_with_logits() -> None:
    stream = b""
    expected = []
    for payload, code in BAD_REQUESTS:
        assert Device(PARAMETERS).answer(payload) == reply(ERROR, 1, bytes([code]))
        stream += frame(payload) + frame(IMAGE_REQUEST)
        expected += [reply(ERROR, 1, bytes([code])), IMAGE_ANSWER]
    exchange(PARAMETERS, stream, expected)


def test_images_are_under_way_together_and_writes_wait_for_them() -> None:
    images: list[Image] = [{row: 1 + row % 15} for row in range(8)]
    bodies = [encode(image, 4) for image in images]
    before = b"".join(frame(request(IMAGE, tag, body)) for tag, body in enumerate(bodies))
    write = request(WRITE, 50, b"\0\0\0abcdef")
    expected = [
        reply(0x84, tag, logits_body(PARAMETERS.engine, image)) for tag, image in enumerate(images)
    ]
    # No answer is taken for long, and no result comes before all eight images have: they are in
    # the engine together, and the write, which is refused while the engine is busy, comes last.
    engine = exchange(
        PARAMETERS,
        before + frame(write) + frame(IMAGE_REQUEST),
        [*expected, reply(0x82, 50), IMAGE_ANSWER],
        hold=8,
        after=1500,
    )
    assert engine.images == [*images, {3: 5, 19: 15}]
    assert [load[2] for load in engine.loads] == [1, 0, 0, 0, 0, 0]


def test_an_image_takes_as_many_clocks_as_it_has_rows() -> None:
    engine = engine_parameters((1500, 10))
    parameters = LinkParameters(engine)
    rng = random.Random(2)
    images = [dense(rng) for _ in range(6)]
    requests = (request(IMAGE, tag, encode(image, 4)) for tag, image in enumerate(images))
    stream = b"".join(map(frame, requests))
    expected = [reply(0x84, tag, logits_body(engine, image)) for tag, image in enumerate(images)]
    assert 110 <= len(stream) / len(images) <= 140
    pretended = exchange(parameters, stream, expected)
    assert pretended.images == images
    # From last event to last event, once the stream is under way.
    both = zip(pretended.events, pretended.clocks, strict=True)
    ends = [clock for (_, last), clock in both if last]
    spacing = [two - one for one, two in itertools.pairwise(ends)]
    assert max(spacing[1:]) <= 148
