"""The whole network with one kind of neuron: energy, area and time of an image."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.compare import fpga
from allspin.host.compare.assumptions import (
    Assumptions,
    cmos_periphery_area,
    driver_area,
)
from allspin.host.compare.neurons import FLIP_FLOP, Entry
from allspin.host.show.say import Display
from allspin.sim.cost.spin import (
    ADC_RATE,
    ADD_8_AREA,
    ADD_32,
    ARITHMETIC_SOURCE,
    MULTIPLY_8,
    MULTIPLY_8_AREA,
    SRAM_CELL_AREA,
    SRAM_READ_8KB,
    SRAM_READ_32KB,
    SynapseFigures,
    amplifier_energy,
    conversion_energy,
    converter_area,
)
from allspin.sim.network.formats import Adc
from allspin.sim.network.golden import GoldenModel, LayerTrace
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of

# What one would build instead: a dense array of 8-bit multipliers with weights in SRAM.

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


@dataclass(frozen=True)
class _Share:
    """What a network of some neurons takes for an image: fJ by part, um^2, ns."""

    parts: dict[str, float]
    around: dict[str, float]
    area: float
    area_around: float
    latency: float
    period: float


def _digital(entry: Entry, network: Network, here: Counted, a: Assumptions) -> _Share:
    """Every layer's columns are digital ones, a clock a row; no device is read."""
    layers = network.layers
    events = sum(driven * layer.columns for driven, layer in zip(here.rows, layers, strict=True))
    return _Share(
        parts={"neurons": entry.bare_energy / entry.details["clocks_per_use"] * events},
        around={"sram": events * SRAM_READ_8KB / 8},
        area=entry.area * (here.uses + network.classes),
        area_around=_synapses(network) * network.rah_bits * SRAM_CELL_AREA,
        latency=sum(here.rows) * 1e9 / a.frequency,
        period=max(here.rows) * 1e9 / a.frequency,
    )


def _analogue(
    entry: Entry, network: Network, here: Counted, synapse: SynapseFigures, a: Assumptions
) -> _Share:
    """Columns of devices, with an amplifier and a converter for each class."""
    layers = network.layers
    heat = sum(
        synapse.read(square, layer.columns)
        for square, layer in zip(here.squares, layers, strict=True)
    )
    reading = a.on("amplifier", a.amplifier) + a.conversion
    return _Share(
        parts={"synapses": heat, "neurons": entry.bare_energy * here.uses},
        around={
            "neurons' periphery": sum(entry.periphery.values()) * here.uses,
            "row drivers": sum(here.rows) * a.row,
            "class readout": network.classes * reading,
        },
        area=entry.area * here.uses + synapse.scaled_area * _synapses(network),
        area_around=entry.periphery_area * here.uses
        + driver_area(a) * sum(layer.rows for layer in layers)
        + cmos_periphery_area(a, FLIP_FLOP) * network.classes,
        latency=len(layers) * max(entry.latency, synapse.time * 1e9),
        period=max(entry.period, synapse.time * 1e9),
    )


def _synapses(network: Network) -> int:
    return sum(layer.rows * layer.columns for layer in network.layers)


def whole_network(
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

    Parameters
    ----------
    entry : Entry
        The neuron.
    network : Network
        The network.
    counted : dict of str to Counted
        What the network with each kind of neuron did.
    synapse : SynapseFigures
        Its synapses.
    a : Assumptions
        What surrounds the neurons.
    """
    here = counted[entry.kind]
    if entry.name == "cmos-column":
        own = _digital(entry, network, here, a)
    else:
        own = _analogue(entry, network, here, synapse, a)
    bare = sum(own.parts.values())
    whole = bare + sum(own.around.values())
    return {
        "parts_fj": {**own.parts, **own.around},
        "energy_pj": bare / 1000,
        "energy_with_periphery_pj": whole / 1000,
        "area_um2": own.area,
        "area_with_periphery_um2": own.area + own.area_around,
        "latency_ns": own.latency,
        "images_per_second": 1e9 / own.period,
        "energy_delay_with_periphery_pj_ns": whole / 1000 * own.latency,
    }


# What the converters of tiles cost, and which tiles are cheapest for an accuracy.
#
# Conversions are counted on images: a tile without a driven row has none. Each takes a read of an
# amplifier that tells half a step, a conversion by its bits, and an addition.

ROWS = (64, 128, 256)
"""Rows of tiles that are tried: what others build."""
BITS = range(2, 9)
"""Bits that are tried."""
ADDER = 32
"""Bits of the addition that is published."""

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Grey levels, shape (images, height, width), and classes, shape (images,)."""


@dataclass(frozen=True)
class TileCost:
    """Tiles, what a network reaches with them, and what their converters take.

    Attributes
    ----------
    tile_rows, adc_bits : int
        Of each tile; the largest of the layers.
    shifts : tuple of int or None
        Each layer's step is two to this power; None where it is read in one piece.
    accuracy : float
        Share of the test images.
    converters : int
        One for each column of each tile.
    conversions : float
        Of an image, counted.
    conversion_pj, amplifier_pj, addition_pj : float
        What they take for an image, pJ.
    least_pj, most_pj : float
        The sum with the least and the most that a conversion is published with.
    area_um2, least_um2, most_um2 : float
        What the columns use of converters at 1.28 billion conversions a second, um^2.
    """

    tile_rows: int
    adc_bits: int
    shifts: tuple[int | None, ...]
    accuracy: float
    converters: int
    conversions: float
    conversion_pj: float
    amplifier_pj: float
    addition_pj: float
    least_pj: float
    most_pj: float
    area_um2: float
    least_um2: float
    most_um2: float

    @property
    def energy_pj(self) -> float:
        """Of an image, pJ."""
        return self.conversion_pj + self.amplifier_pj + self.addition_pj

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return dataclasses.asdict(self) | {"energy_pj": self.energy_pj}


def _driven(adc: Adc, inputs: npt.NDArray[np.uint8]) -> float:
    """Tiles of a layer that an image drives, on average."""
    starts = range(0, inputs.shape[1], adc.rows)
    return sum(float(inputs[:, at : at + adc.rows].any(axis=1).mean()) for at in starts)


def _amplified(adc: Adc, trace: LayerTrace, a: Assumptions) -> float:
    """FJ of a read of a tile's column, whose amplifier tells half a step.

    The span of a whole column's sums is the full scale of the assumed signal.
    """
    span = max(1, int(trace.sums.max()) - int(trace.sums.min()))
    step = a.signal * 2.0**adc.shift / span
    signal = step * (2**adc.bits - 1)
    return amplifier_energy(a.efficiency, signal, adc.bits, a.set_time, a.voltage)


def tile_cost(
    network: Network, accuracy: float, images: npt.NDArray[np.uint8], a: Assumptions
) -> TileCost:
    """What the converters of a network with tiles take.

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
    sums: dict[str, float] = dict.fromkeys(
        ("conversions", "conversion", "amplifier", "addition"), 0.0
    )
    ends: dict[str, float] = dict.fromkeys(
        ("least", "most", "area", "least_area", "most_area"), 0.0
    )
    converters = 0
    share = a.frequency / ADC_RATE
    for layer, trace in zip(network.layers, GoldenModel(network).trace(images), strict=True):
        adc = layer.adc
        if adc is None:
            continue
        columns = adc.tiles(layer.rows) * layer.columns
        count = _driven(adc, trace.inputs) * layer.columns
        energy, area = conversion_energy(adc.bits), converter_area(adc.bits)
        added = ADD_32 * (adc.bits + (adc.tiles(layer.rows) - 1).bit_length()) / ADDER
        converters += columns
        sums["conversions"] += count
        sums["conversion"] += count * energy.value
        sums["amplifier"] += count * _amplified(adc, trace, a)
        sums["addition"] += count * added
        ends["least"] += count * energy.low
        ends["most"] += count * energy.high
        for name, value in (
            ("area", area.value),
            ("least_area", area.low),
            ("most_area", area.high),
        ):
            ends[name] += columns * value * share
    around = sums["amplifier"] + sums["addition"]
    known = [each for each in tiles_of(network) if each is not None]
    return TileCost(
        tile_rows=max(each.rows for each in known),
        adc_bits=max(each.bits for each in known),
        shifts=tuple(None if each.adc is None else each.adc.shift for each in network.layers),
        accuracy=accuracy,
        converters=converters,
        conversions=sums["conversions"],
        conversion_pj=sums["conversion"] / 1000,
        amplifier_pj=sums["amplifier"] / 1000,
        addition_pj=sums["addition"] / 1000,
        least_pj=(around + ends["least"]) / 1000,
        most_pj=(around + ends["most"]) / 1000,
        area_um2=ends["area"],
        least_um2=ends["least_area"],
        most_um2=ends["most_area"],
    )


def accuracy_of(network: Network, test_set: Images) -> float:
    """Share of images that a network classifies rightly."""
    images, labels = test_set
    return float(np.mean(GoldenModel(network).classify(images) == labels))


def tried(
    network: Network,
    calibration: Images,
    test_set: Images,
    counted: int,
    a: Assumptions,
    display: Display,
) -> list[TileCost]:
    """A network cut into tiles of `ROWS` and `BITS`, each with its accuracy and its cost.

    Parameters
    ----------
    network : Network
        Cut already or not. What it is cut into stays as it is: it may be trained for it.
    calibration : tuple of ndarray
        Images and labels that choose the steps.
    test_set : tuple of ndarray
        Images and labels that tell accuracy.
    counted : int
        How many of the test images conversions are counted on.
    a : Assumptions
        As of `tile_cost`.
    display : Display
        Told how far it is.
    """
    found = []
    own = tiles_of(network)
    wanted = [Tiles(rows, bits) for rows in ROWS for bits in BITS]
    for done, tiles in enumerate(wanted):
        display.advance(done, len(wanted), tiles.text)
        here = network if own == [tiles] * len(own) else cut(network, tiles, *calibration)
        accuracy = accuracy_of(here, test_set)
        found.append(tile_cost(here, accuracy, test_set[0][:counted], a))
    return found


def cheapest(costs: Iterable[TileCost], accuracy: float, of: str) -> TileCost | None:
    """The tiles that reach an accuracy at the least ``energy_pj`` or ``area_um2``; None if none."""
    enough = [cost for cost in costs if cost.accuracy >= accuracy]
    return min(enough, key=lambda cost: (getattr(cost, of), -cost.accuracy), default=None)


def sources() -> dict[str, str]:
    """Where the figures come from."""
    return {
        "conversion": conversion_energy(8).source,
        "addition": ARITHMETIC_SOURCE,
        "amplifier": "least energy by noise efficiency factor, to tell half a step",
    }


def record(
    own: TileCost | None, costs: Sequence[TileCost], accuracy: float | None
) -> dict[str, Any] | None:
    """What ``compare --json`` has as ``tiles``; None where there are none and none were tried."""
    if own is None and not costs:
        return None
    best = (
        {}
        if accuracy is None
        else {
            of: None if (found := cheapest(costs, accuracy, of)) is None else found.to_dict()
            for of in ("energy_pj", "area_um2")
        }
    )
    return {
        "own": None if own is None else own.to_dict(),
        "tried": [cost.to_dict() for cost in costs],
        "accuracy": accuracy,
        "cheapest": best,
        "sources": sources(),
    }
