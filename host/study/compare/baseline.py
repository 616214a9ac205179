"""What one would build instead: a dense array of 8-bit multipliers with weights in SRAM."""

from typing import Any

from allspin.host.study.compare import fpga
from allspin.sim.cost.published import (
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


def mac_baseline(
    network: Network, rows_driven: list[float], accuracy: float, frequency: float
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

    Returns
    -------
    dict
        Plain values; see ``docs/baseline.md``.
    """
    layers = network.layers
    operations = sum(layer.rows * layer.columns for layer in layers)
    needed = sum(rows * layer.columns for rows, layer in zip(rows_driven, layers, strict=True))
    units = sum(layer.columns for layer in layers)
    small = max(layer.rows for layer in layers) <= 8192
    read = (SRAM_READ_8KB if small else SRAM_READ_32KB) / SRAM_BYTES
    each = {"multiply": MULTIPLY_8, "add": ADD_32, "sram": read}
    cycles = max(max(layer.rows, layer.columns + 4) for layer in layers)
    found: dict[str, Any] = {
        "what": "a dense, weight-stationary array of 8-bit multipliers, weights in SRAM",
        "accuracy": accuracy,
        "units": units,
        "operations": operations,
        "operations_skipping_zeros": needed,
        "parts_fj": {name: energy * operations for name, energy in each.items()},
        "energy_pj": operations * sum(each.values()) / 1000,
        "energy_skipping_zeros_pj": needed * sum(each.values()) / 1000,
        "area_um2": units * (MULTIPLY_8_AREA + 4 * ADD_8_AREA) + operations * 8 * SRAM_CELL_AREA,
        "cycles_per_image": cycles,
        "images_per_second": frequency / cycles,
        "latency_ns": sum(layer.rows + layer.columns + 4 for layer in layers) * 1e9 / frequency,
        "provenance": {
            "energy": f"reference times counted operations: {ARITHMETIC_SOURCE}",
            "area": "reference: multipliers, 32-bit adders, SRAM cells without their periphery",
            "cycles": "counted: a clock for every row, zeros too (hdl/cost/mac_array.py)",
        },
        "fpga": None,
    }
    recorded = fpga.recorded()
    if recorded["topology"] == list(network.topology):
        arrays = [use for use in recorded["usage"] if use["design"].startswith("dense layer")]
        if len(arrays) == len(layers):
            clock = min(use["fmax"] for use in arrays)
            found["fpga"] = {
                "part": arrays[0]["part"],
                **{
                    name: sum(use[name] for use in arrays)
                    for name in ("lut", "ff", "memory", "dsp")
                },
                "fmax_mhz": clock,
                "images_per_second": clock * 1e6 / cycles,
            }
    return found
