"""``allspin sim``: the engine under cocotb, and one line for a mistake that the user can mend."""

import re

import pytest

import allspin.host.run.simulate
from allspin.hdl.bench.simulator import engine_source


@pytest.fixture
def words(net, data):
    """The command on the small network and its data."""
    return f"sim {net} --data {data}"


def test_json_is_one_object_and_all_logits_are_right(cli, words, net):
    result = cli.json(f"{words} --images 12")
    # At least one clock a driven row or a neuron, and not many more.
    assert 12 <= result.pop("cycles_per_image") <= 40
    assert result.pop("seconds") > 0
    assert result == {
        "network": str(net),
        "simulator": "verilator",
        "images": 12,
        "logits_compared": 72,
        "mismatches": 0,
        "waves": None,
    }


def test_seed_stalls_and_repeats(cli, words):
    cycles = [
        cli.json(f"{words} --images 6 {seed}")["cycles_per_image"]
        for seed in ("", "--seed 2", "--seed 2", "--seed 3")
    ]
    assert cycles[0] < cycles[1] == cycles[2] != cycles[3]


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        # The readout keeps the smallest logit's class.
        (r" > \$signed\(best\)", " < $signed(best)", "allspin: first mismatch, number "),
        # No event is ever taken.
        (
            r"assign events__ready = events__ready_\d+ & .*;",
            "assign events__ready = 0;",
            "events: nothing was taken for",
        ),
    ],
)
def test_a_broken_engine_is_told_by_status(cli, words, monkeypatch, line, instead, said):
    def broken(parameters):
        text, count = re.subn(line, instead, engine_source(parameters))
        assert count == 1
        return text

    monkeypatch.setattr(allspin.host.run.simulate, "engine_source", broken)
    out, err = cli.run(f"{words} --images 4", 1)
    assert said in err
    found = re.search(r"^mismatches\t(\d+)", out, re.MULTILINE)
    assert 0 < int(found[1]) <= 4 if found else "the simulation failed" in err


@pytest.mark.long
def test_waves_are_recorded(cli, words, tmp_path):
    waves = tmp_path / "out.fst"
    assert cli.json(f"{words} --images 2 --waves {waves}")["waves"] == str(waves)
    # Kind and length of an FST file's header.
    assert waves.read_bytes()[:9] == bytes([0]) + (329).to_bytes(8, "big")


def test_a_missing_simulator_is_one_line_with_the_fix(cli, words, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert cli.refused(f"{words} --simulator icarus") == (
        "allspin: Icarus Verilog is not installed: install the system's package iverilog, "
        "or use --simulator verilator"
    )
