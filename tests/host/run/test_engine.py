"""An engine in a simulator, from Python."""

import dataclasses
import json
from pathlib import Path

import pytest

from allspin.hdl.bench.link import RESULT
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.run import simulate as simulated
from allspin.host.run.simulate import Simulated, SimulatorOptions, simulate_engine
from allspin.sim.network.random_networks import random_images, random_network

NETWORK = random_network((6, 3), 1)
IMAGES = random_images(NETWORK, 4, 2)


@pytest.fixture
def asked(monkeypatch):
    """What the simulator was asked for: it is left out, and finds the second logit wrong."""
    asked = {}
    found = Simulated(4, 12, 1, "number 1", 7.5, 0.25)

    def simulate(verilog, module, *, folder, **options):
        asked.update(options)
        (folder / RESULT).write_text(json.dumps(dataclasses.asdict(found)))

    monkeypatch.setattr(simulated, "find_tools", lambda name: None)
    monkeypatch.setattr(simulated, "build", lambda verilog, **options: asked.update(built=options))
    monkeypatch.setattr(simulated, "simulate", simulate)
    return asked


@pytest.mark.parametrize(("seed", "stalls"), [(None, 0.0), (0, 0.3), (5, 0.3)])
def test_what_is_asked_for_reaches_the_simulator_and_comes_back(
    asked, seen, tmp_path, seed, stalls
):
    waves = tmp_path / "out.fst"
    options = SimulatorOptions("icarus", seed, waves)
    found = simulate_engine(NETWORK, IMAGES, HardwareProfile(lanes=2), options, seen)
    assert asked["built"] == {"simulator": "icarus", "waves": True}
    assert (asked["seed"], asked["options"]) == (seed or 0, {"stalls": stalls})
    assert (asked["waves"], asked["profile"].lanes) == (waves, 2)
    assert found.first_mismatch == "number 1"
    assert found.to_dict() == {
        "images": 4,
        "logits_compared": 12,
        "mismatches": 1,
        "cycles_per_image": 7.5,
        "seconds": 0.25,
    }
    steps = ["preparing the simulator, compiled once for a design", "", "simulating"]
    assert seen.lines == steps


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"simulator": "modelsim"}, "simulator must be one of verilator, icarus, not 'modelsim'"),
        ({"waves": Path("a/out.vcd")}, "name the file out.fst, not out.vcd"),
    ],
)
def test_options_are_checked_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        SimulatorOptions(**options)
