"""The readout against `numpy.argmax`, which also takes the first of equals."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allspin.hdl.bench.streams import StreamBench
from allspin.hdl.engine.readout import Readout
from allspin.hdl.parameters.crossbar import CrossbarParameters
from allspin.hdl.parameters.engine import EngineParameters


def engine(classes: int, memory: str = "block") -> EngineParameters:
    first = CrossbarParameters(5, 20, 4, memory=memory)
    return EngineParameters((first, CrossbarParameters(20, classes, classes)))


@settings(deadline=None, max_examples=20)
@given(
    classes=st.integers(1, 12),
    spread=st.sampled_from([1, 3, 40_000]),
    stall=st.sampled_from([0.0, 0.4]),
    memory=st.sampled_from(["block", "spram"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_logits_pass_and_the_first_of_the_largest_wins(
    classes: int, spread: int, stall: float, memory: str, seed: int
) -> None:
    p = engine(classes, memory)
    dut = Readout(p)
    spread = min(spread, 2 ** (p.crossbars[1].sum_bits - 1))
    logits = np.random.default_rng(seed).integers(-spread, spread, (9, classes))
    bench = StreamBench(dut, stall=stall, seed=seed)
    bench.put(
        dut.sums,
        [
            {"sums": [int(logit)], "last": number == classes - 1}
            for image in logits
            for number, logit in enumerate(image)
        ],
    )
    taken = bench.take(dut.results, logits.size)
    bench.run()
    assert [logit for logit, _, _ in taken] == logits.ravel().tolist()
    assert [last for _, last, _ in taken] == ([0] * (classes - 1) + [1]) * 9
    winners = [winner for _, last, winner in taken if last]
    assert winners == np.argmax(logits, axis=1).tolist()
