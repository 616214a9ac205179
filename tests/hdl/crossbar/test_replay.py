"""The replay of events against the plain definition: each image, once for each group."""

import random
from typing import Any

from hypothesis import given, settings, strategies as st

from allspin.hdl.crossbar.pass_source import Replay
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from tests.hdl.streams import StreamBench

Event = tuple[int, int, int]


def random_image(rng: random.Random, rows: int, longest: int) -> list[Event]:
    count = rng.randint(1, longest)
    return [
        (rng.randrange(rows), rng.randrange(16), int(number == count - 1))
        for number in range(count)
    ]


def payloads(images: list[list[Event]]) -> list[dict[str, Any]]:
    return [
        {"slots": [{"row": row, "value": value}], "last": last}
        for image in images
        for row, value, last in image
    ]


def expected(images: list[list[Event]], passes: int) -> list[Any]:
    return [
        ((((row, value),), last), group)
        for image in images
        for group in range(passes)
        for row, value, last in image
    ]


@settings(deadline=None, max_examples=15)
@given(
    rows=st.integers(1, 9),
    passes=st.integers(2, 5),
    stall=st.sampled_from([0.0, 0.3, 0.7]),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_image_comes_once_for_each_group(
    rows: int, passes: int, stall: float, seed: int
) -> None:
    rng = random.Random(seed)
    # One event more than there are rows: an image of every row with a closing event.
    images = [random_image(rng, rows, rows + 1) for _ in range(12)]
    dut = Replay(CrossbarParameters(rows=rows, columns=passes, lanes=1))
    bench = StreamBench(dut, stall=stall, seed=seed)
    bench.put(dut.events, payloads(images))
    wanted = expected(images, passes)
    taken = bench.take(dut.passes, len(wanted))
    bench.run()
    assert taken == wanted
