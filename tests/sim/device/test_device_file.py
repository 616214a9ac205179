"""Device files: round trips, and messages about damaged files."""

import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from allspin.sim.device.adc_variation import AdcVariation
from allspin.sim.device.device import Device
from allspin.sim.device.device_file import (
    device_from_toml,
    device_to_toml,
    load_device,
    save_device,
)
from allspin.sim.device.electrical import Electrical, NeuronElectrical
from allspin.sim.device.hall_array import HallArray
from allspin.sim.device.imperfections import STUCK_ENDS, Imperfections
from allspin.sim.device.neuron_variation import NeuronVariation
from allspin.sim.device.retention import DISTRIBUTIONS, Retention
from allspin.sim.errors import UserError
from allspin.sim.network.layer import Layer
from allspin.sim.network.levels import uniform_levels
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import ReluNeuron, SotNeuron
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import Programming
from allspin.sim.synapse.response import Polarity, PulseResponse
from allspin.sim.synapse.sot_synapse import SotSynapse
from allspin.sim.synapse.synapse_variation import (
    CYCLE_READINGS,
    DEVICE_READINGS,
    OCCASIONS,
    CycleVariation,
    DeviceVariation,
)
from allspin.sim.synapse.table_response import TableResponse
from allspin.sim.synapse.table_synapse import TableSynapse

PAPER = Path(__file__).resolve().parents[3] / "host" / "data" / "devices" / "paper.toml"

shares = st.floats(0, 1)
responses = st.builds(
    PulseResponse,
    st.sampled_from([22.0, 9.0, -40.0, math.inf]),
    st.integers(1, 128),
    st.floats(-5, -0.1),
    st.floats(0.1, 5),
)
sot_synapses = st.builds(
    SotSynapse,
    responses,
    responses,
    st.integers(2, 128),
    st.builds(
        CycleVariation,
        shares,
        shares,
        st.sampled_from(list(CYCLE_READINGS)),
        st.sampled_from(list(OCCASIONS)),
    ),
    st.builds(DeviceVariation, shares, shares, st.sampled_from(list(DEVICE_READINGS))),
)
devices = st.builds(
    Device,
    st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), min_size=1),
    sot_synapses,
    st.sampled_from([SotNeuron(0.2, 3, 0.01, 0.5), ReluNeuron()]),
    st.builds(NeuronVariation, shares, shares, shares),
    st.builds(
        Imperfections,
        stuck=shares,
        read_noise=shares,
        age=st.sampled_from([0.0, 1e6]),
        stuck_at=st.sampled_from(list(STUCK_ENDS)),
        retention=st.none()
        | st.builds(
            Retention,
            st.sampled_from([1.0, (1.2, 0.9, 1.1)]),
            between=shares,
            distribution=st.sampled_from(list(DISTRIBUTIONS)),
        )
        | st.just(Retention((1.2, 0.9), 1e-10, (0.1, 0.7), 0.05, 0.01, "uniform", -1, 358)),
    ),
    st.builds(Electrical, pulse_time=st.none() | shares),
    st.sampled_from(["ohm", "mΩ"]),
    st.just({"digest": "abc", "points": 3, "interval": [1.5, 2.5], "nested": {"R²": 0.5}}),
    st.builds(NeuronElectrical, velocity=st.none() | shares, position=st.none() | shares),
    st.sampled_from(
        [
            HallArray(),
            HallArray("buffered", "grounded", 1.0, 312.5, 200.0, input_impedance=1e6),
            HallArray("selected", "isolated", 0.5, 40.0, 25.0, switch_on=3.0, temperature=350.0),
        ]
    ),
    st.builds(AdcVariation, shares, shares, shares),
)


@given(devices)
def test_there_and_back(device: Device) -> None:
    text = device_to_toml(device)
    back = device_from_toml(text)
    for name in vars(device):
        assert getattr(back, name) == getattr(device, name)
    assert device_to_toml(back) == text


def test_a_table_goes_there_and_back(tmp_path: Path) -> None:
    up = TableResponse(np.array([0, 1 / 3, 1]), np.array([0, 0.1, 0.2]), np.zeros(3))
    down = TableResponse(np.array([1.0, 0.5]), np.zeros(2), np.array([0.1, 0.2]))
    device = Device("measured", TableSynapse(up, down, 33, "pulse"))
    save_device(device, tmp_path / "measured.toml")
    text = device_to_toml(load_device(tmp_path / "measured.toml"))
    assert text == device_to_toml(device)
    found = tomllib.loads(text)["synapse"]
    assert (found["states"], found["potentiation"]["resistance"]) == (33, [0, 1 / 3, 1])


def test_the_paper_s_device_has_the_paper_s_figures() -> None:
    device = load_device(PAPER)
    synapse = device.synapse
    assert isinstance(synapse, SotSynapse)
    assert [synapse.record()[one.name.lower()]["A"] for one in Polarity] == [22, 9]
    assert [synapse.c2c[polarity] for polarity in Polarity] == [0.065, 0.029]
    assert [synapse.d2d[polarity] for polarity in Polarity] == [0.13, 0.48]
    assert synapse.states == 100
    assert (device.neuron_variation.use, device.neuron_variation.gain) == (0.014, 0.18)
    # 20 to 38 microjoule for a pulse of 8 to 11 mA, 1 ms and five squares.
    cost = device.electrical
    assert cost.pulse_energy(cost.potentiation_current) == pytest.approx(20e-6)
    assert cost.pulse_energy(cost.depression_current) == pytest.approx(37.8e-6, rel=1e-3)
    assert (cost.width, cost.length, cost.read_energy) == (30e-6, 150e-6, None)
    neuron = device.neuron_electrical
    assert (neuron.width, neuron.length, neuron.position) == (50e-9, 800e-9, 20e-9)
    assert (neuron.resistance, neuron.current, neuron.velocity) == (1000, 0.2e-6, 80)
    assert device.imperfections == Imperfections()


def test_energy_of_a_read() -> None:
    cost = Electrical(resistance=300, read_current=1e-3, read_time=1e-6)
    assert cost.read_energy == pytest.approx(3e-10)
    assert cost.pulse_energy(None) is None


BAD = [
    ('name = "paper"', "name = 3", "name must be a word or line of text, not 3"),
    ("format = 1", "format = 2", "it has format 2; this version reads 1"),
    ("format = 1\n", "", "it lacks format"),
    ("format = 1", "format =", "it is not TOML"),
    ("A = 22.0", 'A = "22"', r"\[synapse.potentiation\]: A must be a number"),
    ("A = 22.0", "B = 22.0", r"\[synapse.potentiation\] has no key B; it takes A, P_max, R_min"),
    ("A = 22.0", "", r"\[synapse.potentiation\] lacks A"),
    ("P_max = 100", "P_max = 0", r"\[synapse.potentiation\]: P_max must be from 1 to 65535, not 0"),
    ("P_max = 100", "P_max = 1.5", r"\[synapse.potentiation\]: P_max must be an integer from 1"),
    ("states = 100", "states = 200", "states must be from 2 to 128, not 200"),
    ("states = 100", "states = 1.5", r"\[synapse\]: states must be an integer from 2 to 128"),
    ("states = 100", "state = 100", r"\[synapse\] has no key state"),
    (
        'kind = "sot"',
        'kind = "rram"',
        r"\[synapse\] kind must be one of sot, table, not 'rram'; a kind of your own",
    ),
    (
        'kind = "sot"',
        'kind = "table"',
        r"potentiation\] has no key A; it takes resistance, cycle, device",
    ),
    ('reading = "range"', 'reading = "R"', r"\[synapse.c2c\]: the reading of C2C must be one of"),
    ("[synapse.d2d]", "[synapse.dtd]", r"\[synapse\] has no key dtd"),
    ("[imperfections]", "[mistakes]", "no key mistakes"),
    ("[synapse.depression]", "[synapse.down]", r"\[synapse\] lacks depression"),
    ("slope = 1.25", "slope = 0", "the SOT neuron's slope must be a number from 0.1 to 20, not 0"),
    (
        'name = "sot"',
        'name = "tanh"',
        "neuron must be one of .*relu, sot, stochastic, not 'tanh'",
    ),
    (
        "[imperfections]",
        "[adc]\ngain = 1.5\n[imperfections]",
        r"\[adc\]: gain must be a number from 0 to 1, not 1.5",
    ),
    ("[imperfections]", "[adc]\ninl = 1\n[imperfections]", r"\[adc\] has no key inl"),
    ("gain = 0.18", "gain = 18", r"\[neuron.variation\]: the neuron's gain must be a n"),
    ("stuck = 0.0", "stuck = nan", r"\[imperfections\]: stuck must be a number from 0 to 1"),
    ("pulse_time = 0.001", "pulse_time = -1", r"\[synapse.electrical\]: pulse_time must be a num"),
    ("states = 100", "states = true", "synapse.states is true; only"),
    ("P_max = 100", "P_max = true", "synapse.potentiation.P_max is true; only"),
    ("stuck = 0.0", "stuck = false", "imperfections.stuck is false; only"),
]


@pytest.mark.parametrize(("old", "new", "expected"), BAD)
def test_damaged_files(old: str, new: str, expected: str, tmp_path: Path) -> None:
    text = PAPER.read_text("utf-8") + "\n[imperfections]\nstuck = 0.0\n"
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(UserError, match=expected) as caught:
        load_device(path)
    assert str(caught.value).startswith(f"{path} is not a device file: ")
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read device .*missing.toml: No such file"):
        load_device(tmp_path / "missing.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\x00")
    with pytest.raises(UserError, match="not text in UTF-8"):
        load_device(path)


WAY, SPREAD = np.arange(4.0), np.full(4, 0.1)
TABLE = device_to_toml(
    Device(
        "table",
        TableSynapse(TableResponse(WAY, SPREAD, SPREAD), TableResponse(-WAY, SPREAD, SPREAD)),
    )
)
AGED = """
[imperfections]
stuck = 0.0
age = 1e6
[imperfections.retention]
barrier = [1.0, 0.9]
within = 0.05
"""
VARIED = """
format = 1
name = "varied"
[synapse]
kind = "sot"
[synapse.depression]
A = 9.0
P_max = 100
[synapse.at]
axes = { current = "log" }
values = { "potentiation.A" = "reciprocal" }
default = { current = 7e-3 }
[[synapse.at.measured]]
current = 6e-3
potentiation = { A = 22.0, P_max = 100 }
c2c = { depression = 0.1 }
[[synapse.at.measured]]
current = 8e-3
potentiation = { A = inf, P_max = 50 }
c2c = { depression = 0.2 }
"""
TEXTS = (PAPER.read_text("utf-8") + AGED, TABLE, VARIED)


values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-2, 130)
    | st.floats()
    | st.sampled_from([1e308, -1e308, 5e-324, 1e-300, 0.5])
    | st.sampled_from(["sot", "table", "write", "pulse", "range", ""])
    | st.text(max_size=3)
    | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
SMALL = Network(
    (Layer(np.arange(12, dtype=np.uint8).reshape(4, 3) % 10, uniform_levels(10)),),
    ReluNeuron(),
    (2, 2),
)


def used_or_refused(path: Path) -> None:
    """A file is refused in one line, or a chip can be made of it, and the file be written."""
    try:
        device = load_device(path)
    except UserError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert device_to_toml(device_from_toml(device_to_toml(device))) == device_to_toml(device)
    assert all("\n" not in line for line in device.readings())
    try:
        words = program(SMALL, device, 0, Programming()).words
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert np.abs(words[0]).max() < 128


parts = st.binary(max_size=4) | st.sampled_from(
    [b"[" * 3000, b"=1\n", b"1" * 400, b"\\u0000", b'"', b"\n", b"[[a]]", b".a" * 3000, b"1e999"]
)


@given(st.sampled_from(TEXTS), st.integers(0, 2000), st.integers(0, 8), parts)
@settings(deadline=None, max_examples=300)
@pytest.mark.filterwarnings("error")
def test_any_damage_makes_a_device_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str, start: int, length: int, part: bytes
) -> None:
    path = tmp_path_factory.mktemp("device") / "device.toml"
    content = text.encode()
    start = start % len(content)
    path.write_bytes(content[:start] + part + content[start + length :])
    used_or_refused(path)


@pytest.mark.parametrize(
    ("text", "old", "new", "where"),
    [
        (
            TABLE,
            "[synapse.depression]",
            "distribution = true\n[synapse.depression]",
            "synapse.potentiation.distribution",
        ),
        (TABLE, "    0.1,\n", "    true,\n", "synapse.potentiation.cycle"),
        (VARIED, "current = 6e-3", "current = true", "synapse.at.measured.current"),
    ],
)
def test_a_truth_value_is_no_number(text: str, old: str, new: str, where: str) -> None:
    assert old in text
    with pytest.raises(ValueError, match=f"^{where} is true; only"):
        device_from_toml(text.replace(old, new, 1))


def test_a_truth_value_is_read_where_one_is_meant() -> None:
    bounded = TABLE.replace("states =", "bounded = true\nstates =", 1)
    assert bounded != TABLE
    assert getattr(device_from_toml(bounded).synapse, "bounded")  # noqa: B009 (kind is open)
    told = TABLE.replace("[source]", "[source]\nchecked = true", 1)
    assert device_from_toml(told).source == {"checked": True}
