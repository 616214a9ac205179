"""The clocks that an image must take, whatever the gateware does."""

import numpy as np
import numpy.typing as npt

from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.sim.chip.generator import ROUNDS
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network
from allspin.sim.network.reference import under_kernels

CHUNK = 2048
"""Images traced at a time; it bounds the memory that intermediate values take."""


def sum_noise_clocks(parameters: EngineParameters, noise: ColumnNoise) -> int:
    """Clocks of an image's draws where a pipeline makes those of neurons and of sums in turn.

    Parameters
    ----------
    parameters : EngineParameters
        What the network runs on.
    noise : ColumnNoise
        What a chip adds at each use.

    Returns
    -------
    int
        Of the slowest layer; 0 where nothing is added to sums.
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
    # The last layer's are drawn behind those of the layer before it.
    clocks[max(0, last - 1)] += parameters.classes * added[last]
    return max(clocks)


def cycle_bounds(
    network: Network,
    parameters: EngineParameters,
    images: npt.NDArray[np.uint8],
    noise: ColumnNoise | None = None,
) -> npt.NDArray[np.int64]:
    """Clocks of each image's slowest stage.

    A crossbar takes a clock for each active row of each tile's busiest part (rows are parted by
    their number modulo the rows per clock) and each group of columns, and at least one; hidden
    layers' rows come in order, so there a clock drives the active ones of one group of neighbours.
    Where a layer sees a map, all this is of each position, and rows come as the busiest part has
    them. The neurons at its foot are visited one after another, as many a clock as the next
    crossbar has rows per clock, as are the logits, one a clock. Where one small generator draws the
    noise of all hidden neurons, each costs the rounds of its draw and a clock; where sums have
    noise, one pipeline draws theirs and that of the neurons. Layers overlap, so in steady state an
    image costs its slowest stage.

    Parameters
    ----------
    network : Network
        What runs.
    parameters : EngineParameters
        What it runs on.
    images : ndarray of uint8, shape (images, height, width) or (images, rows)
        Grey levels, 0 to 255.
    noise : ColumnNoise, optional
        Of a chip whose sums may have some.

    Returns
    -------
    ndarray of int64, shape (images,)
    """
    model = GoldenModel(network)
    bounds = np.empty(len(images), dtype=np.int64)
    draws = 0 if noise is None else sum_noise_clocks(parameters, noise)
    variation = parameters.variation
    if variation is not None and parameters.noisy and variation.iterative_noise:
        neurons = sum(map(parameters.uses, range(len(parameters.crossbars) - 1)))
        draws = max(draws, neurons * (ROUNDS // variation.rounds_per_clock + 1))
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        stages = []
        traces = model.trace(images[part])
        for number, (trace, crossbar) in enumerate(zip(traces, parameters.crossbars, strict=True)):
            # Row r is at [:, position, its tile, its line there, r % rows per clock].
            tile_rows = crossbar.tile_rows + -crossbar.tile_rows % crossbar.rows_per_clock
            short = crossbar.tiles * tile_rows - crossbar.rows
            seen = under_kernels(parameters.kind(number), trace.inputs.astype(np.int64))
            driven = np.pad(seen != 0, ((0, 0), (0, 0), (0, short)))
            shape = *seen.shape[:2], crossbar.tiles, -1, crossbar.rows_per_clock
            driven = driven.reshape(shape)
            if number and not parameters.kinds:
                beats = np.count_nonzero(driven.any(axis=4), axis=(2, 3))
            else:
                beats = np.count_nonzero(driven, axis=3).max(axis=3).sum(axis=2)
            groups = -(-crossbar.columns // crossbar.neurons_per_clock)
            clocks = np.maximum(np.maximum(beats, 1) * crossbar.passes, groups)
            stages.append(clocks.sum(axis=1))
        bounds[part] = np.maximum(np.max(stages, axis=0), draws)
    return bounds
