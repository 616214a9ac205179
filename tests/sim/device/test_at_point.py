"""Devices at operating points against device files written by hand for these points."""

import dataclasses
import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from hypothesis import given, strategies as st

from allspin.sim.device.device import Device
from allspin.sim.device.device_file import (
    device_from_toml,
    device_to_toml,
    load_device,
    save_device,
    save_point,
)
from allspin.sim.device.electrical import Electrical
from allspin.sim.device.operating_point import AXES, OperatingPoint
from allspin.sim.device.retention import Retention
from allspin.sim.errors import UserError
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import CycleVariation, DeviceVariation
from allspin.sim.synapse.table_synapse import TableSynapse

FILE = """
format = 1
name = "wafer 12"

[synapse]
kind = "sot"
states = 64

[synapse.depression]
A = 9.0
P_max = 100
R_min = -1.0
R_max = 1.0

[synapse.c2c]
depression = 0.03

[synapse.electrical]
resistance = 300.0
depression_current = 0.011
saturation_current = 0.011

[synapse.at]
axes = { current = "log", temperature = "linear" }
values = { "potentiation.A" = "log", "c2c.potentiation" = "linear" }
default = { current = 8e-3, temperature = 300 }

[[synapse.at.measured]]
current = 6e-3
temperature = 300
potentiation = { A = 40.0, P_max = 200, R_min = -1.0, R_max = 1.0 }
c2c.potentiation = 0.02

[[synapse.at.measured]]
current = 8e-3
temperature = 300
potentiation = { A = 20.0, P_max = 100, R_min = -1.0, R_max = 1.0 }
c2c.potentiation = 0.04

[[synapse.at.measured]]
current = 6e-3
temperature = 400
potentiation = { A = 30.0, P_max = 150, R_min = -0.8, R_max = 0.8 }
c2c.potentiation = 0.03

[[synapse.at.measured]]
current = 8e-3
temperature = 400
potentiation = { A = 10.0, P_max = 50, R_min = -0.6, R_max = 0.6 }
c2c.potentiation = 0.06
"""
NET = Network(
    (Layer((np.arange(600).reshape(20, 30) % 10).astype(np.uint8), uniform_levels(10)),),
    ReluNeuron(),
    (4, 5),
)


def at(text: str | None, file: str = FILE) -> Device:
    return device_from_toml(file, None if text is None else OperatingPoint.parse(text))


def by_hand(potentiation: dict[str, Any], c2c: float, current: float) -> Device:
    """The device of a plain file with these figures."""
    tables = tomllib.loads(FILE)
    del tables["synapse"]["at"]
    tables["synapse"]["potentiation"] = potentiation
    tables["synapse"]["c2c"]["potentiation"] = c2c
    tables["synapse"]["electrical"]["potentiation_current"] = current
    return device_from_toml(tomli_w.dumps(tables))


def same(one: Device, other: Device) -> bool:
    texts = [tomllib.loads(device_to_toml(device)) for device in (one, other)]
    for text in texts:
        del text["source"]
    return texts[0] == texts[1]


@pytest.mark.parametrize(
    ("text", "potentiation", "c2c", "current"),
    [
        (None, (20.0, 100, 1.0), 0.04, 8e-3),
        ("current=6mA", (40.0, 200, 1.0), 0.02, 6e-3),
        ("temperature=400", (10.0, 50, 0.6), 0.06, 8e-3),
        ("temperature=400,current=6000uA", (30.0, 150, 0.8), 0.03, 6e-3),
        ("temperature=325", (20 * (1 / 2) ** 0.25, 88, 0.9), 0.045, 8e-3),
    ],
)
def test_the_device_at_a_point_is_that_of_a_plain_file(
    text: str | None, potentiation: tuple[float, int, float], c2c: float, current: float
) -> None:
    a, pulses, end = potentiation
    figures = {"A": a, "P_max": pulses, "R_min": -end, "R_max": end}
    found, expected = at(text), by_hand(figures, c2c, current)
    if text != "temperature=325":
        assert same(found, expected)
    one, other = found.synapse.record(), expected.synapse.record()
    assert one["potentiation"] == pytest.approx(other["potentiation"], rel=1e-12)
    assert one["c2c"].pop("potentiation") == pytest.approx(other["c2c"].pop("potentiation"))
    assert one["c2c"] == other["c2c"]
    assert found.electrical == expected.electrical


def test_between_currents_it_is_interpolated_by_their_logarithm() -> None:
    # Halfway in the logarithm: 6.928 mA; three tenths of the way up in temperature.
    found = at(f"current={math.sqrt(6e-3 * 8e-3)!r},temperature=330").synapse.record()
    a = [math.log(value) for value in (40, 20, 30, 10)]
    expected = math.exp(0.7 * (a[0] + a[1]) / 2 + 0.3 * (a[2] + a[3]) / 2)
    assert found["potentiation"]["A"] == pytest.approx(expected, rel=1e-12)
    assert found["potentiation"]["R_max"] == pytest.approx(0.7 * 1.0 + 0.3 * 0.7)
    assert found["potentiation"]["P_max"] == round(0.7 * 150 + 0.3 * 100)
    assert found["c2c"]["potentiation"] == pytest.approx(0.7 * 0.03 + 0.3 * 0.045)


def test_tables_are_interpolated_pulse_by_pulse() -> None:
    file = """
format = 1
name = "tables"
synapse.kind = "table"
synapse.at.axes = { current = "linear" }
synapse.at.default = { current = 0.01 }
[[synapse.at.measured]]
current = 0.01
potentiation = { resistance = [0, 4, 6, 7], cycle = [0, 0.1, 0.1, 0.1], device = [0, 0, 0, 0] }
depression = { resistance = [7, 2, 0], cycle = [0, 0.2, 0.2], device = [0, 0, 0] }
[[synapse.at.measured]]
current = 0.02
potentiation = { resistance = [0, 8, 9], cycle = [0, 0.3, 0.5], device = [0, 0, 0] }
depression = { resistance = [9, 1, 0], cycle = [0, 0.4, 0.4], device = [0, 0, 0] }
"""
    synapse = at("current=12.5mA", file).synapse
    assert isinstance(synapse, TableSynapse)
    up = synapse.response(Polarity.POTENTIATION)
    # The shorter curve has ended and keeps its last value.
    assert up.resistance == pytest.approx([0, 5, 6.75, 7.5])
    assert up.cycle == pytest.approx([0, 0.15, 0.2, 0.2])
    assert synapse.response(Polarity.DEPRESSION).resistance == pytest.approx([7.5, 1.75, 0])


def test_a_that_passes_through_infinity() -> None:
    file = FILE.replace('"potentiation.A" = "log"', '"potentiation.A" = "reciprocal"')
    file = file.replace("A = 40.0", "A = inf").replace("A = 10.0", "A = -60.0")
    found = at("temperature=400,current=8mA", file).synapse.record()
    assert found["potentiation"]["A"] == -60
    middle = at("temperature=350", file).synapse.record()["potentiation"]["A"]
    assert middle == pytest.approx(1 / ((1 / 20 - 1 / 60) / 2))
    straight = at("current=6mA", file).synapse.record()["potentiation"]["A"]
    assert straight == math.inf


RETENTION = "\n[imperfections]\nage = 1e6\n[imperfections.retention]\nbarrier = 1.0\n"
ARRAY = """
[array]
reading = "series"
hall_resistance = 1.0
longitudinal = 300.0
arms = 300.0
temperature_coefficient = 1e-3
"""


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("temperature=358", "", (358, 358)),
        # Without a temperature in the point, the file's own stays.
        (None, "", (300, 300)),
        ("current=6mA", "temperature = 330\n", (330, 300)),
        ("temperature=358", "temperature = 330\n", (358, 358)),
    ],
)
def test_retention_and_array_are_at_the_temperature_that_is_asked_for(
    text: str | None, more: str, expected: tuple[float, float]
) -> None:
    device = at(text, FILE + RETENTION + more + ARRAY)
    assert device.imperfections.retention is not None
    assert (device.imperfections.retention.temperature, device.array.temperature) == expected


def test_temperature_alone_needs_something_that_depends_on_it() -> None:
    tables = tomllib.loads(FILE + RETENTION)
    del tables["synapse"]["at"]
    tables["synapse"]["potentiation"] = tables["synapse"]["depression"]
    with_retention = tomli_w.dumps(tables)
    device = at("temperature=358", with_retention)
    assert device.imperfections.retention == Retention(1.0, temperature=358)
    without = "not measured, and so without: the synapse's response over temperature"
    assert {"taken at temperature=358K", without} <= set(device.readings())
    del tables["imperfections"]
    with pytest.raises(ValueError, match="nothing of the device depends on temperature"):
        at("temperature=358", tomli_w.dumps(tables))
    with pytest.raises(ValueError, match="current was not varied: the device was measured at one"):
        at("current=8mA", with_retention)


def test_a_point_is_told_and_the_device_is_written_as_an_ordinary_one(tmp_path: Path) -> None:
    path = tmp_path / "wafer.toml"
    path.write_text(FILE)
    device = load_device(path, OperatingPoint.parse("current=7mA"))
    assert device.readings()[0] == "taken at current=7mA,temperature=300K"
    assert same(device_from_toml(device_to_toml(device)), device)
    assert "at" not in tomllib.loads(device_to_toml(device))["synapse"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("current=8.1mA", "current 8.1mA is outside what was measured, from 6mA to 8mA"),
        ("current=5.999mA", "current 5.999mA is outside what was measured, from 6mA to 8mA"),
        ("temperature=401", "temperature 401K is outside what was measured, from 300K to 400K"),
        (
            "field=1mT",
            "field was not varied in the measurement; measured: current 6mA to 8mA, "
            "temperature 300K to 400K",
        ),
    ],
)
def test_points_outside_the_measurement_fail(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "wafer.toml"
    path.write_text(FILE)
    with pytest.raises(UserError) as caught:
        load_device(path, OperatingPoint.parse(text))
    assert str(caught.value) == f"{path}: {expected}"


BAD = [
    ('current = "log",', "", "number 2: it is at the same point as another one"),
    (
        'current = "log"',
        'current = "cubic"',
        r"axes\] current must be one of linear, log, not 'cubic'",
    ),
    ('current = "log"', 'volts = "log"', r"axes\] has no key volts; it takes current, width"),
    ('"potentiation.A" =', '"potentiation.B" =', r"values\] has no key potentiation.B; it takes p"),
    ('.A" = "log"', '.A" = []', "A must be one of linear, log, reciprocal, not \\[\\]"),
    ("default = {", "fault = {", r"\[synapse.at\] lacks default"),
    ("default = { current = 8e-3,", "default = {", r"default\] lacks current"),
    ("current = 8e-3, temp", "current = 9e-3, temp", r"default\]: current 9mA is outside what"),
    ("current = 6e-3\n", "current = 7e-3\n", "lacks current 6mA, temperature 300K"),
    ("current = 6e-3\n", "", "number 1: it lacks current"),
    ("current = 6e-3\n", "current = -6e-3\n", "number 1: current must be above 0, not -0.006"),
    ("A = 40.0, ", "", "number 2: potentiation.A must be there at all points or none"),
    ("A = 40.0", "A = -40.0", "potentiation.A is on a log scale and must be above 0"),
    ("A = 40.0", "A = [40.0]", "potentiation.A is a list at some points only"),
    ("A = 40.0", "A = 'x'", "potentiation.A must be a number or a list of them, not 'x'"),
    ("c2c.potentiation = 0.02", "c2c.depression = 0.02", "c2c.depression must be there at all"),
    ("depression = 0.03", "potentiation = 0.03", "c2c.potentiation is in .synapse. and in"),
    ("resistance = 300", "potentiation_current = 0.01 # ", "which are the current of .synapse.at."),
]


@pytest.mark.parametrize(("old", "new", "expected"), BAD)
def test_damaged_files(old: str, new: str, expected: str, tmp_path: Path) -> None:
    assert old in FILE
    path = tmp_path / "wafer.toml"
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(UserError, match=expected) as caught:
        load_device(path)
    assert str(caught.value).startswith(f"{path} is not a device file: ")


def test_straight_lines_through_infinity_are_refused() -> None:
    for change in (("A = 40.0", "A = inf"), ("A = 40.0", "A = -40.0")):
        file = FILE.replace('"potentiation.A" = "log", ', "").replace(*change)
        with pytest.raises(ValueError, match=r"potentiation.A .* give it the scale reciprocal"):
            at(None, file)


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
        # The current is the point's, even if another file lent one.
        cost = dataclasses.replace(
            device.electrical, potentiation_current=current, depression_current=current
        )
        expected = dataclasses.replace(device, electrical=cost)
        one, other = (tomllib.loads(device_to_toml(each)) for each in (found, expected))
        del one["source"], other["source"]
        assert one == other
    assert load_device(path).source["at"] == "current=8mA"


def test_points_are_added_or_replaced_until_the_grid_is_complete(tmp_path: Path) -> None:
    path, lacking = tmp_path / "wafer.toml", []
    for current, temperature in ((8e-3, 300), (11e-3, 300), (8e-3, 400), (11e-3, 400), (8e-3, 300)):
        point = OperatingPoint(current=current, temperature=temperature)
        lacking.append(save_point(fitted(15 + 7 * len(lacking), 100, 0.02), path, point))
    assert [one is None for one in lacking] == [True, True, False, True, True]
    assert str(lacking[2]).endswith("lacks current 11mA, temperature 400K")
    assert len(tomllib.loads(path.read_text())["synapse"]["at"]["measured"]) == 4
    assert load_device(path).synapse.record()["potentiation"]["A"] == 15 + 7 * 4


def test_devices_and_points_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
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


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("current=9mA,temperature=350", {"current": 0.009, "temperature": 350.0}),
        ("current=1.1mA", {"current": 0.0011}),
        ("current = 8500 uA , width = 10 ns", {"current": 0.0085, "width": 1e-8}),
        ("width=2e-3", {"width": 0.002}),
        ("field=-100Oe", {"field": -0.01}),
        ("field=10mT", {"field": 0.01}),
        ("field=0", {"field": 0.0}),
        # 1 kA/m is 4 pi oersted.
        ("field=1kA/m", {"field": pytest.approx(12.566370614e-4, rel=1e-9)}),
        ("temperature=77.5K", {"temperature": 77.5}),
    ],
)
def test_units(text: str, values: dict[str, float]) -> None:
    assert OperatingPoint.parse(text).given() == values


@given(st.dictionaries(st.sampled_from(AXES), st.floats(1e-12, 1e6), min_size=1))
def test_there_and_back(values: dict[str, float]) -> None:
    point = OperatingPoint(**values)
    back = OperatingPoint.parse(str(point))
    assert back.given() == pytest.approx(values, rel=1e-11)
    assert str(back) == str(point)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a point is such as current=9mA,temperature=350, of current, width, field, temp"),
        ("current", "not 'current'"),
        ("volts=3", "not 'volts=3'"),
        ("current=1,current=2", "has current twice"),
        ("current=9V", "current must be in A, not '9V'"),
        ("current=-1mA", "current must be above 0, not -0.001"),
        ("current=0", "current must be above 0, not 0"),
        ("temperature=350C", "temperature must be in K, not '350C'"),
        ("field=1Gs", "field must be in T or Oe or A/m, not '1Gs'"),
        ("current=nan", "current must be a number, in A where it has a unit, not 'nan'"),
        ("current=1e9999", "current must be a number"),
    ],
)
def test_malformed_points(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        OperatingPoint.parse(text)
