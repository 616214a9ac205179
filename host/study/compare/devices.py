"""What is told of the devices: the paper's neuron, the synapse, and programming."""

from typing import Any

import numpy as np

from allspin.host.study.compare.neurons.cells import CellPrice
from allspin.host.study.compare.neurons.entries import PAPER_AREA, PAPER_ENERGY
from allspin.sim.chip.chip import Chip
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.spin import CLAIMED, NeuronFigures, SynapseFigures
from allspin.sim.device.device import Device
from allspin.sim.network.network import Network
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import SCHEMES, Programming

CHIP = 0
"""The chip whose programming is counted."""


def paper_neuron(neuron: NeuronFigures, bare: CellPrice, library: Library) -> dict[str, Any]:
    """The paper's neuron: its claim, its numbers, and what its own synapse takes."""
    k = np.arange(3)[:, None]
    bits = len(bare.netlist.inputs["value"])
    flipped = bare.netlist.simulate({"negative": k % 2, "value": (1 - k % 2) * (2**bits - 1)})
    each = bare.netlist.energy(flipped, bare.period)
    return {
        "claimed_fj": CLAIMED,
        "stated_fj": neuron.set_heat(),
        "stated_with_reset_fj": neuron.use(),
        "sheet_current_fj": [neuron.set_heat(current) for current in neuron.switching_currents],
        "sheet_current_ua": [current * 1e6 for current in neuron.switching_currents],
        "current_for_claim_ua": neuron.current_for(CLAIMED) * 1e6,
        "time_for_claim_us": neuron.time_for(CLAIMED) * 1e6,
        "uses_per_second": neuron.rate,
        "area_um2": neuron.area,
        "positions": neuron.positions,
        "cmos_area_um2": PAPER_AREA,
        "cmos_fj": PAPER_ENERGY,
        "gate_area_um2": bare.netlist.area,
        "gate_area_ratio": bare.netlist.area / PAPER_AREA,
        "gate_measured_fj": bare.energy.total,
        "gate_measured_activity": bare.input_activity,
        "gate_leakage_fj": bare.energy.leakage,
        "gate_fj_when_all_toggle": each.dynamic,
        "activity_for_paper_fj": (PAPER_ENERGY - each.leakage) / each.dynamic,
        "library": library.name,
    }


def synapse_record(synapse: SynapseFigures, device: Device, network: Network) -> dict[str, Any]:
    """Area, read and pulses of a synapse, by the device file."""
    electrical = device.electrical
    return {
        "area_um2": synapse.area,
        "scaled_area_um2": synapse.scaled_area,
        "resistance_ohm": synapse.resistance,
        "read_current_a": synapse.current,
        "read_time_s": synapse.time,
        "read_assumed": synapse.assumed,
        "read_fj": synapse.read(1.0, 1),
        "count": sum(layer.rows * layer.columns for layer in network.layers),
        "pulse_j": {
            which: electrical.pulse_energy(getattr(electrical, f"{which}_current"))
            for which in ("potentiation", "depression", "saturation")
        },
    }


def programming_costs(network: Network, device: Device) -> list[dict[str, Any]]:
    """What each scheme takes to program one chip: counted pulses, saturations and reads."""
    found = []
    for scheme in SCHEMES:
        try:
            counts = program_chip(Chip(device, CHIP), network, Programming(scheme)).counts
        except ValueError:
            continue  # these levels are not for these devices
        energy, seconds = counts.energy(device.electrical), counts.time(device.electrical)
        found.append(
            {
                "scheme": scheme,
                "cells": counts.cells,
                "pulses": counts.pulses,
                "saturations": counts.saturations,
                "reads": counts.reads,
                "energy_j": energy,
                "time_s": seconds,
            }
        )
    return found
