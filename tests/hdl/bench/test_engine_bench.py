"""The engine on real simulators, against the golden model, with random networks and stalls."""

import re
from pathlib import Path

import pytest

from allspin.hdl.bench.simulator import BenchFailure, engine_source, simulate, simulate_engine
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.network.random_network import random_images, random_network

BENCH = Path(__file__).with_name("bench_engine.py")
TESTS = (
    "stalls_everywhere",
    "full_speed",
    "memories_read_back",
    "cut_short",
    "reset_ends_images",
)
SMALL = random_network((24, 12, 6), 1)

CASES = {
    "all-lanes": (SMALL, HardwareProfile()),
    "three-layers-relu": (
        random_network((20, 9, 7, 5), 2, neuron=ReluNeuron(), pixel_bits=1, hidden_bits=3),
        HardwareProfile(lanes=4),
    ),
    "one-layer-narrow-words": (
        random_network((17, 4), 3, states=16, pixel_bits=8, rah_bits=5),
        HardwareProfile(lanes=3, rah_bits=6),
    ),
    "two-rows-a-clock": (
        random_network((25, 13, 6), 4),
        HardwareProfile(rows_per_clock=2),
    ),
    "four-rows-a-clock-in-groups": (
        random_network((23, 13, 7, 5), 6, neuron=ReluNeuron()),
        HardwareProfile(lanes=4, rows_per_clock=4),
    ),
}


QUICK = "three-layers-relu"
"""Case of `make test`, where compiled machines of the virtual board run all cases."""


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=[pytest.mark.long] * (case != QUICK)) for case in CASES],
)
def test_engine_is_the_golden_model(simulator, case):
    network, profile = CASES[case]
    images = random_images(network, 30, 5)
    ran = simulate_engine(
        network,
        BENCH,
        tests=TESTS,
        simulator=simulator,
        images=images,
        profile=profile,
        seed=len(case),
    )
    assert ran == TESTS


def wrong_sum(verilog: str) -> str:
    """One operator: a column of the first crossbar subtracts where it should add."""
    (name, *_) = re.findall(r"(?m)^  assign total_3 = (\w+)\[", verilog)
    broken, count = re.subn(rf"(?m)^(  assign {name} = .*) \+ ", r"\1 - ", verilog, count=1)
    assert count
    return broken


def careless_handshake(verilog: str) -> str:
    """One handshake: a crossbar's sums move on whether they were taken or not."""
    taken = "  assign shifts = sums__valid & sums__ready;"
    assert taken in verilog
    return verilog.replace(taken, "  assign shifts = sums__valid;")


@pytest.mark.long
@pytest.mark.parametrize("break_", [wrong_sum, careless_handshake])
def test_a_break_in_the_hardware_is_seen(break_):
    verilog = engine_source(EngineParameters.from_network(SMALL))
    with pytest.raises(BenchFailure, match="failed: stalls_everywhere"):
        simulate(
            break_(verilog),
            BENCH,
            tests=TESTS[:1],
            network=SMALL,
            images=random_images(SMALL, 30, 5),
        )
