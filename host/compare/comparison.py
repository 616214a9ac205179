"""The comparison of spin neurons with CMOS neurons, each number with its source."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.standard_cells import yosys_version
from allspin.host.compare.assumptions import Assumptions, published
from allspin.host.compare.comparison_table import notes, tables
from allspin.host.compare.dense_array import mac_baseline, recorded_fpga
from allspin.host.compare.neurons import (
    PAPER_AREA,
    PAPER_ENERGY,
    CellPrice,
    Entry,
    NeuronKind,
    cmos_entries,
    column_entry,
    run_kind,
    spin_entries,
)
from allspin.host.compare.sensitivity import break_even, tornado
from allspin.host.compare.subject import CompareOptions, ComparisonSubject, counterparts
from allspin.host.compare.tile_costs import tile_cost, tiles_record, tried
from allspin.host.compare.whole import layers_record, whole_network
from allspin.host.show.display import Display
from allspin.host.show.progress import shows_progress
from allspin.host.show.result import Result
from allspin.host.show.table import Table
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.spin import (
    CLAIMED,
    FEMTO,
    NeuronFigures,
    SynapseFigures,
    neuron_figures,
    synapse_figures,
)
from allspin.sim.device.device import Device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.errors import UserError, refused
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.tiling import cut, tiles_of
from allspin.sim.programming.program import program
from allspin.sim.programming.schemes import SCHEMES, Programming

CHIP = 0
"""Seed of the chip whose programming is counted."""


@dataclass(frozen=True, eq=False)
class Comparison(Result):
    """Comparison of a network's spin neurons with CMOS ones; see ``docs/baseline.md``.

    Attributes
    ----------
    network, device, library, yosys : str
        Names of the network, the device and the cells, and the version of Yosys.
    topology : list of int
        Widths from the pixels to the classes.
    frequency_hz, voltage : float
        Clock and supply of the CMOS neurons.
    images, images_counted : int
        Numbers of test images, and of those whose activity was counted.
    periphery_on : list of str
        Parts of the periphery that are counted.
    rows_per_image : list of float
        Rows driven, layer by layer, at all positions together.
    layers : list of dict
        Each layer's kind, cells, lines, converters, neurons, and uses an image.
    neurons : list of dict
        Each neuron's figures, with those of the whole network of such neurons.
    paper_neuron, synapse, baseline : dict
        The paper's neuron, a synapse, and a dense array of multipliers.
    programming, published, break_even, tornado : list of dict
        Costs of each programming scheme; published figures; the periphery at which an advantage
        ends; and the range of the ratio of energies over each assumption.
    tiles : dict or None
        Costs of tiles' converters; None if the network has no tiles and none were tried.
    fpga : dict or None
        Figures recorded on FPGAs, if they are of this topology.
    """

    network: str
    topology: list[int]
    device: str
    library: str
    yosys: str
    frequency_hz: float
    voltage: float
    images: int
    images_counted: int
    periphery_on: list[str]
    rows_per_image: list[float]
    layers: list[dict[str, Any]]
    neurons: list[dict[str, Any]]
    paper_neuron: dict[str, Any]
    synapse: dict[str, Any]
    programming: list[dict[str, Any]]
    published: list[dict[str, Any]]
    break_even: list[dict[str, Any]]
    tornado: list[dict[str, Any]]
    baseline: dict[str, Any]
    fpga: dict[str, Any] | None
    tiles: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``allspin compare --json`` prints."""
        return dict(vars(self))

    def tables(self) -> list[Table]:
        """Return neurons, network, layers, the paper's neuron, break-even, tiles and FPGAs."""
        return tables(self.to_dict())

    def notes(self) -> list[str]:
        """Return the costs of programming, and of a synapse."""
        return notes(self.to_dict())

    def plot(self) -> Any:
        """Draw the energy of a use of each neuron."""
        # Matplotlib is loaded when a picture is drawn.
        from allspin.host.charts.comparison_charts import energy_split

        return energy_split(self.to_dict())


@shows_progress
def compare(
    subject: ComparisonSubject | str | Path | Network,
    options: CompareOptions | None = None,
    progress: Any = None,
) -> Comparison:
    """Compare a network's spin neurons with CMOS ones.

    Parameters
    ----------
    subject : ComparisonSubject, str, Path or Network
        Subject; or a network, its file, or the name of one that ships, with the devices of the
        paper, the cells that ship, and MNIST.
    options : CompareOptions, optional
        Conditions of the comparison.
    progress : Display or bool, optional
        Display of the steps: by default a bar, in a terminal or a notebook.

    Returns
    -------
    Comparison

    Raises
    ------
    UserError
        If the network has no hidden layer, the device file lacks a figure, or a neuron cannot
        be made of the library's cells.
    ValueError
        If the data set has fewer images than `options` counts.
    """
    options = options or CompareOptions()
    if not isinstance(subject, ComparisonSubject):
        subject = ComparisonSubject.open(subject, calibrated=options.accuracy is not None)
    network = subject.network
    if len(network.layers) < 2:
        raise UserError("a comparison needs a network with a hidden layer of neurons")
    with refused():
        neuron = neuron_figures(subject.device)
        synapse = synapse_figures(subject.device)
    if len(subject.images) < 2:
        raise UserError("a comparison counts what changes from image to image: give 2 or more")
    shown = subject.images[: options.counted(len(subject.images))]
    progress.start("comparing with CMOS neurons")
    kinds = _run_kinds(subject, options, shown, progress)
    period = 1e9 / options.frequency
    column = column_entry(kinds["cmos-relu"], shown, subject.library, period)
    assumptions = Assumptions(
        current=neuron.current,
        set_time=neuron.set_time,
        mean_square=kinds["sot"].mean_square,
        voltage=subject.library.voltage,
        frequency=options.frequency,
        periphery=options.periphery,
    )
    entries = [
        *spin_entries(neuron, assumptions, kinds, subject.library),
        *cmos_entries(assumptions, kinds, subject.library),
        column,
    ]
    progress.advance(len(kinds) + 1, len(kinds) + 2, "programming")
    comparison = _comparison(
        subject, options, shown, kinds, neuron, synapse, assumptions, entries, progress
    )
    progress.finish(f"{len(entries)} neurons")
    return comparison


def _run_kinds(
    subject: ComparisonSubject,
    options: CompareOptions,
    shown: npt.NDArray[np.uint8],
    progress: Display,
) -> dict[str, NeuronKind]:
    """Run the network with each kind of neuron, by the neuron's name."""
    networks = counterparts(subject.name, subject.network, options.others)
    steps = len(networks) + 2
    period = 1e9 / options.frequency
    kinds = {}
    for number, (kind, (counterpart, origin)) in enumerate(networks.items()):
        cells = "" if NEURONS[kind].spin else ", mapped to cells once and kept"
        progress.advance(number, steps, f"{kind}: {origin}{cells}")
        alike = _cut_alike(counterpart, subject)
        kinds[kind] = run_kind(alike, origin, subject, shown, period)
    progress.advance(len(networks), steps, "a digital column, mapped once and kept")
    return kinds


def _comparison(
    subject: ComparisonSubject,
    options: CompareOptions,
    shown: npt.NDArray[np.uint8],
    kinds: dict[str, NeuronKind],
    neuron: NeuronFigures,
    synapse: SynapseFigures,
    assumptions: Assumptions,
    entries: list[Entry],
    progress: Display,
) -> Comparison:
    """Compute all parts of the comparison from the neurons."""
    network = subject.network
    spin = kinds["sot"]
    prices = {kind: ran.price for kind, ran in kinds.items() if ran.price is not None}
    recorded = recorded_fpga(network)
    neurons = []
    for entry in entries:
        whole = whole_network(entry, network, kinds[entry["kind"]], synapse, assumptions)
        neurons.append({**entry, "network": whole})
    return Comparison(
        network=subject.name,
        topology=list(network.topology),
        device=subject.device.name,
        library=subject.library.name,
        yosys=yosys_version(),
        frequency_hz=options.frequency,
        voltage=subject.library.voltage,
        images=len(subject.images),
        images_counted=len(shown),
        periphery_on=sorted(options.periphery),
        rows_per_image=spin.rows,
        layers=layers_record(network),
        neurons=neurons,
        paper_neuron=paper_neuron(neuron, prices["cmos-bare"], subject.library),
        synapse=synapse_record(synapse, subject.device, network),
        programming=programming_costs(network, subject.device),
        published=published(assumptions),
        break_even=break_even(prices, neuron, assumptions),
        tornado=tornado(prices, neuron, assumptions),
        baseline=mac_baseline(network, spin.rows, spin.accuracy, options.frequency, recorded),
        fpga=recorded,
        tiles=_tiles(subject, spin.accuracy, options.accuracy, shown, assumptions, progress),
    )


def _cut_alike(network: Network, subject: ComparisonSubject) -> Network:
    """Cut a counterpart into the subject's tiles if its file has none."""
    own = tiles_of(subject.network)[0]
    if own is None or subject.calibration is None or any(tiles_of(network)):
        return network
    return cut(network, own, *subject.calibration)


def _tiles(
    subject: ComparisonSubject,
    accuracy: float,
    wanted: float | None,
    shown: npt.NDArray[np.uint8],
    a: Assumptions,
    progress: Display,
) -> dict[str, Any] | None:
    """Return the costs of tiles' converters, and the cheapest tiles for a wanted accuracy."""
    network = subject.network
    own = tile_cost(network, accuracy, shown, a) if any(tiles_of(network)) else None
    if wanted is None:
        return tiles_record(own, [], None)
    if subject.calibration is None:
        raise ValueError("accuracy is for a subject that was opened with `calibrated`")
    test_set = (subject.images, subject.labels)
    costs = tried(network, subject.calibration, test_set, shown, a, progress)
    return tiles_record(own, costs, wanted / 100)


def paper_neuron(neuron: NeuronFigures, bare: CellPrice, library: Library) -> dict[str, Any]:
    """Return the paper's neuron: its claim, its numbers, and its synapse's current."""
    # All inputs toggle in each clock.
    netlist = bare.netlist
    odd = np.arange(3)[:, None] % 2
    largest = 2 ** len(netlist.inputs["value"]) - 1
    toggled = netlist.simulate({"negative": odd, "value": (1 - odd) * largest})
    energy = netlist.energy(toggled, bare.period)
    # The claim is the square of a current times a time.
    claim = CLAIMED / FEMTO / neuron.resistance
    current = math.sqrt(claim / neuron.set_time)
    time = claim / neuron.current**2
    currents = neuron.switching_currents
    return {
        "claimed_fj": CLAIMED,
        "stated_fj": neuron.set_heat(),
        "stated_with_reset_fj": neuron.use(),
        "sheet_current_fj": [neuron.set_heat(each) for each in currents],
        "sheet_current_ua": [each * 1e6 for each in currents],
        "current_for_claim_ua": current * 1e6,
        "time_for_claim_us": time * 1e6,
        "uses_per_second": neuron.rate,
        "area_um2": neuron.area,
        "positions": neuron.positions,
        "cmos_area_um2": PAPER_AREA,
        "cmos_fj": PAPER_ENERGY,
        "gate_area_um2": netlist.area,
        "gate_area_ratio": netlist.area / PAPER_AREA,
        "gate_measured_fj": bare.energy.total,
        "gate_measured_activity": bare.input_activity,
        "gate_leakage_fj": bare.energy.leakage,
        "gate_fj_when_all_toggle": energy.dynamic,
        "activity_for_paper_fj": (PAPER_ENERGY - energy.leakage) / energy.dynamic,
        "library": library.name,
    }


def synapse_record(synapse: SynapseFigures, device: Device, network: Network) -> dict[str, Any]:
    """Return the area, the read and the pulses of a synapse, by the device file."""
    electrical = device.electrical
    pulses = {}
    for which in ("potentiation", "depression", "saturation"):
        current = getattr(electrical, f"{which}_current")
        pulses[which] = electrical.pulse_energy(current)
    return {
        "area_um2": synapse.area,
        "scaled_area_um2": synapse.scaled_area,
        "resistance_ohm": synapse.resistance,
        "read_current_a": synapse.current,
        "read_time_s": synapse.time,
        "read_assumed": synapse.assumed,
        "read_fj": synapse.read(1.0, 1),
        "count": sum(layer.rows * layer.columns for layer in network.layers),
        "pulse_j": pulses,
    }


def programming_costs(network: Network, device: Device) -> list[dict[str, Any]]:
    """Return the pulses, saturations and reads of each scheme for one chip."""
    bare = replace(device, array=HallArray())  # which changes no count, and takes time
    found = []
    for scheme in SCHEMES:
        try:
            counts = program(network, bare, CHIP, Programming(scheme)).counts
        except ValueError:
            continue  # these levels are not for these devices
        cost = {
            "scheme": scheme,
            "cells": counts.cells,
            "pulses": counts.pulses,
            "saturations": counts.saturations,
            "reads": counts.reads,
            "energy_j": counts.energy(device.electrical),
            "time_s": counts.time(device.electrical),
        }
        found.append(cost)
    return found
