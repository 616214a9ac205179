"""The whole network: with one kind of neuron, on dense arrays, and in tiles."""

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
    """What each layer is and has, for ``compare --json``.

    ``lines`` are rows and columns; ``adcs`` are converters of tiles, or in the last layer one for
    each class; an image uses all of them ``uses_per_image`` times.
    """
    found = []
    for number, layer in enumerate(network.layers):
        last = number == len(network.layers) - 1
        tiles = layer.adc.tiles(layer.rows) if layer.adc else int(last)
        found.append(
            {
                "kind": layer.kind.name,
                "what": str(layer.kind),
                "rows": layer.rows,
                "columns": layer.columns,
                "cells": layer.states.size,
                "lines": layer.rows + layer.columns,
                "adcs": tiles * layer.columns,
                "neurons": 0 if last else network.neurons(number),
                "uses_per_image": layer.kind.positions,
            }
        )
    return found


def whole_network(
    entry: Entry, network: Network, ran: NeuronKind, synapse: SynapseFigures, a: Assumptions
) -> dict[str, Any]:
    """The whole network with one kind of neuron, for one image.

    Bare, that is the heat of the rows' currents along the synapses, and the neurons; with
    periphery also the rows' drivers, what surrounds the neurons, and the reading of the
    classes.

    Parameters
    ----------
    entry : dict
        The neuron.
    network : Network
        The network.
    ran : NeuronKind
        What the network with that kind of neuron did.
    synapse : SynapseFigures
        Its synapses.
    a : Assumptions
        What surrounds the neurons.
    """
    layers = network.layers
    synapses = sum(layer.rows * layer.columns for layer in layers)
    uses = ran.currents.shape[1]  # of hidden neurons, each once for an image and a position
    neurons = sum(network.neurons(number) for number in range(len(layers) - 1))
    turns = [layer.kind.positions for layer in layers]  # one after another: uses of a crossbar
    of_neuron = max(layer.uses // network.neurons(n) for n, layer in enumerate(layers))
    if entry["name"] == "cmos-column":
        # Every layer's columns are digital ones, a clock a row; no device is read.
        events = sum(rows * layer.columns for rows, layer in zip(ran.rows, layers, strict=True))
        parts = {"neurons": entry["energy_fj"] / entry["details"]["clocks_per_use"] * events}
        around = {"sram": events * SRAM_READ_8KB / 8}
        area = entry["area_um2"] * sum(layer.columns for layer in layers)
        area_around = synapses * network.rah_bits * SRAM_CELL_AREA
        latency = sum(ran.rows) * 1e9 / a.frequency
        rate = 1e9 / (max(ran.rows) * 1e9 / a.frequency)
    else:
        # Columns of devices, with an amplifier and a converter for each class.
        heat = sum(
            synapse.read(square, layer.columns)
            for square, layer in zip(ran.squares, layers, strict=True)
        )
        reading = a.on("amplifier", a.amplifier) + a.conversion
        parts = {"synapses": heat, "neurons": entry["energy_fj"] * uses}
        around = {
            "neurons' periphery": sum(entry["periphery_parts_fj"].values()) * uses,
            "row drivers": sum(ran.rows) * a.row,
            "class readout": network.classes * reading,
        }
        area = entry["area_um2"] * neurons + synapse.scaled_area * synapses
        drivers = ROW_DRIVER_AREA * ("driver" in a.periphery)
        area_around = (
            entry["periphery_area_um2"] * neurons
            + drivers * sum(layer.rows for layer in layers)
            + cmos_periphery_area(a, FLIP_FLOP) * network.classes
        )
        latency = sum(turns) * max(entry["latency_ns"], synapse.time * 1e9)
        rate = min(entry["uses_per_second"] / of_neuron, 1e9 / (synapse.time * 1e9 * max(turns)))
    bare = sum(parts.values())
    whole = bare + sum(around.values())
    return {
        "parts_fj": {**parts, **around},
        "energy_pj": bare / 1000,
        "energy_with_periphery_pj": whole / 1000,
        "area_um2": area,
        "area_with_periphery_um2": area + area_around,
        "latency_ns": latency,
        "images_per_second": rate,
        "energy_delay_with_periphery_pj_ns": whole / 1000 * latency,
    }
