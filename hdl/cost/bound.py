"""The clocks that an image must take, whatever the gateware does."""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from amaranth.back import rtlil
from amaranth.lib import wiring

from allspin.hdl.bench.networks import random_network
from allspin.hdl.chip.draw_unit import DrawUnit
from allspin.hdl.chip.programmer import Programmer, Variation
from allspin.hdl.chip.use_noise import UseNoise
from allspin.hdl.neuron.amplifiers import Amplifiers, LastAmplifiers
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.chip.generator import ROUNDS
from allspin.sim.chip.noise import ColumnNoise
from allspin.sim.network.golden import GoldenModel
from allspin.sim.network.network import Network

# What the gateware that makes chips takes of a part: ``python -m allspin.hdl.cost.bound``.
#
# Each block is synthesised alone by a Yosys of the system, for an array of 784 x 100 x 10.

TOPOLOGY = (784, 100, 10)
_ELEMENT = re.compile(r"(?<=\s)(\\[^\s\"]*)\[(\d+)\](?=\s)")
"""A name of an array's element, which Yosys takes for a bit of something."""
COUNTED = {
    "ice40": {"LUT": ("SB_LUT4",), "flip-flops": ("SB_DFF",), "block RAM": ("SB_RAM40",)},
    "ecp5": {
        "LUT": ("LUT4",),
        "carry": ("CCU2C",),
        "flip-flops": ("TRELLIS_FF",),
        "block RAM": ("DP16KD",),
        "multipliers": ("MULT18X18D",),
    },
    "machine": {
        "LUT": ("LUT4",),
        "carry": ("CCU2C",),
        "flip-flops": ("TRELLIS_FF",),
        "distributed RAM": ("TRELLIS_DPR16X4",),
        "block RAM": ("DP16KD",),
        "multipliers": ("MULT18X18D",),
    },
}
"""What is counted on each family: cells by how their names begin."""


class Ecp5:
    """Enough of a platform for what asks for an ECP5's cells."""

    family = "ecp5"


def engine(
    rounds_per_clock: int,
    states: int = 16,
    *,
    redraw: bool = False,
    rows_per_clock: int = 1,
    sum_noise: bool = False,
    memory: str = "block",
) -> EngineParameters:
    """The engine that a block belongs to."""
    variation = VariationParameters(states, rounds_per_clock, redraw, sum_noise=sum_noise)
    profile = HardwareProfile(variation=variation, rows_per_clock=rows_per_clock, memory=memory)
    return EngineParameters.from_network(random_network(TOPOLOGY, 0), profile)


BLOCKS: tuple[tuple[str, str, Callable[[], wiring.Component]], ...] = (
    ("generator, a round a clock", "ice40", lambda: DrawUnit(1, 2, 17)),
    ("Programmer without generator", "ice40", lambda: Programmer(engine(1))),
    ("noise without generator", "ice40", lambda: UseNoise(engine(1), 0)),
    ("all, a round a clock", "ice40", lambda: Variation(engine(1))),
    ("all, two rounds a clock", "ice40", lambda: Variation(engine(2))),
    ("all, a round a clock", "ecp5", lambda: Variation(engine(1))),
    ("Programmer, a cell a clock, redraw", "ecp5", lambda: Programmer(engine(22, redraw=True))),
    ("noise, a neuron per clock", "ecp5", lambda: UseNoise(engine(22), 0)),
    ("noise, 4 neurons per clock", "ecp5", lambda: UseNoise(engine(22, rows_per_clock=4), 0)),
    ("all, pipelined, redraw", "ecp5", lambda: Variation(engine(22, redraw=True))),
)
"""Name, family, and how to make it."""


def on_ecp5(rows_per_clock: int = 1, *, sum_noise: bool = True) -> EngineParameters:
    """An engine of an ECP5's memories whose sums have noise, or not."""
    return engine(22, rows_per_clock=rows_per_clock, sum_noise=sum_noise, memory="ecp5")


IN_MACHINES: tuple[tuple[str, Callable[[], wiring.Component]], ...] = (
    ("noise of neurons, one per clock", lambda: UseNoise(on_ecp5(sum_noise=False), 0)),
    ("noise of neurons and sums", lambda: UseNoise(on_ecp5(), 0)),
    ("noise of neurons, 4 per clock", lambda: UseNoise(on_ecp5(4, sum_noise=False), 0)),
    ("noise of neurons and sums, 4 per clock", lambda: UseNoise(on_ecp5(4), 0)),
    ("amplifiers of a hidden layer", lambda: Amplifiers(on_ecp5(), 0)),
    ("amplifiers of the last layer", lambda: LastAmplifiers(on_ecp5())),
)
"""What noise of sums costs, synthesised as the machines of ECP5 boards are."""
MACHINE_OPTIONS = "-abc9 -nodsp"


def cells(
    component: wiring.Component, family: str, options: str = "", platform: object = None
) -> dict[str, int]:
    """Synthesise a component, and count its cells by type."""
    with tempfile.TemporaryDirectory() as folder:
        design, statistics = Path(folder) / "design.il", Path(folder) / "cells.json"
        text = rtlil.convert(component, name="top", platform=platform, emit_src=False)
        design.write_text(_ELEMENT.sub(r"\1<\2>", text))
        synthesis = f"synth_{family} {options} -top top"
        script = f"read_rtlil {design}; {synthesis}; tee -q -o {statistics} stat -json"
        subprocess.run(["yosys", "-q", "-p", script], check=True, stdout=subprocess.DEVNULL)
        return json.loads(statistics.read_text())["design"]["num_cells_by_type"]


def sizes() -> Iterator[str]:
    """A line of the tables in ``docs/architecture.md`` for each block."""
    for name, family, make in BLOCKS:
        yield f"{family}: {name}: {_counts(cells(make(), family), family)}"
    for name, make in IN_MACHINES:
        found = cells(make(), "ecp5", MACHINE_OPTIONS, Ecp5())
        yield f"ecp5, as in a machine: {name}: {_counts(found, 'machine')}"


def _counts(found: dict[str, int], counted: str) -> str:
    """How many of each kind."""
    return ", ".join(
        f"{sum(count for cell, count in found.items() if cell.startswith(begins))} {what}"
        for what, begins in COUNTED[counted].items()
    )


if __name__ == "__main__":
    for line in sizes():
        print(line, flush=True)

CHUNK = 2048
"""Images traced at a time; it bounds the memory that intermediate values take."""


def noise_clocks(parameters: EngineParameters) -> int:
    """Clocks that one small generator takes at least for the noise of an image's neurons.

    Parameters
    ----------
    parameters : EngineParameters
        What the network runs on.

    Returns
    -------
    int
        0 where there is no such noise or where it costs no clock.
    """
    variation = parameters.variation
    if variation is None or not parameters.noisy or not variation.iterative_noise:
        return 0
    neurons = sum(crossbar.columns for crossbar in parameters.crossbars[:-1])
    return neurons * (ROUNDS // variation.rounds_per_clock + 1)


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
        clocks[layer] = -(-crossbar.columns // crossbar.neurons_per_clock) * (1 + added[layer])
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
    layers' rows come in order, so there a clock drives the active ones of one group of
    neighbours. The neurons at its foot are visited one after another, as many a clock as the
    next crossbar has rows per clock, as are the logits, one a clock. Where one small generator
    draws the noise of all hidden neurons, each costs the rounds of its draw and a clock; where sums
    have noise, one pipeline draws theirs and that of the neurons. Layers overlap, so in steady
    state an image costs its slowest stage.

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
    draws = noise_clocks(parameters)
    if noise is not None:
        draws = max(draws, sum_noise_clocks(parameters, noise))
    for start in range(0, len(images), CHUNK):
        part = slice(start, start + CHUNK)
        stages = []
        traces = model.trace(images[part])
        for number, (trace, crossbar) in enumerate(zip(traces, parameters.crossbars, strict=True)):
            # Row r is at [:, its tile, its line there, r % rows per clock].
            tile_rows = crossbar.tile_rows + -crossbar.tile_rows % crossbar.rows_per_clock
            short = crossbar.tiles * tile_rows - crossbar.rows
            driven = np.pad(trace.inputs != 0, ((0, 0), (0, short)))
            shape = len(driven), crossbar.tiles, -1, crossbar.rows_per_clock
            driven = driven.reshape(shape)
            if number:
                beats = np.count_nonzero(driven.any(axis=3), axis=(1, 2))
            else:
                beats = np.count_nonzero(driven, axis=2).max(axis=2).sum(axis=1)
            stages.append(np.maximum(beats, 1) * crossbar.passes)
            groups = -(-crossbar.columns // crossbar.neurons_per_clock)
            stages.append(np.full_like(beats, groups))
        bounds[part] = np.maximum(np.max(stages, axis=0), draws)
    return bounds
