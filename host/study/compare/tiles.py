"""What the converters of tiles cost, and which tiles are cheapest for an accuracy.

Conversions are counted on images: a tile without a driven row has none. Each takes a read of an
amplifier that tells half a step, a conversion by its bits, and an addition.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.show.display import Display
from allspin.host.study.compare.assumptions.parts import Assumptions
from allspin.sim.cost.converters import conversion_energy, converter_area
from allspin.sim.cost.published import ADC_RATE, ADD_32, ARITHMETIC_SOURCE, amplifier_energy
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel, LayerTrace
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of

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
