"""``allspin sim``: the engine under cocotb, and one line for what the user can mend."""

import json
import re

import pytest

import allspin.host.run.simulate
from allspin.hdl.bench.simulator import engine_source
from allspin.hdl.parameters.engine import EngineParameters
from allspin.host.cli.main import main
from allspin.sim.network.netfile import save_network
from allspin.sim.network.random_networks import random_network

NETWORK = random_network((24, 12, 6), 1)


@pytest.fixture
def files(idx_folder, tmp_path):
    """A network file, and a data set that fits it."""
    path = tmp_path / "net.safetensors"
    save_network(NETWORK, path)
    return str(path), str(idx_folder(shape=(1, 24), classes=6, train=12, test=30))


@pytest.fixture
def sim(files, capfd):
    """Run the command on both, and return status, stdout and stderr."""

    def run(*options: str) -> tuple[int, str, str]:
        status = main(["sim", files[0], "--data", files[1], *options])
        return status, *capfd.readouterr()

    return run


def test_json_is_one_object_and_all_logits_are_right(sim, files):
    status, out, err = sim("--images", "12", "--json")
    result = json.loads(out)
    assert status == 0
    assert "simulating ..." in err
    assert result["seconds"] > 0
    assert {key: result[key] for key in result if key != "seconds"} == {
        "network": files[0],
        "simulator": "verilator",
        "images": 12,
        "logits_compared": 72,
        "mismatches": 0,
        "cycles_per_image": result["cycles_per_image"],
        "waves": None,
    }
    # At least one clock a driven row or a neuron, and not many more.
    assert 12 <= result["cycles_per_image"] <= 40


def test_seed_stalls_and_repeats(sim):
    cycles = [
        json.loads(sim("--images", "6", "--json", *options)[1])["cycles_per_image"]
        for options in ([], ["--seed", "2"], ["--seed", "2"], ["--seed", "3"])
    ]
    assert cycles[0] < cycles[1] == cycles[2] != cycles[3]


def test_a_broken_engine_is_told_by_status_and_counted(sim, monkeypatch):
    def broken(parameters: EngineParameters) -> str:
        # The readout keeps the smallest logit's class.
        verilog = engine_source(parameters)
        text, count = re.subn(r" > \$signed\(best\)", " < $signed(best)", verilog)
        assert count == 1
        return text

    monkeypatch.setattr(allspin.host.run.simulate, "engine_source", broken)
    status, out, err = sim("--images", "4", "--json")
    assert status == 1
    assert 0 < json.loads(out)["mismatches"] <= 4
    assert "allspin: first mismatch, number " in err


def test_an_engine_that_hangs_is_told_by_status(sim, monkeypatch):
    def stuck(parameters: EngineParameters) -> str:
        # No event is ever taken.
        verilog = engine_source(parameters)
        text, count = re.subn(
            r"assign events__ready = events__ready_\d+ & .*;", "assign events__ready = 0;", verilog
        )
        assert count == 1
        return text

    monkeypatch.setattr(allspin.host.run.simulate, "engine_source", stuck)
    status, out, err = sim("--images", "1")
    assert (status, out) == (1, "")
    assert "allspin: the simulation failed" in err
    assert "events: nothing was taken for" in err


@pytest.mark.long
def test_waves_are_recorded(sim, tmp_path):
    waves = tmp_path / "out.fst"
    status, out, _ = sim("--images", "2", "--waves", str(waves), "--json")
    assert status == 0
    assert json.loads(out)["waves"] == str(waves)
    # Kind and length of an FST file's header.
    assert waves.read_bytes()[:9] == bytes([0]) + (329).to_bytes(8, "big")


def test_a_missing_simulator_is_one_line_with_the_fix(sim, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    status, out, err = sim("--simulator", "icarus")
    assert (status, out) == (2, "")
    assert err == (
        "allspin: Icarus Verilog is not installed: install the system's package iverilog, "
        "or use --simulator verilator\n"
    )
