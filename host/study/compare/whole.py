"""The whole network with one kind of neuron: energy, area and time of an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.study.compare.assumptions.parts import (
    Assumptions,
    cmos_periphery_area,
    driver_area,
)
from allspin.host.study.compare.neurons.entries import FLIP_FLOP
from allspin.host.study.compare.neurons.entry import Entry
from allspin.sim.cost.published import SRAM_CELL_AREA, SRAM_READ_8KB
from allspin.sim.cost.spin import SynapseFigures
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network


@dataclass(frozen=True, eq=False)
class Counted:
    """What a network did on some images, a mean an image.

    Attributes
    ----------
    rows : list of float
        Rows driven, layer by layer.
    squares : list of float
        Sum of the squared row values, in units of full scale squared, layer by layer.
    uses : int
        Hidden neurons used.
    """

    rows: list[float]
    squares: list[float]
    uses: int


def count(network: Network, images: npt.NDArray[np.uint8]) -> Counted:
    """Count the rows that a network drives on some images."""
    rows, squares = [], []
    for number, trace in enumerate(GoldenModel(network).trace(images)):
        top = 2 ** network.input_bits(number) - 1
        rows.append(float(np.count_nonzero(trace.inputs)) / len(images))
        squares.append(float(np.sum((trace.inputs / top) ** 2)) / len(images))
    return Counted(rows, squares, sum(layer.columns for layer in network.layers[:-1]))


@dataclass(frozen=True)
class _Share:
    """What a network of some neurons takes for an image: fJ by part, um^2, ns."""

    parts: dict[str, float]
    around: dict[str, float]
    area: float
    area_around: float
    latency: float
    period: float


def _digital(entry: Entry, network: Network, here: Counted, a: Assumptions) -> _Share:
    """Every layer's columns are digital ones, a clock a row; no device is read."""
    layers = network.layers
    events = sum(driven * layer.columns for driven, layer in zip(here.rows, layers, strict=True))
    return _Share(
        parts={"neurons": entry.bare_energy / entry.details["clocks_per_use"] * events},
        around={"sram": events * SRAM_READ_8KB / 8},
        area=entry.area * (here.uses + network.classes),
        area_around=_synapses(network) * network.rah_bits * SRAM_CELL_AREA,
        latency=sum(here.rows) * 1e9 / a.frequency,
        period=max(here.rows) * 1e9 / a.frequency,
    )


def _analogue(
    entry: Entry, network: Network, here: Counted, synapse: SynapseFigures, a: Assumptions
) -> _Share:
    """Columns of devices, with an amplifier and a converter for each class."""
    layers = network.layers
    heat = sum(
        synapse.read(square, layer.columns)
        for square, layer in zip(here.squares, layers, strict=True)
    )
    reading = a.on("amplifier", a.amplifier) + a.conversion
    return _Share(
        parts={"synapses": heat, "neurons": entry.bare_energy * here.uses},
        around={
            "neurons' periphery": sum(entry.periphery.values()) * here.uses,
            "row drivers": sum(here.rows) * a.row,
            "class readout": network.classes * reading,
        },
        area=entry.area * here.uses + synapse.scaled_area * _synapses(network),
        area_around=entry.periphery_area * here.uses
        + driver_area(a) * sum(layer.rows for layer in layers)
        + cmos_periphery_area(a, FLIP_FLOP) * network.classes,
        latency=len(layers) * max(entry.latency, synapse.time * 1e9),
        period=max(entry.period, synapse.time * 1e9),
    )


def _synapses(network: Network) -> int:
    return sum(layer.rows * layer.columns for layer in network.layers)


def whole_network(
    entry: Entry,
    network: Network,
    counted: dict[str, Counted],
    synapse: SynapseFigures,
    a: Assumptions,
) -> dict[str, Any]:
    """The whole network with one kind of neuron, for one image.

    Bare, that is the heat of the rows' currents along the synapses, and the neurons; with
    periphery also the rows' drivers, what surrounds the neurons, and the reading of the
    classes.

    Parameters
    ----------
    entry : Entry
        The neuron.
    network : Network
        The network.
    counted : dict of str to Counted
        What the network with each kind of neuron did.
    synapse : SynapseFigures
        Its synapses.
    a : Assumptions
        What surrounds the neurons.
    """
    here = counted[entry.kind]
    if entry.name == "cmos-column":
        own = _digital(entry, network, here, a)
    else:
        own = _analogue(entry, network, here, synapse, a)
    bare = sum(own.parts.values())
    whole = bare + sum(own.around.values())
    return {
        "parts_fj": {**own.parts, **own.around},
        "energy_pj": bare / 1000,
        "energy_with_periphery_pj": whole / 1000,
        "area_um2": own.area,
        "area_with_periphery_um2": own.area + own.area_around,
        "latency_ns": own.latency,
        "images_per_second": 1e9 / own.period,
        "energy_delay_with_periphery_pj_ns": whole / 1000 * own.latency,
    }
