"""Costs of the whole network with one kind of neuron, and the record of its layers."""

from dataclasses import dataclass
from typing import Any

from allspin.host.compare.assumptions import (
    Assumptions,
    cmos_periphery_area,
)
from allspin.host.compare.neurons import FLIP_FLOP, Entry, NeuronKind
from allspin.sim.cost.periphery import ROW_DRIVER_AREA, SRAM_CELL_AREA, SRAM_READ_8KB
from allspin.sim.cost.spin import SynapseFigures
from allspin.sim.network.network import Network


def layers_record(network: Network) -> list[dict[str, Any]]:
    """Return the record of each layer for ``compare --json``.

    ``lines`` are rows and columns; ``adcs`` are converters of tiles, or in the last layer one for
    each class; an image uses all of them ``uses_per_image`` times.
    """
    found = []
    for number, layer in enumerate(network.layers):
        last = number == len(network.layers) - 1
        rows = layer.rows
        columns = layer.columns
        converters = layer.adc.tiles(rows) if layer.adc else int(last)
        record = {
            "kind": layer.kind.name,
            "what": str(layer.kind),
            "rows": rows,
            "columns": columns,
            "cells": layer.states.size,
            "lines": rows + columns,
            "adcs": converters * columns,
            "neurons": 0 if last else network.neurons(number),
            "uses_per_image": layer.kind.positions,
        }
        found.append(record)
    return found


def whole_network(
    entry: Entry, network: Network, ran: NeuronKind, synapse: SynapseFigures, a: Assumptions
) -> dict[str, Any]:
    """Return the costs of the whole network with one kind of neuron, for one image.

    The bare costs are the heat of the rows' currents along the synapses, and the neurons. The
    periphery adds the rows' drivers, the neurons' periphery, and the reading of the classes.

    Parameters
    ----------
    entry : dict
        The neuron.
    network : Network
        The network.
    ran : NeuronKind
        Activity of the network with that kind of neuron.
    synapse : SynapseFigures
        Its synapses.
    a : Assumptions
        Assumptions about the periphery.
    """
    if entry["name"] == "cmos-column":
        costs = _digital_columns(entry, network, ran, a)
    else:
        costs = _device_columns(entry, network, ran, synapse, a)
    bare = sum(costs.parts.values())
    whole = (bare + sum(costs.around.values())) / 1000
    return {
        "parts_fj": costs.parts | costs.around,
        "energy_pj": bare / 1000,
        "energy_with_periphery_pj": whole,
        "area_um2": costs.area,
        "area_with_periphery_um2": costs.area + costs.area_around,
        "latency_ns": costs.latency,
        "images_per_second": costs.rate,
        "energy_delay_with_periphery_pj_ns": whole * costs.latency,
    }


@dataclass(frozen=True)
class _WholeCosts:
    """Costs of the whole network.

    Attributes
    ----------
    parts, around : dict of str to float
        Energy of an image by part, fJ: bare, and of the periphery.
    area, area_around : float
        Area, um^2: bare, and of the periphery.
    latency : float
        Time of an image, ns.
    rate : float
        Images a second.
    """

    parts: dict[str, float]
    around: dict[str, float]
    area: float
    area_around: float
    latency: float
    rate: float


def _digital_columns(
    entry: Entry, network: Network, ran: NeuronKind, a: Assumptions
) -> _WholeCosts:
    """Return the costs of digital columns in every layer, a clock a row, without devices."""
    layers = network.layers
    events = sum(rows * layer.columns for rows, layer in zip(ran.rows, layers, strict=True))
    synapses = sum(layer.rows * layer.columns for layer in layers)
    columns = sum(layer.columns for layer in layers)
    clocks = sum(ran.rows)
    event = entry["energy_fj"] / entry["details"]["clocks_per_use"]
    return _WholeCosts(
        parts={"neurons": event * events},
        around={"sram": events * SRAM_READ_8KB / 8},
        area=entry["area_um2"] * columns,
        area_around=synapses * network.rah_bits * SRAM_CELL_AREA,
        latency=clocks * 1e9 / a.frequency,
        rate=1e9 / (max(ran.rows) * 1e9 / a.frequency),
    )


def _device_columns(
    entry: Entry, network: Network, ran: NeuronKind, synapse: SynapseFigures, a: Assumptions
) -> _WholeCosts:
    """Return the costs of columns of devices, with an amplifier and a converter for each class."""
    layers = network.layers
    rows = sum(layer.rows for layer in layers)
    synapses = sum(layer.rows * layer.columns for layer in layers)
    neurons = sum(network.neurons(number) for number in range(len(layers) - 1))
    heat = 0.0
    for square, layer in zip(ran.squares, layers, strict=True):
        heat += synapse.read(square, layer.columns)
    # Hidden neurons are used once for an image and a position.
    uses = ran.currents.shape[1]
    around = {
        "neurons' periphery": sum(entry["periphery_parts_fj"].values()) * uses,
        "row drivers": sum(ran.rows) * a.row,
        "class readout": network.classes * (a.on("amplifier", a.amplifier) + a.conversion),
    }
    area_around = entry["periphery_area_um2"] * neurons
    if "driver" in a.periphery:
        area_around += ROW_DRIVER_AREA * rows
    area_around += cmos_periphery_area(a, FLIP_FLOP) * network.classes
    # The positions of a crossbar, and the uses of a neuron, follow one another.
    positions = [layer.kind.positions for layer in layers]
    uses_of_neuron = max(layer.uses // network.neurons(n) for n, layer in enumerate(layers))
    read_time = synapse.time * 1e9
    reads_per_second = 1e9 / (read_time * max(positions))
    return _WholeCosts(
        parts={"synapses": heat, "neurons": entry["energy_fj"] * uses},
        around=around,
        area=entry["area_um2"] * neurons + synapse.scaled_area * synapses,
        area_around=area_around,
        latency=_latency(positions, entry, read_time),
        rate=min(entry["uses_per_second"] / uses_of_neuron, reads_per_second),
    )


def _latency(positions: list[int], entry: Entry, read_time: float) -> float:
    """Return the time of an image, ns: the positions of each layer, one layer after another.

    A neuron is used again after its reset; the reset after a layer's last position is not waited
    for.
    """
    first = max(entry["latency_ns"], read_time)
    period = max(1e9 / entry["uses_per_second"], read_time)
    return sum((count - 1) * period + first for count in positions)
