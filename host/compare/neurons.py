"""Neurons of a comparison: their activity on images, their costs, and the sources of these."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth.lib import wiring

from allspin.hdl.cost.standard_cells import synthesise
from allspin.hdl.neuron.cmos_neuron import DigitalColumn
from allspin.hdl.neuron.neuron import CellBlock, Currents
from allspin.hdl.neuron.neuron_kinds import neuron_gateware
from allspin.host.compare.assumptions import (
    Assumptions,
    cmos_periphery,
    cmos_periphery_area,
    spin_heat,
    spin_periphery,
    spin_periphery_area,
)
from allspin.host.compare.subject import ComparisonSubject
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.netlist import Energy, Netlist
from allspin.sim.cost.periphery import SRAM_CELL_AREA, SRAM_READ_8KB
from allspin.sim.cost.spin import CLAIMED, NeuronFigures
from allspin.sim.errors import UserError
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS

COLUMN_IMAGES = 8
"""Images whose rows drive a simulated digital column, clock by clock."""
PAPER_AREA, PAPER_ENERGY = 4.7, 2.622
"""Area and energy of the paper's CMOS neuron: um^2 and fJ."""
FLIP_FLOP = 4.522
"""Area in um^2 that replaces a flip-flop's if the library has none."""

Images = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class CellPrice:
    """CMOS neuron in standard cells.

    Attributes
    ----------
    netlist : Netlist
        Its cells.
    energy : Energy
        Of a clock, which is a use.
    period : float
        Of the clock, ns.
    input_activity : float
        Transitions of an input bit in a clock, mean over bits and uses.
    """

    netlist: Netlist
    energy: Energy
    period: float
    input_activity: float


@dataclass(frozen=True, eq=False)
class NeuronKind:
    """Network with one kind of neuron, and its activity on some images.

    Attributes
    ----------
    network : Network
        The network.
    origin : str
        Where it comes from, in words.
    accuracy : float
        Share of all test images.
    currents : ndarray of int64, shape (images, uses)
        Input currents of all hidden layers' neurons, of each as many columns as an image uses it;
        from line to line of a column, a neuron's uses follow one another.
    rows : list of float
        Rows driven, layer by layer, at all positions together, a mean an image.
    squares : list of float
        Sum of the squared row values, in units of full scale squared, as `rows`.
    price : CellPrice or None
        Of a neuron; None of a spin device.
    """

    network: Network
    origin: str
    accuracy: float
    currents: Currents
    rows: list[float]
    squares: list[float]
    price: CellPrice | None

    @property
    def mean_square(self) -> float:
        """Mean square of the input current, in units of its squared mean, as counted.

        A spin neuron's stated current is a mean; its heat follows the mean square.
        """
        mean = float(np.mean(self.currents))
        if mean == 0:
            return 1.0
        squares = self.currents.astype(np.float64) ** 2
        return float(np.mean(squares)) / mean**2


def run_kind(
    network: Network, origin: str, subject: ComparisonSubject, shown: Images, period: float
) -> NeuronKind:
    """Run a network on images, and map its neuron to cells if it is a CMOS one.

    Parameters
    ----------
    network : Network
        The network with one kind of neuron.
    origin : str
        Where it comes from, in words.
    subject : ComparisonSubject
        Test images, and the cells.
    shown : ndarray of uint8, shape (images, height, width)
        Images whose activity is counted.
    period : float
        Of the CMOS neurons' clock, ns.

    Raises
    ------
    UserError
        If the neuron does not close timing at this period.
    AssertionError
        If the cells do not compute the golden model's activations.
    """
    model = GoldenModel(network)
    accuracy = float(np.mean(model.classify(subject.images) == subject.labels))
    rows = []
    squares = []
    currents = []
    activations = []
    for number, trace in enumerate(model.trace(shown)):
        layer = network.layers[number]
        full_scale = 2 ** network.input_bits(number) - 1
        driven = layer.kind.im2col(trace.inputs, layer.rows)
        rows.append(float(np.count_nonzero(driven)) / len(shown))
        squares.append(float(np.sum((driven / full_scale) ** 2)) / len(shown))
        if trace.currents is not None and trace.activations is not None:
            neurons = network.neurons(number)
            currents.append(_in_turn(trace.currents, neurons))
            activations.append(_in_turn(trace.activations.astype(np.int64), neurons))
    into = np.concatenate(currents, axis=1)
    price = None
    if not NEURONS[network.neuron.name].spin:
        out = np.concatenate(activations, axis=1)
        price = _price_in_cells(network, into, out, subject.library, period)
    return NeuronKind(network, origin, accuracy, into, rows, squares, price)


def _in_turn(values: Currents, neurons: int) -> Currents:
    """Arrange values (images, uses) so that those of a neuron follow one another."""
    images, uses = values.shape
    lines = images * (uses // neurons)
    by_neuron = values.reshape(lines, neurons).T
    return by_neuron.reshape(uses, images).T


def _price_in_cells(
    network: Network, currents: Currents, activations: Currents, library: Library, period: float
) -> CellPrice:
    """Map a network's neuron to cells, and simulate it on the network's currents.

    Each column of uses is a copy of the block, a clock a use.
    """
    name = network.neuron.name
    block = neuron_gateware(name).cells(network, currents)
    netlist = _in_cells(name, block.component, library, period)
    activity = netlist.simulate(block.stimulus)
    shown = activity.outputs["activation"]
    if block.registered:
        # The activation comes one clock later.
        shown = shown[1:]
        activations = activations[:-1]
    assert np.array_equal(shown, activations), f"the cells of {name} compute otherwise"
    energy = netlist.energy(activity, period)
    return CellPrice(netlist, energy, period, _input_activity(block))


def _in_cells(name: str, component: wiring.Component, library: Library, period: float) -> Netlist:
    """Map a component to cells in which it closes timing."""
    netlist = synthesise(component, library, period)
    longest = netlist.longest_path()
    if longest > 1000 * period:
        raise UserError(
            f"{name} needs {longest / 1000:.2f} ns in these cells, but the clock has "
            f"{period:g} ns; give a lower `frequency`"
        )
    return netlist


def _input_activity(block: CellBlock) -> float:
    """Return the transitions of an input bit in a clock, without constant inputs."""
    toggles = 0
    bits = 0
    for name, values in block.stimulus.items():
        if len(np.unique(values)) == 1:
            continue
        width = len(getattr(block.component, name))
        mask = 2**width - 1
        changed = (values[1:] ^ values[:-1]) & mask
        changed_bits = np.bitwise_count(changed.astype(np.uint64))
        toggles += int(changed_bits.sum())
        bits += width * changed.size
    return toggles / bits if bits else 0.0


def _cell_parts(energy: Energy, times: float = 1.0) -> dict[str, float]:
    """Return the energy in cells by part, for a use of `times` clocks, in fJ."""
    return {
        "cells": energy.internal * times,
        "loads": energy.load * times,
        "leakage": energy.leakage * times,
    }


def _flip_flop(library: Library) -> float:
    """Return the area of the library's smallest flip-flop, in um^2."""
    areas = [cell.area for cell in library.cells.values() if cell.register is not None]
    return min(areas, default=FLIP_FLOP)


Entry = dict[str, Any]
"""Record of a neuron for JSON; see ``docs/baseline.md``."""


def _entry(
    ran: NeuronKind,
    name: str,
    what: str,
    area: float,
    energy: dict[str, float],
    *,
    periphery_area: float,
    periphery: dict[str, float],
    period: float,
    latency: float,
    provenance: dict[str, str],
    details: dict[str, Any],
) -> Entry:
    """Return the record of a neuron.

    Parameters
    ----------
    ran : NeuronKind
        Network with that accuracy.
    name, what : str
        Unique name, and description.
    area, energy : float, dict
        Area in um^2, and energy of a use by part in fJ, of the neuron.
    periphery_area, periphery : float, dict
        The same of its periphery.
    period, latency : float
        Time from one use to the next, and from input to output, ns.
    provenance : dict
        Source of each number but the accuracy: counted, synthesised, paper or reference, and
        further words.
    details : dict
        Further figures, such as the longest path.
    """
    bare = sum(energy.values())
    whole = bare + sum(periphery.values())
    return {
        "name": name,
        "kind": ran.network.neuron.name,
        "what": what,
        "accuracy": ran.accuracy,
        "area_um2": area,
        "energy_fj": bare,
        "latency_ns": latency,
        "uses_per_second": 1e9 / period,
        "energy_delay_fj_ns": bare * period,
        "energy_parts_fj": energy,
        "periphery_area_um2": periphery_area,
        "periphery_parts_fj": periphery,
        "area_with_periphery_um2": area + periphery_area,
        "energy_with_periphery_fj": whole,
        "energy_delay_with_periphery_fj_ns": whole * period,
        "provenance": {"accuracy": f"counted; {ran.origin}", **provenance},
        "details": details,
    }


def spin_entries(
    neuron: NeuronFigures, a: Assumptions, kinds: dict[str, NeuronKind], library: Library
) -> list[Entry]:
    """Return the records of the spin neurons.

    The paper's by its own numbers, as claimed, and at the synapse's sheet current; then other
    kinds, by the same numbers with the currents that they get.
    """
    counted = "counted: I^2 R t, mean square of the currents on these images"
    sot = kinds["sot"]
    heat = spin_heat(neuron, a)
    what = "by the device file's own numbers, currents as counted, set and reset"
    claim = "as the paper claims: around 0.1 fJ"
    entries = [
        _spin_entry(sot, "sot", what, neuron, a, heat, counted, library),
        _spin_entry(sot, "sot-claimed", claim, neuron, a, {"claimed": CLAIMED}, "paper", library),
    ]
    sheet = "paper: the synapse's pulse over its width; currents as counted"
    for label, current in zip(("low", "high"), neuron.switching_currents, strict=False):
        at_sheet = replace(a, current=current)
        heat = spin_heat(neuron, at_sheet)
        name = f"sot-sheet-{label}"
        what = f"at {current * 1e6:.1f} uA, the sheet current that switches the synapse"
        entries.append(_spin_entry(sot, name, what, neuron, at_sheet, heat, sheet, library))
    for kind, ran in kinds.items():
        if NEURONS[kind].spin and kind != "sot":
            own = replace(a, mean_square=ran.mean_square)
            heat = spin_heat(neuron, own)
            what = NEURONS[kind].meaning()
            entries.append(_spin_entry(ran, kind, what, neuron, own, heat, counted, library))
    return entries


def _spin_entry(
    ran: NeuronKind,
    name: str,
    what: str,
    neuron: NeuronFigures,
    a: Assumptions,
    energy: dict[str, float],
    source: str,
    library: Library,
) -> Entry:
    """Return the record of a spin neuron with an energy of a use from this source."""
    provenance = {
        "area": "paper: width times length of the film",
        "energy": source,
        "latency": "paper: length over the wall's velocity",
        "periphery": "reference, see published; current from the supply",
    }
    return _entry(
        ran,
        name,
        what,
        neuron.area,
        energy,
        periphery_area=spin_periphery_area(a, _flip_flop(library)),
        periphery=spin_periphery(a),
        period=1e9 / neuron.rate,
        latency=neuron.set_time * 1e9,
        provenance=provenance,
        details={"origin": ran.origin},
    )


def cmos_entries(a: Assumptions, kinds: dict[str, NeuronKind], library: Library) -> list[Entry]:
    """Return the records of the CMOS neurons in cells, and of the paper's bare gate."""
    entries = []
    for kind, ran in kinds.items():
        price = ran.price
        if price is None:
            continue
        around: dict[str, Any] = {
            "periphery_area": cmos_periphery_area(a, _flip_flop(library)),
            "periphery": cmos_periphery(a),
            "period": price.period,
            "latency": price.period,
        }
        provenance = {
            "area": f"synthesised: Yosys and ABC, cells of {library.name}",
            "energy": "counted: transitions of every net on these images, no glitches, no wires",
            "latency": "one clock; the longest path closes",
            "periphery": "reference, see published",
        }
        details = {
            "origin": ran.origin,
            **_netlist_details(price.netlist),
            "input_activity": price.input_activity,
            "uses_counted": int(ran.currents.size),
        }
        what = NEURONS[kind].meaning()
        area = price.netlist.area
        energy = _cell_parts(price.energy)
        entry = _entry(
            ran, kind, what, area, energy, **around, provenance=provenance, details=details
        )
        entries.append(entry)
        if kind == "cmos-bare":
            name = "cmos-bare-paper"
            what = "the CMOS neuron as the paper prices it"
            energy = {"claimed": PAPER_ENERGY}
            provenance = {**provenance, "area": "paper", "energy": "paper"}
            entry = _entry(
                ran, name, what, PAPER_AREA, energy, **around, provenance=provenance, details={}
            )
            entries.append(entry)
    return entries


def _netlist_details(netlist: Netlist) -> dict[str, Any]:
    return {
        "cells": netlist.cells(),
        "flip_flops": netlist.registers,
        "longest_path_ps": netlist.longest_path(),
    }


def _price_column(
    network: Network, images: Images, library: Library, period: float
) -> tuple[Netlist, Energy]:
    """Map a digital column of the first layer to cells; return its energy in a clock.

    Every one of the layer's columns is run on the first `COLUMN_IMAGES` images.
    """
    layer = network.layers[0]
    words = layer.words.astype(np.int64)
    inputs = GoldenModel(network).trace(images[:COLUMN_IMAGES])[0].inputs
    # A column is used once at each position.
    inputs = layer.kind.im2col(inputs, layer.rows)
    full_scale = 2**network.pixel_bits - 1
    largest_sum = int(np.abs(words).sum(axis=0).max()) * full_scale
    sum_bits = largest_sum.bit_length() + 1
    start, drop = _threshold_and_shift(network, sum_bits)
    sum_bits += 1  # room for the threshold
    column = DigitalColumn(
        network.pixel_bits, network.rah_bits, sum_bits, drop, network.hidden_bits
    )
    netlist = _in_cells("a digital column", column, library, period)

    stimulus, last = _row_by_row(inputs, words, start)
    activity = netlist.simulate(stimulus)
    sums = inputs.astype(np.int64) @ words + start
    wanted = np.clip(sums >> drop, 0, 2**network.hidden_bits - 1)
    # The activation comes one clock later, so that of the last image is missing.
    shown = activity.outputs["activation"][last[:-1] + 1]
    assert np.array_equal(shown, wanted[:-1]), "the column's cells compute otherwise"
    return netlist, netlist.energy(activity, period)


def _threshold_and_shift(network: Network, sum_bits: int) -> tuple[npt.NDArray[np.int64], int]:
    """Return the first layer's thresholds, and the bits to drop in place of its gains.

    A power of two replaces the V-I converters' gains; the threshold stays.
    """
    converter = network.layers[0].converter
    assert converter is not None
    scale = 2.0**converter.shift
    factor = converter.gains.mean() / scale
    bits = np.log2(2 ** (network.current_bits - network.hidden_bits) / factor)
    drop = max(round(bits), 0)
    gains = np.maximum(converter.gains, 1)
    start = -np.rint(converter.offsets * scale / gains)
    bound = 2 ** (sum_bits - 1)
    return np.clip(start, -bound, bound - 1).astype(np.int64), drop


def _row_by_row(
    inputs: npt.NDArray[Any], words: npt.NDArray[np.int64], start: npt.NDArray[np.int64]
) -> tuple[dict[str, npt.NDArray[Any]], npt.NDArray[np.intp]]:
    """Return the stimulus of all columns, a clock a driven row, and each image's last clock."""
    driven = inputs > 0
    dark = ~driven.any(axis=1)
    driven[dark, 0] = True  # a dark image drives one row, with 0
    image, row = np.nonzero(driven)
    values = inputs[image, row].astype(np.int64)
    first = np.diff(image, prepend=-1) > 0
    last = np.diff(image, append=len(inputs)) > 0
    shape = (len(row), words.shape[1])
    stimulus = {
        "value": np.broadcast_to(values[:, None], shape),
        "weight": words[row],
        "first": np.broadcast_to(first[:, None], shape).astype(int),
        "last": np.broadcast_to(last[:, None], shape).astype(int),
        "start": np.broadcast_to(start, shape),
    }
    return stimulus, np.flatnonzero(last)


def column_entry(relu: NeuronKind, images: Images, library: Library, period: float) -> Entry:
    """Return the record of a neuron without a spin column, which multiplies and adds by itself.

    Parameters
    ----------
    relu : NeuronKind
        The network with registered ReLUs.
    images : ndarray of uint8, shape (images, height, width)
        The first `COLUMN_IMAGES` of them are used.
    library : Library
        The cells.
    period : float
        Of the clock, ns.

    Raises
    ------
    UserError
        If the column does not close timing at this period.
    AssertionError
        If the cells do not compute the sums' activations.
    """
    network = relu.network
    first = network.layers[0]
    rows = relu.rows[0] / first.kind.positions
    netlist, energy = _price_column(network, images, library, period)
    simulated = min(len(images), COLUMN_IMAGES)
    provenance = {
        "area": "synthesised; the weights' SRAM, its cells alone, is periphery",
        "energy": f"counted: transitions on the rows of {simulated} images, times the "
        "rows of an image",
        "latency": "counted: a clock for each driven row",
        "periphery": "reference: an eighth of a 64-bit read of an 8 KB SRAM for each row",
    }
    return _entry(
        relu,
        "cmos-column",
        "a registered ReLU that multiplies and sums its column itself, row by row",
        netlist.area,
        _cell_parts(energy, rows),
        periphery_area=first.rows * network.rah_bits * SRAM_CELL_AREA,
        periphery={"sram": rows * SRAM_READ_8KB / 8},
        period=period * rows,
        latency=period * rows,
        provenance=provenance,
        details={**_netlist_details(netlist), "clocks_per_use": rows},
    )
