"""The ECP5's engine with its instantiated cells, in their models, is the golden model."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from allspin.boards.gates.models import FAMILIES, models
from allspin.hdl.bench.networks import random_images, random_network
from allspin.hdl.bench.simulators.runner import BenchFailure, simulate
from allspin.hdl.engine.engine import Engine
from allspin.hdl.export.verilog import to_verilog
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile

BENCH = Path(__file__).parents[2] / "hdl" / "bench" / "cocotb" / "bench_engine.py"
TESTS = ("stalls_everywhere", "full_speed", "memories_read_back")
CELLS = ("CCU2C", "DP16KD", "TRELLIS_FF")
NETWORK = random_network((260, 9, 5), 3)
PROFILE = HardwareProfile(rows_per_clock=2, memory="ecp5")
STATES = HardwareProfile(rows_per_clock=2, memory="ecp5", states=True)


def engine_of(profile: HardwareProfile) -> str:
    """The engine as Verilog, with instances."""
    parameters = EngineParameters.from_network(NETWORK, profile)
    verilog = to_verilog(Engine(parameters), platform=SimpleNamespace(family="ecp5"))
    # 130 rows in each part: more than are left to distributed RAM.
    assert {cell for cell in CELLS if re.search(rf"(?m)^  {cell} #", verilog)} == set(CELLS)
    return verilog


@pytest.fixture(scope="module")
def engine() -> str:
    return engine_of(PROFILE)


def run(verilog: str, simulator: str, profile: HardwareProfile = PROFILE) -> None:
    simulate(
        verilog + models(FAMILIES["ecp5"], CELLS),
        BENCH,
        tests=TESTS,
        simulator=simulator,
        network=NETWORK,
        images=random_images(NETWORK, 12, 4),
        profile=profile,
    )


def test_the_cells_do_what_the_plain_description_does(engine: str, simulator: str) -> None:
    run(engine, simulator)


def test_so_do_those_of_states(simulator: str) -> None:
    run(engine_of(STATES), simulator, STATES)


def test_a_wrong_cell_is_seen(engine: str, simulator: str) -> None:
    """One that gives the sign of a word's product: a low bit may be lost in the neuron's table."""
    sign = r"INIT1\(16'h7888\)(?=[^;]*\.A1\(word_0\[7\]\))"
    broken, count = re.subn(sign, "INIT1(16'h7880)", engine, count=1)
    assert count == 1
    with pytest.raises(BenchFailure, match="failed"):
        run(broken, simulator)
