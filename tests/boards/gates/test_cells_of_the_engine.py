"""The ECP5's engine with its instantiated cells, in their models, is the golden model."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from allspin.boards.gates.models import models
from allspin.hdl.bench.simulator import BenchFailure, simulate
from allspin.hdl.engine.engine import Engine
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.hdl.verilog import to_verilog
from allspin.sim.network.network import Network
from allspin.sim.network.random_network import random_images, random_network

pytestmark = pytest.mark.long

BENCHES = Path(__file__).parents[2] / "hdl" / "bench"
BENCH = BENCHES / "bench_engine.py"
TESTS = ("stalls_everywhere", "full_speed", "memories_read_back")
CHIP_TESTS = ("full_speed", "words_read_back")
CELLS = ("CCU2C", "DP16KD", "TRELLIS_FF")
NETWORK = random_network((260, 9, 5), 3)
PROFILE = HardwareProfile(rows_per_clock=2, memory="ecp5")
STATES = HardwareProfile(rows_per_clock=2, memory="ecp5", states=True)
CHIPS = HardwareProfile(
    rows_per_clock=2, memory="ecp5", variation=VariationParameters(16, sum_noise=True)
)


def engine_of(
    profile: HardwareProfile, network: Network = NETWORK, cells: tuple[str, ...] = CELLS
) -> str:
    """The engine as Verilog, with instances."""
    parameters = EngineParameters.from_network(network, profile)
    verilog = to_verilog(Engine(parameters), platform=SimpleNamespace(family="ecp5"))
    # 130 rows in each part: more than are left to distributed RAM.
    assert {cell for cell in cells if re.search(rf"(?m)^  {cell} ", verilog)} == set(cells)
    return verilog


@pytest.fixture(scope="module")
def engine() -> str:
    return engine_of(PROFILE)


def run(verilog: str, simulator: str, profile: HardwareProfile = PROFILE) -> None:
    simulate(
        verilog + models("ecp5", CELLS),
        BENCH,
        tests=TESTS,
        simulator=simulator,
        network=NETWORK,
        images=random_images(NETWORK, 12, 4),
        profile=profile,
    )


def test_the_cells_behave_like_the_plain_description(engine: str, simulator: str) -> None:
    run(engine, simulator)


def test_so_do_those_of_states(simulator: str) -> None:
    run(engine_of(STATES), simulator, STATES)


@pytest.mark.parametrize(
    "simulator",
    [
        pytest.param("icarus", marks=pytest.mark.tool("iverilog", "vvp")),
        pytest.param("verilator", marks=pytest.mark.long),  # compiles for a minute
    ],
)
def test_so_do_those_that_draw_a_chip_and_its_noise(simulator: str) -> None:
    network = random_network((27, 11, 5), 1)
    cells = ("CCU2C", "MULT18X18D", "TRELLIS_FF")
    ran = simulate(
        engine_of(CHIPS, network, cells) + models("ecp5", cells),
        BENCHES / "bench_variation.py",
        tests=CHIP_TESTS,
        simulator=simulator,
        network=network,
        images=random_images(network, 20, 5),
        profile=CHIPS,
        options={"chip": 11},
    )
    assert ran == CHIP_TESTS


def test_a_wrong_cell_is_seen(engine: str, simulator: str) -> None:
    """The cell gives the sign of a word's product: a low bit may be lost in the neuron's table."""
    sign = r"INIT1\(16'h7888\)(?=[^;]*\.A1\(word_0\[7\]\))"
    broken, count = re.subn(sign, "INIT1(16'h7880)", engine, count=1)
    assert count == 1
    with pytest.raises(BenchFailure, match="failed"):
        run(broken, simulator)
