"""Points that are added to a file one by one: each is then the device that was fitted there."""

import dataclasses
import tomllib
from pathlib import Path

import pytest

from allspin.sim.device.device import Device, Electrical
from allspin.sim.device.device_file import device_to_toml, load_device, save_device, save_point
from allspin.sim.device.operating_point import OperatingPoint
from allspin.sim.errors import UserError
from allspin.sim.synapse.response import PulseResponse
from allspin.sim.synapse.synapse import CycleVariation, DeviceVariation, SotSynapse


def fitted(a: float, pulses: int, c2c: float, occasion: str = "write") -> Device:
    return Device(
        "wafer",
        SotSynapse(
            PulseResponse(a, pulses, -0.5, 0.7),
            PulseResponse(9, 100),
            64,
            CycleVariation(c2c, 0.02, occasion=occasion),
            DeviceVariation(0.1, 0.1, "weight"),
        ),
        electrical=Electrical(potentiation_current=1.0, resistance=300.0),
        source={"sha256": {"file": "abc"}},
    )


def test_each_point_is_the_device_that_was_fitted(tmp_path: Path) -> None:
    path = tmp_path / "wafer.toml"
    devices = {8e-3: fitted(22, 100, 0.02), 11e-3: fitted(float("inf"), 60, 0.05)}
    for current, device in devices.items():
        assert save_point(device, path, OperatingPoint(current=current)) is None
    for current, device in devices.items():
        found = load_device(path, OperatingPoint(current=current))
        # The current is the point's, whatever another file lent.
        cost = dataclasses.replace(
            device.electrical, potentiation_current=current, depression_current=current
        )
        expected = dataclasses.replace(device, electrical=cost)
        one, other = (tomllib.loads(device_to_toml(each)) for each in (found, expected))
        del one["source"], other["source"]
        assert one == other
    assert load_device(path).source["at"] == "current=8mA"
    assert set(tomllib.loads(path.read_text())["source"]["points"]) == {
        "current=8mA",
        "current=11mA",
    }
    between = load_device(path, OperatingPoint(current=9e-3)).synapse.record()
    assert 22 < between["potentiation"]["A"] < 100


def test_a_point_that_is_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "wafer.toml"
    for a in (22, 15):
        save_point(fitted(a, 100, 0.02), path, OperatingPoint(field=0.01))
    assert len(tomllib.loads(path.read_text())["synapse"]["at"]["measured"]) == 1
    assert load_device(path).synapse.record()["potentiation"]["A"] == 15


def test_a_grid_that_is_not_complete_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "wafer.toml"
    lacking = [
        save_point(
            fitted(22, 100, 0.02), path, OperatingPoint(current=current, temperature=temperature)
        )
        for current, temperature in ((8e-3, 300), (11e-3, 300), (8e-3, 400), (11e-3, 400))
    ]
    assert [one is None for one in lacking] == [True, True, False, True]
    assert lacking[2] is not None
    assert lacking[2].endswith("lacks current 11mA, temperature 400K")


def test_what_does_not_go_together_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wafer.toml"
    save_point(fitted(22, 100, 0.02), path, OperatingPoint(current=8e-3))
    before = path.read_text()
    for device, point, message in (
        (fitted(22, 100, 0.02), OperatingPoint(field=0.01), "points are over current, not over f"),
        (fitted(22, 100, 0.02, "pulse"), OperatingPoint(current=9e-3), "has c2c .*'write'.* and t"),
    ):
        with pytest.raises(UserError, match=message):
            save_point(device, path, point)
    assert path.read_text() == before
    plain = tmp_path / "plain.toml"
    save_device(fitted(22, 100, 0.02), plain)
    with pytest.raises(UserError, match="it has no points that this one could be added to"):
        save_point(fitted(22, 100, 0.02), plain, OperatingPoint(current=8e-3))
