"""Measure what neurons, engines and the dense array take of an FPGA, by Yosys and nextpnr.

``python -m tests.host.compare.fpga`` does it for `mnist-10`, in the better part of an hour, and
writes the figures that ship.
"""

import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from allspin.hdl.cache.process import complaint, first_line, run_tool
from allspin.hdl.cost.cells import yosys_command
from allspin.hdl.cost.mac_array import MacArray, MacParameters
from allspin.hdl.engine.engine import Engine
from allspin.hdl.export import to_verilog
from allspin.hdl.neuron.neuron import neuron_gateware
from allspin.hdl.parameters.engine import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.compare.whole import RECORDED
from allspin.host.data.catalogue import open_network
from allspin.sim.errors import UserError
from allspin.sim.files import write_atomically
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS

LANES = 16
"""Columns a row drives in a clock, in the engine that is placed and routed."""
SEED = 1
TARGET = 200.0
"""MHz that nextpnr aims at, so that it does not stop early."""


@dataclass(frozen=True)
class Part:
    """An FPGA and how it is reached.

    Attributes
    ----------
    name : str
        Its name.
    synthesis : str
        Yosys' pass.
    place : tuple of str
        nextpnr and its options.
    cells : dict
        Counts that are reported, by the names of cells that are added up.
    """

    name: str
    synthesis: str
    place: tuple[str, ...]
    cells: dict[str, tuple[str, ...]]


_ECP5 = {
    "lut": ("LUT4", "TRELLIS_COMB"),
    "ff": ("TRELLIS_FF",),
    "memory": ("DP16KD",),
    "dsp": ("MULT18X18D",),
}
PARTS = {
    "iCE40HX8K": Part(
        "iCE40HX8K",
        "synth_ice40 -abc9 -device hx",
        ("nextpnr-ice40", "--hx8k", "--package", "ct256"),
        {"lut": ("ICESTORM_LC",), "ff": (), "memory": ("ICESTORM_RAM",), "dsp": ()},
    ),
    "ECP5-25F": Part(
        "ECP5-25F",
        "synth_ecp5 -abc9 -nodsp",
        ("nextpnr-ecp5", "--25k", "--package", "CABGA381", "--speed", "6"),
        _ECP5,
    ),
    "ECP5-85F": Part(
        "ECP5-85F",
        "synth_ecp5 -abc9",
        ("nextpnr-ecp5", "--85k", "--package", "CABGA756", "--speed", "6"),
        _ECP5,
    ),
}
"""The parts that figures are given for."""


def measure(design: str, component: wiring.Component, part: Part) -> dict[str, Any]:
    """Synthesise, place and route.

    Returns
    -------
    dict
        Names of ``design`` and ``part``; ``lut``, ``ff``, ``memory``, ``dsp``: logic cells
        (look-up tables), flip-flops, block RAMs, multipliers; ``fmax`` in MHz with one seed. On
        iCE40 a logic cell has both a look-up table and a flip-flop; ``ff`` is counted before they
        are packed.

    Raises
    ------
    UserError
        If a tool is missing or fails.
    """
    if shutil.which(part.place[0]) is None:
        raise UserError(f"{part.place[0]} is needed to measure: install the system's package")
    text = to_verilog(component)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "top.sv").write_text(text)
        (folder / "script.ys").write_text(
            f"read_verilog -sv top.sv\n{part.synthesis} -top top -json top.json\n"
            "tee -o cells.txt stat\n"
        )
        _call([*yosys_command(), "-q", "-s", "script.ys"], folder)
        placed = [
            *part.place,
            *("--json", "top.json", "--report", "report.json", "--seed", str(SEED)),
            *("--freq", str(TARGET), "--timing-allow-fail", "-q"),
        ]
        if "ice40" in part.place[0]:
            placed.append("--pcf-allow-unconstrained")
        else:
            placed.append("--lpf-allow-unconstrained")
        _call(placed, folder)
        report = json.loads((folder / "report.json").read_text())
        stat = (folder / "cells.txt").read_text()
        flip_flops = sum(
            int(count)
            for kind, count in re.findall(r"^ +(\w+) +(\d+)$", stat, re.M)
            if kind.startswith(("SB_DFF", "TRELLIS_FF"))
        )
    used = {kind: entry["used"] for kind, entry in report["utilization"].items()}
    counts = {
        what: max((used.get(kind, 0) for kind in kinds), default=0)
        for what, kinds in part.cells.items()
    }
    counts["ff"] = flip_flops
    fmax = min(clock["achieved"] for clock in report["fmax"].values())
    return {"design": design, "part": part.name, **counts, "fmax": round(fmax, 1)}


def _call(command: list[str], folder: Path) -> None:
    name = Path(command[0]).name
    if run_tool(command, folder, "tool.log", name):
        raise UserError(f"{name} failed: {complaint(folder / 'tool.log')}")


def designs(network: Network) -> dict[str, tuple[Callable[[], wiring.Component], tuple[str, ...]]]:
    """What is measured for a network: each design by its name, and the parts it is put on."""
    found: dict[str, tuple[Callable[[], wiring.Component], tuple[str, ...]]] = {}
    own = EngineParameters.from_network(network, HardwareProfile(lanes=LANES))
    for kind in NEURONS:
        parameters = EngineParameters(own.crossbars, neuron=kind, current_bits=own.current_bits)
        neuron = partial(neuron_gateware(kind), parameters)
        found[f"neuron {kind}"] = (neuron, ("iCE40HX8K", "ECP5-25F"))
        found[f"engine {kind}"] = (partial(Engine, parameters), ("ECP5-25F",))
    for number, layer in enumerate(network.layers):
        array = partial(MacArray, MacParameters(layer.rows, layer.columns))
        found[f"dense layer {number}"] = (array, ("ECP5-85F",))
    return found


def record(network: Network) -> None:
    """Measure everything, and keep it.

    Parameters
    ----------
    network : Network
        For which engines and arrays are built.
    """
    content: dict[str, Any] = {
        "topology": list(network.topology),
        "lanes": LANES,
        "tools": [
            _version([*yosys_command(), "-V"]),
            *(_version([program, "--version"]) for program in ("nextpnr-ice40", "nextpnr-ecp5")),
        ],
        "usage": [],
    }
    for design, (make, parts) in designs(network).items():
        for part in parts:
            print(f"{design} on {part}")
            content["usage"].append(measure(design, make(), PARTS[part]))
            write_atomically(RECORDED, (json.dumps(content, indent=1) + "\n").encode())


def _version(command: list[str]) -> str:
    return first_line(command).replace('"', "") or command[0]


if __name__ == "__main__":
    record(open_network("mnist-10"))
