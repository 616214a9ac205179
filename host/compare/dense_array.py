"""The same network on dense arrays of digital multipliers, the common baseline."""

import json
from pathlib import Path
from typing import Any

from allspin.sim.cost.periphery import (
    ADD_8_AREA,
    ADD_32,
    ARITHMETIC_SOURCE,
    MULTIPLY_8,
    MULTIPLY_8_AREA,
    SRAM_CELL_AREA,
    SRAM_READ_8KB,
    SRAM_READ_32KB,
)
from allspin.sim.network.network import Network

SRAM_BYTES = 8
RECORDED = Path(__file__).with_name("fpga.json")
"""Figures that `tests/host/compare/fpga.py` measured, and the versions of the tools."""


def recorded_fpga(network: Network) -> dict[str, Any] | None:
    """Return the figures recorded on FPGAs, if they are of a network's topology.

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
    """Return the costs of the network on dense arrays, one a layer, with a unit for each column.

    Parameters
    ----------
    network : Network
        The network.
    rows_driven : list of float
        Mean rows with a nonzero value in an image, layer by layer: the work of an array that
        skips zeros.
    accuracy : float
        Accuracy of the network, since the integers are the same.
    frequency : float
        Clock in 45 nm, Hz.
    recorded : dict or None
        Figures that `recorded_fpga` returned.

    Returns
    -------
    dict
        Plain values; see ``docs/baseline.md``.
    """
    layers = network.layers
    operations = sum(layer.rows * layer.uses for layer in layers)
    synapses = sum(layer.states.size for layer in layers)
    units = sum(layer.columns for layer in layers)
    small = max(layer.rows for layer in layers) <= 8192
    read = SRAM_READ_8KB if small else SRAM_READ_32KB
    energies = {"multiply": MULTIPLY_8, "add": ADD_32, "sram": read / SRAM_BYTES}
    energy = sum(energies.values())
    needed = 0.0
    latency = 0
    cycles = 0
    for rows, layer in zip(rows_driven, layers, strict=True):
        positions = layer.kind.positions
        drain = layer.columns + 4
        needed += rows * layer.columns
        latency += positions * layer.rows + drain
        cycles = max(cycles, positions * max(layer.rows, drain))
    unit_area = MULTIPLY_8_AREA + 4 * ADD_8_AREA
    provenance = {
        "energy": f"reference times counted operations: {ARITHMETIC_SOURCE}",
        "area": "reference: multipliers, 32-bit adders, SRAM cells without their periphery",
        "cycles": "counted: a clock for every row, zeros too",
    }
    return {
        "what": "a dense, weight-stationary array of 8-bit multipliers, weights in SRAM",
        "accuracy": accuracy,
        "units": units,
        "operations": operations,
        "operations_skipping_zeros": needed,
        "parts_fj": {name: part * operations for name, part in energies.items()},
        "energy_pj": operations * energy / 1000,
        "energy_skipping_zeros_pj": needed * energy / 1000,
        "area_um2": units * unit_area + synapses * 8 * SRAM_CELL_AREA,
        "cycles_per_image": cycles,
        "images_per_second": frequency / cycles,
        "latency_ns": latency * 1e9 / frequency,
        "provenance": provenance,
        "fpga": recorded and _recorded_arrays(recorded, cycles),
    }


def _recorded_arrays(recorded: dict[str, Any], cycles: int) -> dict[str, Any]:
    """Return the resources of an FPGA that the dense arrays of all layers take."""
    arrays = [use for use in recorded["usage"] if use["design"].startswith("dense layer")]
    clock = min(use["fmax"] for use in arrays)
    resources = {}
    for name in ("lut", "ff", "memory", "dsp"):
        resources[name] = sum(use[name] for use in arrays)
    return {
        "part": arrays[0]["part"],
        **resources,
        "fmax_mhz": clock,
        "images_per_second": clock * 1e6 / cycles,
    }
