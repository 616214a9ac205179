"""``--at``: every command that takes a device takes it at a point, or says what was measured."""

import pytest

WAFER = """
format = 1
name = "wafer"
[synapse]
kind = "sot"
depression = { A = 9.0, P_max = 100 }
[synapse.at]
axes = { current = "log" }
default = { current = 8e-3 }
[[synapse.at.measured]]
current = 8e-3
potentiation = { A = 22.0, P_max = 100 }
[[synapse.at.measured]]
current = 11e-3
potentiation = { A = 5.0, P_max = 30 }
"""
COMMANDS = [
    "run paper-10 --chip 1",
    "chips paper-10",
    "train -o x.safetensors",
    "report paper-10 -o x.html",
    "compare paper-10 --json",
    "export paper-10 --spice x.cir",
    "sweep --network paper-10 -o x.csv",
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the device."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wafer.toml").write_text(WAFER)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_names_the_range(folder, command, cli):
    words = f"{command} --device wafer.toml --at"
    line = cli.refused(f"{words} current=12mA")
    assert line.endswith("wafer.toml: current 12mA is outside what was measured, from 8mA to 11mA")
    assert "a point is such as current=9mA,temperature=350" in cli.refused(f"{words} volts=3")
    assert [path.name for path in folder.iterdir()] == ["wafer.toml"]


def test_what_is_opened_is_the_device_at_the_point(cli):
    # A device of 30 pulses takes fewer than one of 100.
    words = "run paper-10 --chip 1 --images 10 --device wafer.toml --polarity potentiation"
    pulses = [
        cli.json(f"{words} {more}")["programming"]["pulses"] for more in ("--at current=11mA", "")
    ]
    assert pulses[0] < pulses[1] / 2
