"""Chips of training: the law that a network is trained for, and chips that judge it.

Training has chips of its own, so that no chip of a report has had a part in it.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from allspin.host.train.gradient.chip_pass import ChipLaw
from allspin.host.train.gradient.number_formats import Array, NumberFormats
from allspin.host.train.target import Occasion
from allspin.sim.device.device import Device
from allspin.sim.device.hall_array import HallArray
from allspin.sim.network.layer import Layer
from allspin.sim.network.network import Network
from allspin.sim.programming.program import program

FIRST_TRAINING_CHIP = 2**32 - 2**16
"""First seed of training's chips; `chips` and `sweep` count theirs from 0."""
CELLS = 4096
"""Cells of each state from which a law is estimated; its deviations are then within 1.1 %."""
SLOPE_RANGE = (0.1, 2.0)
"""Least and largest slope of the mean word by its level in the backward pass."""
JUDGES = 20
"""Chips that judge a trained network."""
FIRST_JUDGE = FIRST_TRAINING_CHIP + 1
"""Seed of the first of them; the law is estimated on the chip before."""


def _slopes(values: npt.NDArray[np.float64], levels: npt.NDArray[np.int16]) -> Array:
    """Return the slope of values by level; states of one level share one."""
    distinct, place, counts = np.unique(levels, return_inverse=True, return_counts=True)
    means = np.bincount(place, values) / counts
    slopes = np.gradient(means, distinct.astype(np.float64))
    return slopes[place].astype(np.float32)


def chip_law(
    device: Device, formats: NumberFormats, occasion: Occasion, tiled: bool = False
) -> ChipLaw:
    """Estimate the law of a device's chips, which is the noise of a training for them.

    For a given way of programming, a cell's R_AH word is a random number whose distribution
    depends on the state alone. Its mean and variance are estimated from cells that the chip
    generator itself draws and clamps, so they contain everything that a device file has. A column
    sums many cells; its sum is normal, with the sum of the means and of the variances. Columns'
    own draws are those of `allspin.sim.chip.converters.vary_columns`.

    Parameters
    ----------
    device : Device
        Device of the chips.
    formats : NumberFormats
        Levels, neuron and widths of the network.
    occasion : Occasion
        Use of the chips. In calibrated chips no threshold differs, and a gain turns about the
        current of half an answer. Tiles are not calibrated: thresholds are behind them.
    tiled : bool
        True if the amplifiers are those of tiles.
    """
    words = _programmed_words(device, formats, occasion)
    mean = words.mean(axis=0)
    variance = words.var(axis=0)
    variation = device.neuron_variation
    imperfections = device.imperfections
    adc = device.adc
    read_noise = imperfections.read_noise
    amplifier_offset = imperfections.amplifier_offset
    amplifier_gain = imperfections.amplifier_gain
    converter_offset = imperfections.converter_offset
    neuron_threshold = variation.threshold_deviation(formats.neuron)
    pivot = variation.pivot(formats.neuron)
    tile_read = np.hypot(read_noise, amplifier_offset)
    read = tile_read
    threshold = np.hypot(neuron_threshold, converter_offset)
    column_read = amplifier_offset
    column_threshold = converter_offset
    if occasion.calibrated:
        half = (int(formats.table.max()) + 1) // 2
        pivot = float(np.argmax(formats.table >= half)) / formats.current_top
        read = np.hypot(read_noise, 0.0)
        threshold = 0.0
        column_read = 0.0
        column_threshold = 0.0
    sum_gain = np.hypot(0.0 if tiled else amplifier_gain, imperfections.converter_gain)
    return ChipLaw(
        mean.astype(np.float32),
        variance.astype(np.float32),
        np.clip(_slopes(mean, formats.levels), *SLOPE_RANGE),
        _slopes(variance, formats.levels),
        read=float(read),
        gain=variation.gain,
        pivot=pivot,
        sum_gain=float(sum_gain),
        threshold=float(threshold),
        use=variation.use_deviation(formats.neuron),
        tile_read=float(tile_read),
        tile_steps=float(np.hypot(adc.offset, adc.noise)),
        tile_gain=float(np.hypot(adc.gain, amplifier_gain)),
        column_read=float(column_read),
        column_threshold=float(column_threshold),
        column_tile_read=float(amplifier_offset),
        column_tile_steps=float(adc.offset),
        words=words.astype(np.float32),
        deviation_slope=_slopes(np.sqrt(variance), formats.levels),
    )


def _programmed_words(
    device: Device, formats: NumberFormats, occasion: Occasion
) -> npt.NDArray[np.float64]:
    """Return R_AH words of cells that are programmed with each state, shape (cells, states)."""
    states = np.broadcast_to(np.arange(formats.states, dtype=np.uint8), (CELLS, formats.states))
    network = formats.network([Layer(states, formats.levels)], (1, CELLS), {})
    # An array changes columns, not cells: their law does not depend on it.
    bare = replace(device, array=HallArray())
    chip = program(network, bare, FIRST_TRAINING_CHIP, occasion.programming)
    return chip.words[0].astype(np.float64)


def judge(
    network: Network,
    device: Device,
    occasion: Occasion,
    images: tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]],
) -> dict[str, Any]:
    """Score a network on training's chips.

    Parameters
    ----------
    network : Network
        The trained network.
    device : Device
        Device of the chips.
    occasion : Occasion
        Use of the chips: how they are programmed, and whether they are calibrated.
    images : tuple of ndarray
        Grey levels, shape (images, height, width), and classes, shape (images,).

    Returns
    -------
    dict
        ``chips``, their use in words; ``first`` seed and ``number`` of chips; ``mean`` and
        ``worst`` share of the images that they classify correctly.
    """
    pixels, labels = images
    bare = replace(device, array=HallArray())
    shares = []
    for seed in range(FIRST_JUDGE, FIRST_JUDGE + JUDGES):
        chip = program(network, bare, seed, occasion.programming, calibrated=occasion.calibrated)
        shares.append(chip.accuracy(pixels, labels))
    scheme = occasion.programming.scheme
    return {
        "chips": f"{scheme}, calibrated" if occasion.calibrated else scheme,
        "first": FIRST_JUDGE,
        "number": JUDGES,
        "mean": round(float(np.mean(shares)), 6),
        "worst": round(min(shares), 6),
    }
