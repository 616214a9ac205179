"""``--at``: every command that takes a device takes it at a point, or says what was measured."""

import pytest

from allspin.host.chips.accuracy import COLUMNS
from allspin.host.chips.measured import MeasureOptions, measure_chips
from allspin.host.chips.options import ChipOptions
from allspin.host.data.catalogue import open_device
from allspin.host.report.subject import Subject
from allspin.host.train.parameters import TrainingTarget
from allspin.sim.errors import UserError

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


def test_what_is_opened_is_the_device_at_the_point(folder, cli):
    at = "current=11mA"
    plain = WAFER[: WAFER.index("[synapse.at]")] + "potentiation = { A = 5.0, P_max = 30 }\n"
    plain += "electrical = { potentiation_current = 0.011, depression_current = 0.011 }\n"
    (folder / "plain.toml").write_text(plain)
    expected, device = open_device("plain.toml"), open_device("wafer.toml", at)
    assert (device.synapse, device.electrical) == (expected.synapse, expected.electrical)
    options = MeasureOptions(chips=2, columns=COLUMNS[:1])
    one, other = (
        measure_chips("paper-10", name, options, at=point, images=100).results[0]
        for name, point in (("wafer.toml", at), ("plain.toml", None))
    )
    assert one.mean == other.mean
    subject = Subject.open("paper-10", "wafer.toml", at=at, images=1)
    assert subject.device.synapse == expected.synapse
    command = subject.command("chips", *subject.device_options)
    assert "--device wafer.toml --at current=11mA" in command
    assert TrainingTarget(device).to_dict()["at"] == at
    assert ChipOptions(1, "wafer.toml", at=at).at == at
    with pytest.raises(UserError, match="a device is at its point already"):
        open_device(device, at)
    # A device of 30 pulses takes fewer than one of 100.
    words = "run paper-10 --chip 1 --images 10 --device wafer.toml --polarity potentiation"
    pulses = [cli.json(f"{words} {more}")["programming"]["pulses"] for more in (f"--at {at}", "")]
    assert pulses[0] < pulses[1] / 2
