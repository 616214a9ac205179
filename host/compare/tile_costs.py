"""Costs of ADCs for tiles: energy and area of the conversions, and the accuracy of each choice."""

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
    driven, starts = layer.kind.im2col(inputs, layer.rows), range(0, layer.rows, adc.rows)
    often = sum(float(driven[:, at : at + adc.rows].any(axis=1).mean()) for at in starts)
    return often * layer.kind.positions


def _amplified(adc: Adc, trace: LayerTrace, a: Assumptions) -> float:
    """Return the energy of a read of a tile's column, whose amplifier resolves half a step, in fJ.

    The span of a whole column's sums is the full scale of the assumed signal.
    """
    span = max(1, int(trace.sums.max()) - int(trace.sums.min()))
    step = a.signal * 2.0**adc.shift / span
    return amplifier_energy(a.efficiency, step * (2**adc.bits - 1), adc.bits, a.set_time, a.voltage)


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
    counts = []
    share = a.frequency / ADC_RATE
    for layer, trace in zip(network.layers, GoldenModel(network).trace(images), strict=True):
        adc = layer.adc
        if adc is None:
            continue
        tiles = adc.tiles(layer.rows)
        columns = tiles * layer.columns
        count = _driven(adc, layer, trace.inputs) * layer.columns
        energy, area = conversion_energy(adc.bits), converter_area(adc.bits)
        added = ADD_32 * (adc.bits + (tiles - 1).bit_length()) / ADDER
        of_use = (1, energy.value, energy.low, energy.high, _amplified(adc, trace, a), added)
        areas = (columns * each * share for each in (area.value, area.low, area.high))
        counts.append((columns, *(count * each for each in of_use), *areas))
    converters, conversions, conversion, least, most, amplifier, addition, *areas = map(
        sum, zip(*counts, strict=True)
    )
    known = [each for each in tiles_of(network) if each is not None]
    around = amplifier + addition
    return {
        "tile_rows": max(each.tile_rows for each in known),
        "adc_bits": max(each.adc_bits for each in known),
        "shifts": [None if each.adc is None else each.adc.shift for each in network.layers],
        "accuracy": accuracy,
        "converters": converters,
        "conversions": conversions,
        "conversion_pj": conversion / 1000,
        "amplifier_pj": amplifier / 1000,
        "addition_pj": addition / 1000,
        "least_pj": (around + least) / 1000,
        "most_pj": (around + most) / 1000,
        **dict(zip(("area_um2", "least_um2", "most_um2"), areas, strict=True)),
        "energy_pj": conversion / 1000 + amplifier / 1000 + addition / 1000,
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
        for of in ("energy_pj", "area_um2"):
            keys = [(cost[of], -cost["accuracy"]) for cost in enough]
            best[of] = enough[keys.index(min(keys))] if enough else None
    return {
        "own": own,
        "tried": costs,
        "accuracy": accuracy,
        "cheapest": best,
        "sources": {
            "conversion": conversion_energy(8).source,
            "addition": ARITHMETIC_SOURCE,
            "amplifier": "least energy by noise efficiency factor, to tell half a step",
        },
    }
