"""``--device NAME@POINT``: each command takes a device at a point, or names the measured range."""

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
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the device."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wafer.toml").write_text(WAFER)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_names_the_range(folder, command, cli):
    words = f"{command} --device wafer.toml@"
    line = cli.refused(f"{words}current=12mA")
    assert line.endswith("wafer.toml: current 12mA is outside what was measured, from 8mA to 11mA")
    assert "a point is such as current=9mA,temperature=350" in cli.refused(f"{words}volts=3")
    assert [path.name for path in folder.iterdir()] == ["wafer.toml"]


def test_the_opened_device_is_the_one_at_the_point(cli):
    # A device of 30 pulses takes fewer than one of 100.
    words = "run paper-10 --chip 1 --images 10 --device"
    pulses = [
        cli.json(f"{words} wafer.toml{point}")["programming"]["pulses"]
        for point in ("@current=11mA", "")
    ]
    assert pulses[0] < pulses[1]


def test_a_file_whose_name_has_an_at_is_taken_whole(folder, cli):
    (folder / "wafer.toml").rename(folder / "a@current=20mA")
    words = "run paper-10 --chip 1 --images 10 --device"
    cli.run(f"{words} a@current=20mA")
    line = cli.refused(f"{words} a@current=20mA@current=12mA")
    assert "current 12mA is outside" in line
