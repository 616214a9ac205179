"""What the gateware that makes chips takes of a part: ``python -m allspin.hdl.cost.sizes``.

Each block is synthesised alone by a Yosys of the system, for an array of 784 x 100 x 10.
"""

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from amaranth.back import rtlil
from amaranth.lib import wiring

from allspin.hdl.bench.networks import random_network
from allspin.hdl.neuron.amplifiers import LastAmplifiers
from allspin.hdl.parameters import EngineParameters, HardwareProfile, VariationParameters
from allspin.hdl.variation.draw_unit import DrawUnit
from allspin.hdl.variation.noise.use_noise import UseNoise
from allspin.hdl.variation.programmer import Programmer
from allspin.hdl.variation.variation import Variation

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
}
"""What is counted on each family: cells by how their names begin."""


def engine(
    rounds_per_clock: int,
    states: int = 16,
    *,
    redraw: bool = False,
    rows_per_clock: int = 1,
    sum_noise: bool = False,
) -> EngineParameters:
    """The engine that a block belongs to."""
    variation = VariationParameters(states, rounds_per_clock, redraw, sum_noise=sum_noise)
    profile = HardwareProfile(variation=variation, rows_per_clock=rows_per_clock)
    return EngineParameters.from_network(random_network(TOPOLOGY, 0), profile)


def sums(rows_per_clock: int) -> EngineParameters:
    """The same, whose sums have noise."""
    return engine(22, rows_per_clock=rows_per_clock, sum_noise=True)


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
    ("noise with sums', a neuron per clock", "ecp5", lambda: UseNoise(sums(1), 0)),
    ("noise with sums', 4 neurons per clock", "ecp5", lambda: UseNoise(sums(4), 0)),
    ("amplifiers, the last layer's", "ecp5", lambda: LastAmplifiers(sums(1))),
    ("all, pipelined, redraw", "ecp5", lambda: Variation(engine(22, redraw=True))),
)
"""Name, family, and how to make it."""


def cells(component: wiring.Component, family: str) -> dict[str, int]:
    """Synthesise a component, and count its cells by type."""
    with tempfile.TemporaryDirectory() as folder:
        design, statistics = Path(folder) / "design.il", Path(folder) / "cells.json"
        text = rtlil.convert(component, name="top", emit_src=False)
        design.write_text(_ELEMENT.sub(r"\1<\2>", text))
        script = f"read_rtlil {design}; synth_{family} -top top; tee -q -o {statistics} stat -json"
        subprocess.run(["yosys", "-q", "-p", script], check=True, stdout=subprocess.DEVNULL)
        return json.loads(statistics.read_text())["design"]["num_cells_by_type"]


def sizes() -> Iterator[str]:
    """A line of the table in ``docs/architecture.md`` for each block."""
    for name, family, make in BLOCKS:
        found = cells(make(), family)
        counts = ", ".join(
            f"{sum(count for cell, count in found.items() if cell.startswith(begins))} {what}"
            for what, begins in COUNTED[family].items()
        )
        yield f"{family}: {name}: {counts}"


if __name__ == "__main__":
    for line in sizes():
        print(line, flush=True)
