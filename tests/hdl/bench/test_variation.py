"""An engine that makes its chip, on a real simulator, against the golden model."""

import re
from pathlib import Path

import pytest

from allspin.hdl.bench.simulator import BenchFailure, engine_source, simulate, simulate_engine
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.chip.speck import ROUNDS
from allspin.sim.network.random_network import random_images, random_network

pytestmark = pytest.mark.long

BENCH = Path(__file__).with_name("bench_variation.py")
TESTS = ("stalls_everywhere", "full_speed", "words_read_back")
# An odd number of rows, which 2 and 4 rows per clock do not divide.
NETWORK = random_network((27, 11, 5), 1)
DEEP = random_network((9, 6, 5, 3), 2, states=16, rah_bits=5)
ALONE = random_network((12, 6), 3)
FAST = VariationParameters(10)
SUMS = VariationParameters(16, sum_noise=True)
CASES = {
    "one row per clock": (NETWORK, HardwareProfile(variation=FAST)),
    "two rows per clock": (NETWORK, HardwareProfile(rows_per_clock=2, variation=FAST)),
    "four rows per clock": (NETWORK, HardwareProfile(rows_per_clock=4, variation=FAST)),
    "deep, few lanes, iterative": (
        DEEP,
        HardwareProfile(lanes=2, rah_bits=6, variation=VariationParameters(16, 1)),
    ),
    "noisy sums": (NETWORK, HardwareProfile(variation=SUMS)),
    "noisy sums, two rows per clock": (
        NETWORK,
        HardwareProfile(rows_per_clock=2, memory="ecp5", variation=SUMS),
    ),
    "noisy sums, four rows per clock": (NETWORK, HardwareProfile(rows_per_clock=4, variation=SUMS)),
    "noisy sums, deep": (DEEP, HardwareProfile(lanes=2, rah_bits=6, variation=SUMS)),
    "noisy sums, one layer": (ALONE, HardwareProfile(memory="ecp5", variation=SUMS)),
    "without noise": (
        NETWORK,
        HardwareProfile(variation=VariationParameters(100, 1, use_noise=False)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_engine_is_the_golden_chip(case):
    network, profile = CASES[case]
    ran = simulate_engine(
        network,
        BENCH,
        tests=TESTS,
        images=random_images(network, 20, 5),
        profile=profile,
        options={"chip": 11 + len(case)},
    )
    assert ran == TESTS


def test_a_wrong_round_of_the_cipher_is_seen():
    profile = HardwareProfile(variation=VariationParameters(10, 1, use_noise=False))
    verilog = engine_source(EngineParameters.from_network(NETWORK, profile))
    # The round that is the last.
    broken, count = re.subn(rf"== 5'h{ROUNDS - 1:02x}", f"== 5'h{ROUNDS - 2:02x}", verilog)
    assert count
    with pytest.raises(BenchFailure, match="failed: stalls_everywhere"):
        simulate(
            broken,
            BENCH,
            tests=TESTS[:1],
            network=NETWORK,
            images=random_images(NETWORK, 20, 5),
            profile=profile,
            options={"chip": 3},
        )
