"""The documents name every reading, figure and key that there is."""

import dataclasses
from pathlib import Path

import pytest

from allspin.host.fit.columns import NAMES
from allspin.sim.device import device as imperfections
from allspin.sim.device import device as neuron_device
from allspin.sim.device.at_point import AXIS_SCALES, SCALES
from allspin.sim.device.device import Electrical, NeuronVariation
from allspin.sim.device.hall_array import READINGS as ARRAY_READINGS
from allspin.sim.device.hall_array import SUPPLIES, HallArray
from allspin.sim.device.operating_point import AXES
from allspin.sim.device.retention import DISTRIBUTIONS, Retention
from allspin.sim.network.neuron import SotNeuron
from allspin.sim.synapse import synapse as synapse_variation
from allspin.sim.synapse.table_synapse import TableResponse

DOCS = Path(__file__).resolve().parents[2] / "docs"
PHYSICS = (DOCS / "physics.md").read_text("utf-8")
FORMATS = (DOCS / "formats.md").read_text("utf-8")
ARRAY = (DOCS / "array.md").read_text("utf-8")

READINGS = [
    reading
    for readings in (
        synapse_variation.CYCLE_READINGS,
        synapse_variation.OCCASIONS,
        synapse_variation.DEVICE_READINGS,
        neuron_device.GAIN_READINGS,
        neuron_device.THRESHOLD_READINGS,
        neuron_device.USE_READINGS,
        imperfections.STUCK_ENDS,
    )
    for reading in readings
]
KEYS = [
    field.name
    for kind in (Electrical, HallArray, Retention, SotNeuron, NeuronVariation, TableResponse)
    for field in dataclasses.fields(kind)
]


@pytest.mark.parametrize("name", sorted({*READINGS, *imperfections.UNITS, "age", "stuck_at"}))
def test_physics_names_every_reading_and_figure(name: str) -> None:
    assert f"`{name}`" in PHYSICS


@pytest.mark.parametrize("name", sorted({*KEYS, *AXIS_SCALES, *SCALES, *AXES, *DISTRIBUTIONS}))
def test_formats_names_every_key_of_a_device_file(name: str) -> None:
    assert f"`{name}`" in FORMATS


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"resistance"}))
def test_formats_names_every_column(name: str) -> None:
    assert f"| `{name}` |" in FORMATS


@pytest.mark.parametrize("name", [*ARRAY_READINGS, *SUPPLIES])
def test_the_array_s_document_names_every_reading_and_supply(name: str) -> None:
    assert f"`{name}`" in ARRAY
    assert f"`{name}`" in FORMATS
