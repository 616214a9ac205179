"""The documents name every reading, figure and key that there is."""

import dataclasses
from pathlib import Path

import pytest

from allspin.host.study.fit.reading.columns import NAMES
from allspin.sim.device import neuron_device, synapse_variation, variation
from allspin.sim.device.device import Electrical
from allspin.sim.device.neuron_device import NeuronVariation
from allspin.sim.device.table_device import TableResponse
from allspin.sim.network.neuron import SotNeuron

DOCS = Path(__file__).resolve().parents[2] / "docs"
PHYSICS = (DOCS / "physics.md").read_text("utf-8")
FORMATS = (DOCS / "formats.md").read_text("utf-8")

READINGS = [
    reading
    for readings in (
        synapse_variation.CYCLE_READINGS,
        synapse_variation.OCCASIONS,
        synapse_variation.DEVICE_READINGS,
        neuron_device.GAIN_READINGS,
        neuron_device.THRESHOLD_READINGS,
        neuron_device.USE_READINGS,
        variation.STUCK_ENDS,
    )
    for reading in readings
]
KEYS = [
    field.name
    for kind in (Electrical, SotNeuron, NeuronVariation, TableResponse)
    for field in dataclasses.fields(kind)
]


@pytest.mark.parametrize("name", sorted({*READINGS, *variation.UNITS, "age", "stuck_at"}))
def test_physics_names_every_reading_and_figure(name: str) -> None:
    assert f"`{name}`" in PHYSICS


@pytest.mark.parametrize("name", sorted(set(KEYS)))
def test_formats_names_every_key_of_a_device_file(name: str) -> None:
    assert f"`{name}`" in FORMATS


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"resistance"}))
def test_formats_names_every_column(name: str) -> None:
    assert f"| `{name}` |" in FORMATS
