"""Cells that each block of gateware takes of an FPGA: ``python -m tests.hdl.cost.sizes``.

Each block is synthesised alone by the system's Yosys, for an array of 784 x 100 x 10.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from allspin.hdl.chip.draw_unit import DrawUnit
from allspin.hdl.chip.programmer import Programmer
from allspin.hdl.chip.use_noise import UseNoiseBlock
from allspin.hdl.chip.variation import Variation
from allspin.hdl.crossbar.lane import Lane
from allspin.hdl.neuron.amplifiers import Amplifiers, LastAmplifiers
from allspin.hdl.neuron.column_converter import ColumnConverter
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, VariationParameters
from allspin.sim.network.random_network import random_network
from tests.hdl.driving import Ecp5

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
"""Cells counted on each family, by the beginnings of their names."""


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
    ("generator, a round a clock", "ice40", lambda: DrawUnit(2, 17)),
    ("Programmer without generator", "ice40", lambda: Programmer(engine(1))),
    ("noise without generator", "ice40", lambda: UseNoiseBlock(engine(1), 0)),
    ("all, a round a clock", "ice40", lambda: Variation(engine(1))),
    ("all, a round a clock", "ecp5", lambda: Variation(engine(1))),
    ("Programmer, a cell a clock, redraw", "ecp5", lambda: Programmer(engine(22, redraw=True))),
    ("noise, a neuron per clock", "ecp5", lambda: UseNoiseBlock(engine(22), 0)),
    ("noise, 4 neurons per clock", "ecp5", lambda: UseNoiseBlock(engine(22, rows_per_clock=4), 0)),
    ("all, pipelined, redraw", "ecp5", lambda: Variation(engine(22, redraw=True))),
)
"""Name, family, and how to make it."""


def on_ecp5(rows_per_clock: int = 1, *, sum_noise: bool = True) -> EngineParameters:
    """An engine with an ECP5's memories, and with or without noise on its sums."""
    return engine(22, rows_per_clock=rows_per_clock, sum_noise=sum_noise, memory="ecp5")


def wide(rows_per_clock: int, pixel_bits: int) -> EngineParameters:
    """An engine that keeps states and drives several rows in a clock."""
    profile = HardwareProfile(rows_per_clock=rows_per_clock, memory="ecp5", states=True)
    network = random_network(TOPOLOGY, 0, pixel_bits=pixel_bits)
    return EngineParameters.from_network(network, profile)


IN_MACHINES: tuple[tuple[str, Callable[[], wiring.Component]], ...] = (
    ("noise of neurons, one per clock", lambda: UseNoiseBlock(on_ecp5(sum_noise=False), 0)),
    ("noise of neurons and sums", lambda: UseNoiseBlock(on_ecp5(), 0)),
    ("noise of neurons, 4 per clock", lambda: UseNoiseBlock(on_ecp5(4, sum_noise=False), 0)),
    ("noise of neurons and sums, 4 per clock", lambda: UseNoiseBlock(on_ecp5(4), 0)),
    ("amplifiers of a hidden layer", lambda: Amplifiers(on_ecp5(), 0)),
    ("amplifiers of the last layer", lambda: LastAmplifiers(on_ecp5())),
    ("a lane, 8 rows of 4 bits", lambda: Lane(wide(8, 4).crossbars[0])),
    ("a lane, 16 rows of 2 bits", lambda: Lane(wide(16, 2).crossbars[0])),
    ("a lane, 16 rows of 4 bits", lambda: Lane(wide(16, 2).crossbars[1])),
    ("a V-I converter behind 16 rows of 2 bits", lambda: ColumnConverter(wide(16, 2), 0)),
)
"""Blocks for noise on sums and for several rows per clock, synthesised like ECP5 machines."""
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
    """Number of cells of each kind."""
    return ", ".join(
        f"{sum(count for cell, count in found.items() if cell.startswith(begins))} {what}"
        for what, begins in COUNTED[counted].items()
    )


if __name__ == "__main__":
    for line in sizes():
        print(line, flush=True)
