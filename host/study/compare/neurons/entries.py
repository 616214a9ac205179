"""The entries of a comparison: spin neurons, CMOS neurons, and a digital column."""

import dataclasses

from allspin.host.study.compare.assumptions.parts import (
    Assumptions,
    cmos_periphery,
    cmos_periphery_area,
    spin_heat,
    spin_periphery,
    spin_periphery_area,
)
from allspin.host.study.compare.neurons.cells import Uses, mean_square_current
from allspin.host.study.compare.neurons.column import ColumnPrice
from allspin.host.study.compare.neurons.entry import Entry
from allspin.host.study.compare.neurons.kinds import Kinds
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.published import SRAM_CELL_AREA, SRAM_READ_8KB
from allspin.sim.cost.spin import CLAIMED, NeuronFigures
from allspin.sim.network.neuron import NEURONS

PAPER_AREA, PAPER_ENERGY = 4.7, 2.622
"""The paper's CMOS neuron: um^2 and fJ."""
FLIP_FLOP = 4.522
"""um^2; what stands for an analogue block of as many transistors if the library has none."""


def _spin_readings(
    neuron: NeuronFigures, a: Assumptions, uses: dict[str, Uses]
) -> list[tuple[str, str, str, Assumptions, str]]:
    """Name, kind, what is meant, under what, and where its energy comes from, of spin neurons.

    The paper's by its own numbers, as claimed, and at the synapse's sheet current; then other
    kinds, by the same numbers with the currents that they get.
    """
    counted = "counted: I^2 R t, mean square of the currents on these images"
    stated = "by the device file's own numbers, currents as counted, set and reset"
    readings = [
        ("sot", "sot", stated, a, counted),
        ("sot-claimed", "sot", "as the paper claims: around 0.1 fJ", a, "paper"),
    ]
    for label, current in zip(("low", "high"), neuron.switching_currents, strict=False):
        what = f"at {current * 1e6:.1f} uA, the sheet current that switches the synapse"
        source = "paper: the synapse's pulse over its width; currents as counted"
        readings.append((f"sot-sheet-{label}", "sot", what, a.replace(current=current), source))
    for kind, used in uses.items():
        if NEURONS[kind].spin and kind != "sot":
            own = a.replace(mean_square=mean_square_current(used))
            readings.append((kind, kind, NEURONS[kind].meaning(), own, counted))
    return readings


def spin_entries(
    neuron: NeuronFigures, a: Assumptions, kinds: Kinds, library: Library
) -> list[Entry]:
    """The spin neurons, each as it is read (`_spin_readings`)."""
    entries = []
    for name, kind, what, own, source in _spin_readings(neuron, a, kinds.uses):
        energy = {"claimed": CLAIMED} if name == "sot-claimed" else spin_heat(neuron, own)
        origin = kinds.nets[kind].origin
        entries.append(
            Entry(
                name=name,
                kind=kind,
                what=what,
                spin=True,
                accuracy=kinds.accuracies[kind],
                area=neuron.area,
                energy=energy,
                periphery_area=spin_periphery_area(own, _flip_flop(library)),
                periphery=spin_periphery(own),
                period=1e9 / neuron.rate,
                latency=neuron.set_time * 1e9,
                provenance={
                    "accuracy": f"counted; {origin}",
                    "area": "paper: width times length of the film",
                    "energy": source,
                    "latency": "paper: length over the wall's velocity",
                    "periphery": "reference, see published; current from the supply",
                },
                details={"origin": origin},
            )
        )
    return entries


def cmos_entries(a: Assumptions, kinds: Kinds, library: Library) -> list[Entry]:
    """The CMOS neurons in cells, and the bare gate as the paper prices it."""
    entries = []
    for kind, price in kinds.prices.items():
        energy = price.energy
        entries.append(
            Entry(
                name=kind,
                kind=kind,
                what=NEURONS[kind].meaning(),
                spin=False,
                accuracy=kinds.accuracies[kind],
                area=price.netlist.area,
                energy={
                    "cells": energy.internal,
                    "loads": energy.load,
                    "leakage": energy.leakage,
                },
                periphery_area=cmos_periphery_area(a, _flip_flop(library)),
                periphery=cmos_periphery(a),
                period=price.period,
                latency=price.period,
                provenance={
                    "accuracy": f"counted; {kinds.nets[kind].origin}",
                    "area": f"synthesised: Yosys and ABC, cells of {library.name}",
                    "energy": "counted: transitions of every net on these images, no glitches, "
                    "no wires",
                    "latency": "one clock; the longest path closes",
                    "periphery": "reference, see published",
                },
                details={
                    "origin": kinds.nets[kind].origin,
                    "cells": price.netlist.cells(),
                    "flip_flops": price.netlist.registers,
                    "longest_path_ps": price.longest_path,
                    "input_activity": price.input_activity,
                    "uses_counted": int(kinds.uses[kind].currents.size),
                },
            )
        )
        if kind == "cmos-bare":
            entries.append(_paper_gate(entries[-1]))
    return entries


def _paper_gate(bare: Entry) -> Entry:
    return dataclasses.replace(
        bare,
        name="cmos-bare-paper",
        what="the CMOS neuron as the paper prices it",
        area=PAPER_AREA,
        energy={"claimed": PAPER_ENERGY},
        provenance={**bare.provenance, "area": "paper", "energy": "paper"},
        details={},
    )


def column_entry(column: ColumnPrice, rows: float, kinds: Kinds) -> Entry:
    """A neuron that does without a spin column: it multiplies and sums for itself."""
    energy = column.energy
    network = kinds.nets["cmos-relu"].network
    weights = network.layers[0].rows * network.rah_bits
    return Entry(
        name="cmos-column",
        kind="cmos-relu",
        what="a registered ReLU that multiplies and sums its column itself, row by row",
        spin=False,
        accuracy=kinds.accuracies["cmos-relu"],
        area=column.netlist.area,
        energy={
            "cells": energy.internal * rows,
            "loads": energy.load * rows,
            "leakage": energy.leakage * rows,
        },
        periphery_area=weights * SRAM_CELL_AREA,
        periphery={"sram": rows * SRAM_READ_8KB / 8},
        period=column.period * rows,
        latency=column.period * rows,
        provenance={
            "accuracy": f"counted; {kinds.nets['cmos-relu'].origin}",
            "area": "synthesised; the weights' SRAM, its cells alone, is periphery",
            "energy": f"counted: transitions on the rows of {column.images} images, times the "
            "rows of an image",
            "latency": "counted: a clock for each driven row",
            "periphery": "reference: an eighth of a 64-bit read of an 8 KB SRAM for each row",
        },
        details={
            "cells": column.netlist.cells(),
            "flip_flops": column.netlist.registers,
            "longest_path_ps": column.netlist.longest_path(),
            "clocks_per_use": rows,
        },
    )


def _flip_flop(library: Library) -> float:
    """um^2 of the library's smallest flip-flop."""
    areas = [cell.area for cell in library.cells.values() if cell.register is not None]
    return min(areas, default=FLIP_FLOP)
