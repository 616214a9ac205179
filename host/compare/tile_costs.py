"""Costs of ADCs for tiles: energy and area of the conversions, and the accuracy of each choice."""

from collections import Counter
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.compare.assumptions import (
    Assumptions,
)
from allspin.host.show.display import Display
from allspin.sim.cost.adc_cost import ADC_RATE, conversion_energy, converter_area
from allspin.sim.cost.periphery import ADD_32, ARITHMETIC_SOURCE, amplifier_energy
from allspin.sim.network.adc import Adc
from allspin.sim.network.golden import GoldenModel, LayerTrace
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.network.tiling import Tiles, cut, tiles_of

ROWS = (64, 128, 256)
"""Rows of tiles that are tried, as others build them."""
BITS = range(2, 9)
"""Resolutions that are tried, in bits."""
ADDER = 32
"""Bits of the published addition."""

Images = tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]
"""Grey levels, shape (images, height, width), and classes, shape (images,)."""


Cost = dict[str, Any]
"""Record of tiles, the accuracy with them, and the costs of their converters:

``tile_rows``, ``adc_bits`` : rows and bits of a tile, the largest of the layers.
``shifts`` : exponent of each layer's step, a power of two; None for columns read in one piece.
``accuracy`` : share of the test images.
``converters`` : number of converters, one for each column of each tile.
``conversions`` : conversions of an image, counted.
``conversion_pj``, ``amplifier_pj``, ``addition_pj``, ``energy_pj`` : energies of an image,
and the sum.
``least_pj``, ``most_pj`` : the sum with the least and the most published energy of a conversion.
``area_um2``, ``least_um2``, ``most_um2`` : the columns' share of converters at 1.28 billion
conversions a second.
"""


def _driven(adc: Adc, layer: Layer, inputs: npt.NDArray[np.uint8]) -> float:
    """Return the mean number of a layer's tiles that an image drives, at all positions together."""
    driven = layer.kind.im2col(inputs, layer.rows)
    tiles = 0.0
    for start in range(0, layer.rows, adc.rows):
        tile = driven[:, start : start + adc.rows]
        tiles += float(tile.any(axis=1).mean())
    return tiles * layer.kind.positions


def _amplified(adc: Adc, trace: LayerTrace, a: Assumptions) -> float:
    """Return the energy of a read of a tile's column, whose amplifier resolves half a step, in fJ.

    The span of a whole column's sums is the full scale of the assumed signal.
    """
    span = max(1, int(trace.sums.max()) - int(trace.sums.min()))
    step = a.signal * 2.0**adc.shift / span
    signal = step * (2**adc.bits - 1)
    return amplifier_energy(a.efficiency, signal, adc.bits, a.set_time, a.voltage)


def tile_cost(
    network: Network, accuracy: float, images: npt.NDArray[np.uint8], a: Assumptions
) -> Cost:
    """Return the costs of the converters of a network with tiles.

    Conversions are counted on images: a tile without a driven row has none. Each takes the read
    of an amplifier that resolves half a step, a conversion by its bits, and an addition.

    Parameters
    ----------
    network : Network
        Some or all of its layers have tiles.
    accuracy : float
        Accuracy of the network.
    images : ndarray of uint8, shape (images, height, width)
        Images on which conversions are counted.
    a : Assumptions
        Signal, time and amplifiers.
    """
    sums: Counter[str] = Counter()
    traces = GoldenModel(network).trace(images)
    for layer, trace in zip(network.layers, traces, strict=True):
        if layer.adc is not None:
            sums.update(_layer_cost(layer.adc, layer, trace, a))
    known = [tiles for tiles in tiles_of(network) if tiles is not None]
    around = sums["amplifier"] + sums["addition"]
    conversion = sums["conversion"] / 1000
    amplifier = sums["amplifier"] / 1000
    addition = sums["addition"] / 1000
    return {
        "tile_rows": max(tiles.tile_rows for tiles in known),
        "adc_bits": max(tiles.adc_bits for tiles in known),
        "shifts": [None if layer.adc is None else layer.adc.shift for layer in network.layers],
        "accuracy": accuracy,
        "converters": sums["converters"],
        "conversions": sums["conversions"],
        "conversion_pj": conversion,
        "amplifier_pj": amplifier,
        "addition_pj": addition,
        "least_pj": (around + sums["least"]) / 1000,
        "most_pj": (around + sums["most"]) / 1000,
        "area_um2": sums["area"],
        "least_um2": sums["least_area"],
        "most_um2": sums["most_area"],
        "energy_pj": conversion + amplifier + addition,
    }


def _layer_cost(adc: Adc, layer: Layer, trace: LayerTrace, a: Assumptions) -> dict[str, Any]:
    """Return the costs of a layer's tiles for an image: numbers, energies in fJ, areas in um^2."""
    tiles = adc.tiles(layer.rows)
    converters = tiles * layer.columns
    conversions = _driven(adc, layer, trace.inputs) * layer.columns
    energy = conversion_energy(adc.bits)
    area = converter_area(adc.bits)
    sum_bits = adc.bits + (tiles - 1).bit_length()
    share = a.frequency / ADC_RATE
    return {
        "converters": converters,
        "conversions": conversions,
        "conversion": conversions * energy.value,
        "least": conversions * energy.low,
        "most": conversions * energy.high,
        "amplifier": conversions * _amplified(adc, trace, a),
        "addition": conversions * (ADD_32 * sum_bits / ADDER),
        "area": converters * area.value * share,
        "least_area": converters * area.low * share,
        "most_area": converters * area.high * share,
    }


def tried(
    network: Network,
    calibration: Images,
    test_set: Images,
    counted: npt.NDArray[np.uint8],
    a: Assumptions,
    progress: Display,
) -> list[Cost]:
    """Cut a network into tiles of `ROWS` and `BITS`, and return the accuracy and cost of each.

    Parameters
    ----------
    network : Network
        The network; its own tiles stay as they are, for it may be trained for them.
    calibration : tuple of ndarray
        Images and labels that choose the steps.
    test_set : tuple of ndarray
        Images and labels of the test set.
    counted : ndarray of uint8, shape (images, height, width)
        Those of the test images that conversions are counted on.
    a : Assumptions
        As of `tile_cost`.
    progress : Display
        Display of the steps.
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
    """Return the record ``tiles`` of ``compare --json``; None without any tiles.

    Parameters
    ----------
    own : dict or None
        Costs of the network's own tiles.
    costs : list of dict
        Costs of the tiles that were tried.
    accuracy : float or None
        Accuracy that the cheapest of them must reach.
    """
    if own is None and not costs:
        return None
    best = {}
    if accuracy is not None:
        enough = [cost for cost in costs if cost["accuracy"] >= accuracy]
        # Of equal costs the most accurate tiles count.
        enough.sort(key=itemgetter("accuracy"), reverse=True)
        for figure in ("energy_pj", "area_um2"):
            best[figure] = min(enough, key=itemgetter(figure), default=None)
    sources = {
        "conversion": conversion_energy(8).source,
        "addition": ARITHMETIC_SOURCE,
        "amplifier": "least energy by noise efficiency factor, to tell half a step",
    }
    return {
        "own": own,
        "tried": costs,
        "accuracy": accuracy,
        "cheapest": best,
        "sources": sources,
    }
