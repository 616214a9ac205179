"""The comparison: every number with where it comes from."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from allspin.hdl.cost.cells import yosys_version
from allspin.host.show.display import Display, Silent
from allspin.host.study.compare import fpga, tiles
from allspin.host.study.compare.baseline import mac_baseline
from allspin.host.study.compare.column import ColumnPrice, price_column
from allspin.host.study.compare.counterparts import Counterpart, counterparts
from allspin.host.study.compare.neurons import (
    CellPrice,
    Uses,
    mean_square_current,
    price_in_cells,
    record_uses,
)
from allspin.host.study.compare.parts import (
    Assumptions,
    cmos_periphery,
    cmos_periphery_area,
    driver_area,
    spin_heat,
    spin_periphery,
    spin_periphery_area,
)
from allspin.host.study.compare.sensitivity import break_even, tornado
from allspin.host.study.compare.subject import CompareOptions, Subject
from allspin.sim.chip.chip import Chip
from allspin.sim.cost.liberty import Library
from allspin.sim.cost.published import (
    ADC_CONVERSION,
    COMPARISON,
    NOISE_EFFICIENCY,
    ROW_DRIVER_POWER,
    SIGNAL,
    SRAM_CELL_AREA,
    SRAM_READ_8KB,
)
from allspin.sim.cost.spin import (
    CLAIMED,
    NeuronFigures,
    SynapseFigures,
    neuron_figures,
    synapse_figures,
)
from allspin.sim.device.device import Device
from allspin.sim.errors import UserError, refused
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.tiling import cut, tiles_of
from allspin.sim.programming.programming import program_chip
from allspin.sim.programming.schemes import SCHEMES, Programming

PAPER_AREA, PAPER_ENERGY = 4.7, 2.622
"""The paper's CMOS neuron: um^2 and fJ."""
FLIP_FLOP = 4.522
"""um^2; what stands for an analogue block of as many transistors if the library has none."""
CHIP = 0
"""The chip whose programming is counted."""


@dataclass(frozen=True)
class Entry:
    """One neuron of the comparison.

    Attributes
    ----------
    name : str
        Its name, unique.
    kind : str
        Of `allspin.sim.network.neuron.NEURONS`: the network that its accuracy is of.
    what : str
        What is meant.
    spin : bool
        Whether it is a spin device.
    accuracy : float
        Share of test images.
    area, energy : dict
        um^2 and fJ of a use, by part: those of the neuron.
    periphery_area, periphery : dict
        The same of what surrounds it.
    period : float
        Time from one use to the next, ns.
    latency : float
        From input to output, ns.
    provenance : dict
        Where each number comes from: counted, synthesised, paper or reference, and more words.
    details : dict
        What else is known, such as the longest path.
    """

    name: str
    kind: str
    what: str
    spin: bool
    accuracy: float
    area: float
    energy: dict[str, float]
    periphery_area: float
    periphery: dict[str, float]
    period: float
    latency: float
    provenance: dict[str, str]
    details: dict[str, Any]

    @property
    def bare_energy(self) -> float:
        """FJ of a use of the neuron alone."""
        return sum(self.energy.values())

    @property
    def whole_energy(self) -> float:
        """FJ of a use with what surrounds it."""
        return self.bare_energy + sum(self.periphery.values())

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "what": self.what,
            "accuracy": self.accuracy,
            "area_um2": self.area,
            "energy_fj": self.bare_energy,
            "latency_ns": self.latency,
            "uses_per_second": 1e9 / self.period,
            "energy_delay_fj_ns": self.bare_energy * self.period,
            "energy_parts_fj": self.energy,
            "periphery_area_um2": self.periphery_area,
            "periphery_parts_fj": self.periphery,
            "area_with_periphery_um2": self.area + self.periphery_area,
            "energy_with_periphery_fj": self.whole_energy,
            "energy_delay_with_periphery_fj_ns": self.whole_energy * self.period,
            "provenance": self.provenance,
            "details": self.details,
        }


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


@dataclass(frozen=True, eq=False)
class Comparison:
    """A network's spin neurons beside CMOS ones; ``docs/baseline.md`` says what is in each part.

    Attributes
    ----------
    network, device, library, yosys : str
        Names of what was compared, and the version of Yosys.
    topology : list of int
        Widths from the pixels to the classes.
    frequency_hz, voltage : float
        Of the CMOS neurons.
    images, images_counted : int
        Test images, and those whose activity was counted.
    periphery_on : list of str
        Which parts of the periphery are counted.
    rows_per_image : list of float
        Rows driven, layer by layer.
    neurons : list of dict
        Each neuron's figures, with those of the whole network of such neurons.
    paper_neuron, synapse, baseline : dict
        The paper's neuron, a synapse, and a dense array of multipliers.
    programming, published, break_even, tornado : list of dict
        What each scheme takes; figures from elsewhere; at which periphery an advantage is gone; and
        the ratio of energies as each assumption goes through its range.
    tiles : dict or None
        What the converters of tiles take; None of a network without, where none were tried.
    fpga : dict or None
        What was recorded on FPGAs, where it is of this topology.
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
        """As ``allspin compare --json`` prints it."""
        return dict(vars(self))


def compare(
    subject: Subject | str | Path | Network,
    options: CompareOptions | None = None,
    display: Display | None = None,
) -> Comparison:
    """Compare a network's spin neurons with CMOS ones.

    Parameters
    ----------
    subject : Subject, str, Path or Network
        What is compared; of a network, its file, or the name of one that ships, with the devices
        of the paper, the cells that ship, and MNIST.
    options : CompareOptions, optional
        What it is made under.
    display : Display, optional
        Told what is being done, within a step of the caller's.

    Returns
    -------
    Comparison

    Raises
    ------
    UserError
        If the network has no hidden layer, the device file lacks a figure, or a neuron cannot
        be made of the library's cells.
    ValueError
        If there are not as many images as are to be counted.
    """
    options, display = options or CompareOptions(), display or Silent()
    if not isinstance(subject, Subject):
        subject = Subject.open(subject, calibrated=options.accuracy is not None)
    network, device, library = subject.network, subject.device, subject.library
    images = subject.images
    if len(network.layers) < 2:
        raise UserError("a comparison needs a network with a hidden layer of neurons")
    with refused():
        neuron, synapse = neuron_figures(device), synapse_figures(device)
    if len(images) < 2:
        raise UserError("a comparison counts what changes from image to image: give 2 or more")
    shown = images[: options.counted(len(images))]
    nets = _cut_alike(counterparts(subject.name, network, options.others), subject)
    kinds = _Kinds.of(nets, subject, shown, 1e9 / options.frequency, display)
    display.advance(len(nets), len(nets) + 2, "a digital column, mapped once and kept")
    column = price_column(nets["cmos-relu"].network, shown, library, 1e9 / options.frequency)
    assumptions = Assumptions(
        current=neuron.current,
        set_time=neuron.set_time,
        mean_square=mean_square_current(kinds.uses["sot"]),
        voltage=library.voltage,
        frequency=options.frequency,
        periphery=options.periphery,
    )
    counted = {kind: count(nets[kind].network, shown) for kind in nets}
    entries = [
        *_spin_entries(neuron, assumptions, kinds, library),
        *_cmos_entries(assumptions, kinds, library),
        _column_entry(column, counted["cmos-relu"].rows[0], kinds),
    ]
    display.advance(len(nets) + 1, len(nets) + 2, "programming")
    rows, accuracy = counted["sot"].rows, kinds.accuracies["sot"]
    recorded = fpga.recorded()
    return Comparison(
        network=subject.name,
        topology=list(network.topology),
        device=device.name,
        library=library.name,
        yosys=yosys_version(),
        frequency_hz=options.frequency,
        voltage=library.voltage,
        images=len(images),
        images_counted=len(shown),
        periphery_on=sorted(options.periphery),
        rows_per_image=rows,
        neurons=[
            {**entry.to_dict(), "network": _whole(entry, network, counted, synapse, assumptions)}
            for entry in entries
        ],
        paper_neuron=_paper_neuron(neuron, kinds.prices["cmos-bare"], library),
        synapse=_synapse(synapse, device, network),
        programming=_programming(network, device),
        published=_published(assumptions),
        break_even=break_even(kinds.prices, neuron, assumptions),
        tornado=tornado(kinds.prices, neuron, assumptions),
        baseline=mac_baseline(network, rows, accuracy, options.frequency),
        fpga=recorded if recorded["topology"] == list(network.topology) else None,
        tiles=_tiles(subject, kinds.accuracies["sot"], options, assumptions, display),
    )


def _cut_alike(nets: dict[str, Counterpart], subject: Subject) -> dict[str, Counterpart]:
    """The counterparts, cut into the subject's tiles where a file of theirs has none."""
    own = tiles_of(subject.network)[0]
    if own is None or subject.calibration is None:
        return nets
    return {
        kind: each
        if any(tiles_of(each.network))
        else dataclasses.replace(each, network=cut(each.network, own, *subject.calibration))
        for kind, each in nets.items()
    }


def _tiles(
    subject: Subject, accuracy: float, options: CompareOptions, a: Assumptions, display: Display
) -> dict[str, Any] | None:
    """What the converters of tiles take, and the cheapest for an accuracy that is asked for."""
    network, counted = subject.network, options.counted(len(subject.images))
    own, costs = None, []
    if any(tiles_of(network)):
        own = tiles.tile_cost(network, accuracy, subject.images[:counted], a)
    if options.accuracy is not None:
        if subject.calibration is None:
            raise ValueError("accuracy is for a subject that was opened with `calibrated`")
        test_set = subject.images, subject.labels
        costs = tiles.tried(network, subject.calibration, test_set, counted, a, display)
    wanted = None if options.accuracy is None else options.accuracy / 100
    return tiles.record(own, costs, wanted)


@dataclass(frozen=True, eq=False)
class _Kinds:
    """The network with each kind of neuron, by kind: how right it is, and what its neurons did."""

    nets: dict[str, Counterpart]
    accuracies: dict[str, float]
    uses: dict[str, Uses]
    prices: dict[str, CellPrice]  # of those that are no spin devices

    @classmethod
    def of(
        cls,
        nets: dict[str, Counterpart],
        subject: Subject,
        shown: npt.NDArray[np.uint8],
        period: float,
        display: Display,
    ) -> Self:
        accuracies, uses, prices = {}, {}, {}
        for number, (kind, counterpart) in enumerate(nets.items()):
            cells = "" if NEURONS[kind].spin else ", mapped to cells once and kept"
            display.advance(number, len(nets) + 2, f"{kind}: {counterpart.origin}{cells}")
            network = counterpart.network
            right = GoldenModel(network).classify(subject.images) == subject.labels
            accuracies[kind] = float(np.mean(right))
            uses[kind] = record_uses(network, shown)
            if not NEURONS[kind].spin:
                prices[kind] = price_in_cells(network, uses[kind], subject.library, period)
        return cls(nets, accuracies, uses, prices)


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


def _spin_entries(
    neuron: NeuronFigures, a: Assumptions, kinds: _Kinds, library: Library
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


def _cmos_entries(a: Assumptions, kinds: _Kinds, library: Library) -> list[Entry]:
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


def _column_entry(column: ColumnPrice, rows: float, kinds: _Kinds) -> Entry:
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


def _whole(
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
    """
    here = counted[entry.kind]
    digital = entry.name == "cmos-column"
    synapses = sum(layer.rows * layer.columns for layer in network.layers)
    rows = sum(here.rows)
    if digital:
        # Every layer's columns are digital ones, a clock a row; no device is read.
        events = sum(
            driven * layer.columns for driven, layer in zip(here.rows, network.layers, strict=True)
        )
        parts = {"neurons": entry.bare_energy / entry.details["clocks_per_use"] * events}
        around = {"sram": events * SRAM_READ_8KB / 8}
        area = entry.area * (here.uses + network.classes)
        area_around = synapses * network.rah_bits * SRAM_CELL_AREA
        latency = sum(here.rows) * 1e9 / a.frequency
        period = max(here.rows) * 1e9 / a.frequency
    else:
        heat = sum(
            synapse.read(square, layer.columns)
            for square, layer in zip(here.squares, network.layers, strict=True)
        )
        parts = {"synapses": heat, "neurons": entry.bare_energy * here.uses}
        around = {
            "neurons' periphery": sum(entry.periphery.values()) * here.uses,
            "row drivers": rows * a.row,
            "class readout": network.classes * (a.on("amplifier", a.amplifier) + a.conversion),
        }
        area = entry.area * here.uses + synapse.scaled_area * synapses
        area_around = (
            entry.periphery_area * here.uses
            + driver_area(a) * sum(layer.rows for layer in network.layers)
            + cmos_periphery_area(a, FLIP_FLOP) * network.classes
        )
        stages = len(network.layers)
        latency = stages * max(entry.latency, synapse.time * 1e9)
        period = max(entry.period, synapse.time * 1e9)
    bare, whole = sum(parts.values()), sum(parts.values()) + sum(around.values())
    return {
        "parts_fj": {**parts, **around},
        "energy_pj": bare / 1000,
        "energy_with_periphery_pj": whole / 1000,
        "area_um2": area,
        "area_with_periphery_um2": area + area_around,
        "latency_ns": latency,
        "images_per_second": 1e9 / period,
        "energy_delay_with_periphery_pj_ns": whole / 1000 * latency,
    }


def _paper_neuron(neuron: NeuronFigures, bare: CellPrice, library: Library) -> dict[str, Any]:
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


def _synapse(synapse: SynapseFigures, device: Device, network: Network) -> dict[str, Any]:
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


def _programming(network: Network, device: Device) -> list[dict[str, Any]]:
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


def _published(a: Assumptions) -> list[dict[str, Any]]:
    """Every figure that is taken from elsewhere, with its range and its source."""
    figures = {
        "ADC conversion": ADC_CONVERSION,
        "comparator decision": COMPARISON,
        "row driver power": ROW_DRIVER_POWER,
        "amplifier noise efficiency": NOISE_EFFICIENCY,
        "amplifier signal": SIGNAL,
    }
    rows = [{"name": name, **dataclasses.asdict(figure)} for name, figure in figures.items()]
    rows.append(
        {
            "name": "amplifier read",
            "value": a.amplifier,
            "low": a.replace(signal=SIGNAL.high, efficiency=NOISE_EFFICIENCY.low).amplifier,
            "high": a.replace(signal=SIGNAL.low, efficiency=NOISE_EFFICIENCY.high).amplifier,
            "unit": "fJ",
            "source": "least energy by noise efficiency factor and signal, 4 bits",
        }
    )
    assert all(math.isfinite(row["value"]) for row in rows)
    return rows
