"""The sparse decoder against a coder and a decoder that go row by row."""

import random

import pytest
from hypothesis import given, strategies as st

from allspin.hdl.link.sparse import SparseDecoder
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from tests.examples import examples
from tests.hdl.link.wire import beats
from tests.hdl.streams import StreamBench

Event = tuple[int, int]


def encode(image: dict[int, int], bits: int) -> bytes:
    """Code an image (value of each driven row) in the fewest runs."""
    body = bytearray()
    position = 0
    rows = sorted(image)
    while rows:
        run = [rows.pop(0)]
        while rows and rows[0] == run[-1] + 1 and len(run) < 7:
            run.append(rows.pop(0))
        while run[0] - position > 31:
            body.append(31 << 3)
            position += 31
        body.append((run[0] - position) << 3 | len(run))
        values = [image[row] for row in run]
        if bits <= 4:
            for low, high in zip(values[::2], [*values[1::2], 0], strict=False):
                body.append(low | high << 4)
        else:
            body.extend(values)
        position = run[-1] + 1
    return bytes(body or b"\0")


class Run:
    """Images through the decoder: the events of each, and whether it was malformed."""

    def __init__(
        self,
        bodies: list[bytes],
        rows: int,
        bits: int,
        *,
        rows_per_clock: int = 1,
        stall: float = 0.0,
        seed: int = 0,
    ) -> None:
        decoder = SparseDecoder(
            CrossbarParameters(rows, 10, 10, value_bits=bits, rows_per_clock=rows_per_clock)
        )
        bench = StreamBench(decoder, stall=stall, seed=seed)
        bench.put(
            decoder.body,
            beats(*bodies),
        )
        self.malformed: list[int] = []
        self.clocks: list[int] = []
        taken = bench.take(decoder.events, 0, clocks=self.clocks)

        async def watch(ctx) -> None:
            body = decoder.body
            ended = 0
            async for _, _, end, judged, malformed in ctx.tick().sample(
                body.valid & body.ready & body.payload.last, decoder.judged, decoder.malformed
            ):
                if judged:
                    assert len(self.malformed) < ended
                    self.malformed.append(malformed)
                ended += end

        bench.play(watch)
        bench.run(settle=200)
        self.images: list[list[Event]] = [[]]
        for slots, last in taken:
            driven = [
                (rows_per_clock * row + part, value)
                for part, (row, value) in enumerate(slots)
                if value
            ]
            assert len(driven) <= 1
            # Only one slot has a row, whether it is driven or not.
            row, value = driven[0] if driven else (rows_per_clock * max(slots)[0], 0)
            assert row < rows
            self.images[-1].append((row, value))
            if last:
                self.images.append([])
        assert self.images.pop() == []


def driven(events: list[Event]) -> list[Event]:
    """Events without those that drive no row."""
    return [event for event in events if event[1]]


@given(data=st.data(), stall=st.sampled_from([0.0, 0.2, 0.5]), seed=st.integers(0, 999))
@examples(20)
def test_decodes_coded_images(data: st.DataObject, stall: float, seed: int) -> None:
    bits = data.draw(st.integers(1, 8), label="bits")
    rows = data.draw(st.sampled_from([1, 2, 7, 31, 32, 33, 64, 65, 200]), label="rows")
    image = st.dictionaries(st.integers(0, rows - 1), st.integers(0, 2**bits - 1), max_size=30)
    images = data.draw(st.lists(image, min_size=1, max_size=5), label="images")
    run = Run(
        [encode(image, bits) for image in images],
        rows,
        bits,
        rows_per_clock=data.draw(st.sampled_from([1, 2, 4]), label="rows per clock"),
        stall=stall,
        seed=seed,
    )
    assert run.malformed == [0] * len(images)
    assert [driven(events) for events in run.images] == [
        driven(sorted(image.items())) for image in images
    ]


CASES = [
    # Blank images: an empty header, or only headers that pass rows over.
    ("00", 4, 0, [(0, 0)]),
    ("f8", 4, 0, [(0, 0)]),
    ("f8 f8 f8 f8", 4, 0, [(0, 0)]),
    # The last row, and the one beyond it, alone and as the second of a pair.
    ("49 0f", 4, 0, [(9, 15)]),
    ("51 0f", 4, 1, [(0, 0)]),
    ("42 ff", 4, 0, [(8, 15), (9, 15)]),
    ("43 21 03", 4, 1, [(8, 1), (9, 2), (0, 0)]),
    ("4a ff", 4, 1, [(0, 0)]),
    # So far beyond the last row that a position of few bits has come round.
    ("f8 f8 f8 f8 f8 01 01", 4, 1, [(0, 0)]),
    # Ends inside a run: behind its header, and behind some of its values.
    ("01", 4, 1, [(0, 0)]),
    ("03 21", 4, 1, [(0, 0)]),
    ("03 21 03", 4, 0, [(0, 1), (1, 2), (2, 3)]),
    # An event with a value is the last one where it can be; otherwise one follows.
    ("01 05", 4, 0, [(0, 5)]),
    ("01 05 00", 4, 0, [(0, 5), (0, 0)]),
    # The spare nibble of an odd run is zero.
    ("01 15", 4, 1, [(0, 0)]),
    # Values that are too large.
    ("02 33", 2, 0, [(0, 3), (1, 3)]),
    ("02 34", 2, 1, [(0, 0)]),
    ("02 43", 2, 1, [(0, 0)]),
    ("01 1f", 5, 0, [(0, 31)]),
    ("01 20", 5, 1, [(0, 0)]),
    ("02 ff 01", 8, 0, [(0, 255), (1, 1)]),
]
"""Body, pixel bits, 1 if it is malformed, and events of an image of ten rows."""


@pytest.mark.parametrize("bits", [2, 4, 5, 8])
def test_each_image_by_hand(bits: int) -> None:
    cases = [(bytes.fromhex(body), *due) for body, width, *due in CASES if width == bits]
    run = Run([part for body, *_ in cases for part in (body, b"\1\1")], 10, bits)
    assert run.malformed[::2] == [malformed for _, malformed, _ in cases]
    assert run.images[::2] == [events for *_, events in cases]
    # The image after each is not affected.
    assert run.malformed[1::2] == [0] * len(cases)
    assert run.images[1::2] == [[(0, 1)]] * len(cases)


def dense(rng: random.Random) -> dict[int, int]:
    """An image as dense as MNIST: strokes of few rows between gaps, 146 rows in about 120 bytes."""
    image: dict[int, int] = {}
    start = 0
    while len(image) < 146:
        start += rng.choice([5, 12, 19, 20, 22, 26, 36])
        length = min(rng.randint(3, 9), 146 - len(image))
        image.update({start + row: rng.randint(1, 15) for row in range(length)})
        start += length
    return image


def test_a_row_a_clock() -> None:
    rng = random.Random(1)
    bodies = [encode(dense(rng), 4) for _ in range(6)]
    assert 100 <= sum(len(body) for body in bodies) / len(bodies) <= 130
    run = Run(bodies, 1500, 4)
    assert [len(events) for events in run.images] == [146] * 6
    # No clock is lost, neither to headers nor between images, once the first row is out.
    assert run.clocks[-1] - run.clocks[0] == 146 * 6 - 1
