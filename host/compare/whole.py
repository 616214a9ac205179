"""The whole network: with one kind of neuron, on dense arrays, and in tiles."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.compare.assumptions import (
    Assumptions,
    cmos_periphery_area,
)
from allspin.host.compare.neurons import FLIP_FLOP, Entry, NeuronKind
from allspin.host.show.display import Display
from allspin.sim.cost.adc_cost import ADC_RATE, conversion_energy, converter_area
from allspin.sim.cost.periphery import (
    ADD_8_AREA,
    ADD_32,
    ARITHMETIC_SOURCE,
    MULTIPLY_8,
    MULTIPLY_8_AREA,
    ROW_DRIVER_AREA,
    SRAM_CELL_AREA,
    SRAM_READ_8KB,
    SRAM_READ_32KB,
    amplifier_energy,
)
from allspin.sim.cost.spin import SynapseFigures
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel, LayerTrace
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of

SRAM_BYTES = 8
RECORDED = Path(__file__).with_name("fpga.json")
"""Figures that `tests/host/compare/fpga.py` measured, and the versions of the tools."""


def recorded_fpga(network: Network) -> dict[str, Any] | None:
    """What was recorded on FPGAs, where it is of a network's topology.

    Returns
    -------
    dict or None
        ``topology``, ``lanes`` of the engines, ``tools``, and ``usage``, a list: names of
        ``design`` and ``part``; ``lut``, ``ff``, ``memory``, ``dsp``: logic cells (look-up
        tables), flip-flops, block RAMs, multipliers; ``fmax`` in MHz.
    """
    found = json.loads(RECORDED.read_text(encoding="utf-8"))
    return found if found["topology"] == list(network.topology) else None


def mac_baseline(
    network: Network,
    rows_driven: list[float],
    accuracy: float,
    frequency: float,
    recorded: dict[str, Any] | None,
) -> dict[str, Any]:
    """The same trained network on dense arrays, one a layer, a unit for each column.

    Parameters
    ----------
    network : Network
        The network.
    rows_driven : list of float
        Rows with a value other than 0 in an image, mean, layer by layer: what an array that
        skipped zeros would take.
    accuracy : float
        Of the network: the integers are the same.
    frequency : float
        Of the clock in 45 nm, Hz.
    recorded : dict or None
        As of `recorded_fpga`.

    Returns
    -------
    dict
        Plain values; see ``docs/baseline.md``.
    """
    layers = network.layers
    operations = sum(layer.rows * layer.uses for layer in layers)
    synapses = sum(layer.states.size for layer in layers)
    needed = sum(rows * layer.columns for rows, layer in zip(rows_driven, layers, strict=True))
    units = sum(layer.columns for layer in layers)
    small = max(layer.rows for layer in layers) <= 8192
    read = (SRAM_READ_8KB if small else SRAM_READ_32KB) / SRAM_BYTES
    each = {"multiply": MULTIPLY_8, "add": ADD_32, "sram": read}
    turns = [layer.kind.positions for layer in layers]
    cycles = max(
        turn * max(layer.rows, layer.columns + 4) for turn, layer in zip(turns, layers, strict=True)
    )
    latency = sum(
        turn * layer.rows + layer.columns + 4 for turn, layer in zip(turns, layers, strict=True)
    )
    return {
        "what": "a dense, weight-stationary array of 8-bit multipliers, weights in SRAM",
        "accuracy": accuracy,
        "units": units,
        "operations": operations,
        "operations_skipping_zeros": needed,
        "parts_fj": {name: energy * operations for name, energy in each.items()},
        "energy_pj": operations * sum(each.values()) / 1000,
        "energy_skipping_zeros_pj": needed * sum(each.values()) / 1000,
        "area_um2": units * (MULTIPLY_8_AREA + 4 * ADD_8_AREA) + synapses * 8 * SRAM_CELL_AREA,
        "cycles_per_image": cycles,
        "images_per_second": frequency / cycles,
        "latency_ns": latency * 1e9 / frequency,
        "provenance": {
            "energy": f"reference times counted operations: {ARITHMETIC_SOURCE}",
            "area": "reference: multipliers, 32-bit adders, SRAM cells without their periphery",
            "cycles": "counted: a clock for every row, zeros too",
        },
        "fpga": recorded and _recorded_arrays(recorded, cycles),
    }


def _recorded_arrays(recorded: dict[str, Any], cycles: int) -> dict[str, Any]:
    """What the dense arrays of all layers take of an FPGA."""
    arrays = [use for use in recorded["usage"] if use["design"].startswith("dense layer")]
    clock = min(use["fmax"] for use in arrays)
    return {
        "part": arrays[0]["part"],
        **{name: sum(use[name] for use in arrays) for name in ("lut", "ff", "memory", "dsp")},
        "fmax_mhz": clock,
        "images_per_second": clock * 1e6 / cycles,
    }


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


ROWS = (64, 128, 256)
"""Rows of tiles that are tried: what others build."""
BITS = range(2, 9)
"""Bits that are tried."""
ADDER = 32
"""Bits of the addition that is published."""

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Grey levels, shape (images, height, width), and classes, shape (images,)."""


Cost = dict[str, Any]
"""Tiles, what a network reaches with them, and what their converters take:

``tile_rows``, ``adc_bits`` : of each tile, the largest of the layers.
``shifts`` : each layer's step is two to this power; None where it is read in one piece.
``accuracy`` : share of the test images.
``converters`` : one for each column of each tile.
``conversions`` : of an image, counted.
``conversion_pj``, ``amplifier_pj``, ``addition_pj``, ``energy_pj`` : what they take for an image,
and the sum.
``least_pj``, ``most_pj`` : the sum with the least and the most that a conversion is published with.
``area_um2``, ``least_um2``, ``most_um2`` : what the columns use of converters at 1.28 billion
conversions a second.
"""


def _driven(adc: Adc, layer: Layer, inputs: npt.NDArray[np.uint8]) -> float:
    """Tiles of a layer that an image drives, at all positions together, on average."""
    driven, starts = layer.kind.im2col(inputs, layer.rows), range(0, layer.rows, adc.rows)
    often = sum(float(driven[:, at : at + adc.rows].any(axis=1).mean()) for at in starts)
    return often * layer.kind.positions


def _amplified(adc: Adc, trace: LayerTrace, a: Assumptions) -> float:
    """FJ of a read of a tile's column, whose amplifier tells half a step.

    The span of a whole column's sums is the full scale of the assumed signal.
    """
    span = max(1, int(trace.sums.max()) - int(trace.sums.min()))
    step = a.signal * 2.0**adc.shift / span
    return amplifier_energy(a.efficiency, step * (2**adc.bits - 1), adc.bits, a.set_time, a.voltage)


def tile_cost(
    network: Network, accuracy: float, images: npt.NDArray[np.uint8], a: Assumptions
) -> Cost:
    """What the converters of a network with tiles take.

    Conversions are counted on images: a tile without a driven row has none. Each takes a read of
    an amplifier that tells half a step, a conversion by its bits, and an addition.

    Parameters
    ----------
    network : Network
        Some or all of its layers have tiles.
    accuracy : float
        What it reaches.
    images : ndarray of uint8, shape (images, height, width)
        Images on which conversions are counted.
    a : Assumptions
        Signal, time and amplifiers.
    """
    counts = []
    share = a.frequency / ADC_RATE
    for layer, trace in zip(network.layers, GoldenModel(network).trace(images), strict=True):
        adc = layer.adc
        if adc is None:
            continue
        tiles = adc.tiles(layer.rows)
        columns = tiles * layer.columns
        count = _driven(adc, layer, trace.inputs) * layer.columns
        energy, area = conversion_energy(adc.bits), converter_area(adc.bits)
        added = ADD_32 * (adc.bits + (tiles - 1).bit_length()) / ADDER
        of_use = (1, energy.value, energy.low, energy.high, _amplified(adc, trace, a), added)
        areas = (columns * each * share for each in (area.value, area.low, area.high))
        counts.append((columns, *(count * each for each in of_use), *areas))
    converters, conversions, conversion, least, most, amplifier, addition, *areas = map(
        sum, zip(*counts, strict=True)
    )
    known = [each for each in tiles_of(network) if each is not None]
    around = amplifier + addition
    return {
        "tile_rows": max(each.rows for each in known),
        "adc_bits": max(each.bits for each in known),
        "shifts": [None if each.adc is None else each.adc.shift for each in network.layers],
        "accuracy": accuracy,
        "converters": converters,
        "conversions": conversions,
        "conversion_pj": conversion / 1000,
        "amplifier_pj": amplifier / 1000,
        "addition_pj": addition / 1000,
        "least_pj": (around + least) / 1000,
        "most_pj": (around + most) / 1000,
        **dict(zip(("area_um2", "least_um2", "most_um2"), areas, strict=True)),
        "energy_pj": conversion / 1000 + amplifier / 1000 + addition / 1000,
    }


def tried(
    network: Network,
    calibration: Images,
    test_set: Images,
    counted: npt.NDArray[np.uint8],
    a: Assumptions,
    progress: Display,
) -> list[Cost]:
    """A network cut into tiles of `ROWS` and `BITS`, each with its accuracy and its cost.

    Parameters
    ----------
    network : Network
        Cut already or not. What it is cut into stays as it is: it may be trained for it.
    calibration : tuple of ndarray
        Images and labels that choose the steps.
    test_set : tuple of ndarray
        Images and labels that tell accuracy.
    counted : ndarray of uint8, shape (images, height, width)
        Those of the test images that conversions are counted on.
    a : Assumptions
        As of `tile_cost`.
    progress : Display
        Told how far it is.
    """
    found = []
    images, labels = test_set
    own = tiles_of(network)
    wanted = [Tiles(rows, bits) for rows in ROWS for bits in BITS]
    for done, tiles in enumerate(wanted):
        progress.advance(done, len(wanted), tiles.text)
        here = network if own == [tiles] * len(own) else cut(network, tiles, *calibration)
        accuracy = float(np.mean(GoldenModel(here).classify(images) == labels))
        found.append(tile_cost(here, accuracy, counted, a))
    return found


def tiles_record(own: Cost | None, costs: list[Cost], accuracy: float | None) -> Cost | None:
    """What ``compare --json`` has as ``tiles``; None where there are none and none were tried.

    Parameters
    ----------
    own : dict or None
        Of the network's own tiles.
    costs : list of dict
        Of those that were tried.
    accuracy : float or None
        What the cheapest of these shall reach.
    """
    if own is None and not costs:
        return None
    best = {}
    if accuracy is not None:
        enough = [cost for cost in costs if cost["accuracy"] >= accuracy]
        for of in ("energy_pj", "area_um2"):
            keys = [(cost[of], -cost["accuracy"]) for cost in enough]
            best[of] = enough[keys.index(min(keys))] if enough else None
    return {
        "own": own,
        "tried": costs,
        "accuracy": accuracy,
        "cheapest": best,
        "sources": {
            "conversion": conversion_energy(8).source,
            "addition": ARITHMETIC_SOURCE,
            "amplifier": "least energy by noise efficiency factor, to tell half a step",
        },
    }
