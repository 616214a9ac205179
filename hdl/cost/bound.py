"""Lower bound of the clock cycles of an image, whatever the gateware does."""

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.chip.speck import ROUNDS
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.reference import under_kernels

CHUNK = 2048
"""Images traced at a time; it bounds the memory of intermediate values."""


def sum_noise_clocks(parameters: EngineParameters, noise: ColumnNoise) -> int:
    """Count an image's draws where one pipeline makes those of neurons and sums in turn.

    Parameters
    ----------
    parameters : EngineParameters
        The engine.
    noise : ColumnNoise
        Noise that a chip adds at each use.

    Returns
    -------
    int
        Clocks of the slowest layer; 0 without noise on sums.
    """
    last = len(parameters.crossbars) - 1
    added = [
        bool(noise.read_spread(layer) or noise.offsets(layer).any()) for layer in range(last + 1)
    ]
    if not any(added):
        return 0
    clocks = [0] * (last + 1)
    for layer, crossbar in enumerate(parameters.crossbars[:-1]):
        beats = -(-crossbar.columns // crossbar.neurons_per_clock)
        clocks[layer] = parameters.kind(layer).positions * beats * (1 + added[layer])
    # The last layer's draws follow those of the layer before it.
    clocks[max(0, last - 1)] += parameters.classes * added[last]
    return max(clocks)


def _draw_clocks(parameters: EngineParameters, noise: ColumnNoise | None) -> int:
    """Clocks of an image's noise draws."""
    draws = 0 if noise is None else sum_noise_clocks(parameters, noise)
    variation = parameters.variation
    if variation is None or not parameters.noisy or not variation.iterative_noise:
        return draws
    neurons = sum(map(parameters.uses, range(len(parameters.crossbars) - 1)))
    return max(draws, neurons * (ROUNDS // variation.rounds_per_clock + 1))


def _beats(
    seen: npt.NDArray[np.integer], crossbar: CrossbarParameters, *, in_order: bool
) -> npt.NDArray[np.int64]:
    """Count the beats that drive a crossbar's rows, for each image and position.

    Parameters
    ----------
    seen : ndarray of int, shape (images, positions, rows)
        Row values.
    crossbar : CrossbarParameters
        The crossbar.
    in_order : bool
        True if rows come in order, so that a beat drives one group of neighbours.
    """
    tile_rows = crossbar.tile_rows + -crossbar.tile_rows % crossbar.rows_per_clock
    missing = crossbar.tiles * tile_rows - crossbar.rows
    driven = np.pad(seen != 0, ((0, 0), (0, 0), (0, missing)))
    # Row r is at [:, position, its tile, its line there, r % rows per clock].
    driven = driven.reshape(*seen.shape[:2], crossbar.tiles, -1, crossbar.rows_per_clock)
    if in_order:
        return np.count_nonzero(driven.any(axis=4), axis=(2, 3))
    return np.count_nonzero(driven, axis=3).max(axis=3).sum(axis=2)


def cycle_bounds(
    network: Network,
    parameters: EngineParameters,
    images: npt.NDArray[np.uint8],
    noise: ColumnNoise | None = None,
) -> npt.NDArray[np.int64]:
    """Return the clock cycles of each image's slowest stage.

    A crossbar takes a clock for each active row of each tile's busiest part (rows are parted by
    their number modulo the rows per clock) and each group of columns, and at least one. Hidden
    layers' rows come in order, so that a clock drives the active rows of one group of neighbours.
    A layer that sees a map takes this at each position, and its rows come as the busiest part has
    them. The crossbar's neurons are visited one after another, as many per clock as the next
    crossbar has rows per clock; logits are visited one per clock. If one small generator draws the
    noise of all hidden neurons, each neuron costs the rounds of its draw and a clock; if sums have
    noise, one pipeline draws that of sums and neurons. Layers overlap, so in steady state an image
    costs its slowest stage.

    Parameters
    ----------
    network : Network
        Network that runs.
    parameters : EngineParameters
        The engine.
    images : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels, 0 to 255.
    noise : ColumnNoise, optional
        Noise of a chip whose sums may have some.

    Returns
    -------
    ndarray of int64, shape (images,)
    """
    model = GoldenModel(network)
    bounds = np.empty(len(images), dtype=np.int64)
    draws = _draw_clocks(parameters, noise)
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        stages = []
        traces = model.trace(images[part])
        for number, (trace, crossbar) in enumerate(zip(traces, parameters.crossbars, strict=True)):
            seen = under_kernels(parameters.kind(number), trace.inputs.astype(np.int64))
            in_order = number > 0 and not parameters.kinds
            beats = _beats(seen, crossbar, in_order=in_order)
            groups = -(-crossbar.columns // crossbar.neurons_per_clock)
            clocks = np.maximum(np.maximum(beats, 1) * crossbar.passes, groups)
            stages.append(clocks.sum(axis=1))
        bounds[part] = np.maximum(np.max(stages, axis=0), draws)
    return bounds
