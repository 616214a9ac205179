"""Measure the resources of neurons, engines and the dense array, by Yosys and nextpnr.

``python -m tests.host.compare.fpga`` does it for `mnist-10`, in the better part of an hour, and
writes the figures that ship.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from allspin.hdl.cache.process import first_line
from allspin.hdl.cost.standard_cells import yosys_command
from allspin.hdl.engine.engine import Engine
from allspin.hdl.neuron.neuron_kinds import neuron_gateware
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.hdl.verilog import to_verilog
from allspin.host.compare.dense_array import RECORDED
from allspin.host.data.catalogue import open_network
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from tests.hdl.cost.mac_array import MacArray, MacParameters

LANES = 16
"""Columns a row drives in a clock, in the engine that is placed and routed."""
PARTS = {
    "iCE40HX8K": (
        "synth_ice40 -abc9 -device hx",
        "nextpnr-ice40 --hx8k --package ct256 --pcf-allow-unconstrained",
    ),
    "ECP5-25F": (
        "synth_ecp5 -abc9 -nodsp",
        "nextpnr-ecp5 --25k --package CABGA381 --speed 6 --lpf-allow-unconstrained",
    ),
    "ECP5-85F": (
        "synth_ecp5 -abc9",
        "nextpnr-ecp5 --85k --package CABGA756 --speed 6 --lpf-allow-unconstrained",
    ),
}
"""Yosys' pass and nextpnr's command for each part that figures are given for."""
OPTIONS = "--json top.json --report report.json --seed 1 --freq 200 --timing-allow-fail -q"
"""nextpnr aims at more MHz than it reaches, so that it does not stop early."""
CELLS = {
    "lut": ("ICESTORM_LC", "LUT4", "TRELLIS_COMB"),
    "memory": ("ICESTORM_RAM", "DP16KD"),
    "dsp": ("MULT18X18D",),
}
"""Counts by the names that parts and releases of nextpnr have for their cells."""


def measure(design: str, component: wiring.Component, part: str) -> dict[str, Any]:
    """Synthesise, place and route.

    Returns
    -------
    dict
        Record as `allspin.host.compare.dense_array.recorded_fpga` returns it. A logic cell of
        iCE40 has both a look-up table and a flip-flop; ``ff`` is counted before packing.
    """
    synthesis, place = PARTS[part]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "top.sv").write_text(to_verilog(component))
        (folder / "script.ys").write_text(
            f"read_verilog -sv top.sv\n{synthesis} -top top -json top.json\n"
            "tee -o cells.json stat -json\n"
        )
        for command in (
            [*yosys_command(), "-q", "-s", "script.ys"],
            [*place.split(), *OPTIONS.split()],
        ):
            subprocess.run(command, cwd=folder, check=True)
        report = json.loads((folder / "report.json").read_text())
        stat = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
    used = {kind: entry["used"] for kind, entry in report["utilization"].items()}
    counts = {what: max(used.get(kind, 0) for kind in kinds) for what, kinds in CELLS.items()}
    flip_flops = [stat[kind] for kind in stat if kind.startswith(("SB_DFF", "TRELLIS_FF"))]
    return {
        "design": design,
        "part": part,
        "lut": counts["lut"],
        "ff": sum(flip_flops),
        "memory": counts["memory"],
        "dsp": counts["dsp"],
        "fmax": round(min(clock["achieved"] for clock in report["fmax"].values()), 1),
    }


def designs(network: Network) -> dict[tuple[str, str], Callable[[], wiring.Component]]:
    """Return the measurements for a network, by name and part."""
    found: dict[tuple[str, str], Callable[[], wiring.Component]] = {}
    own = EngineParameters.from_network(network, HardwareProfile(lanes=LANES))
    for kind in NEURONS:
        parameters = EngineParameters(own.crossbars, neuron=kind, current_bits=own.current_bits)
        for part in ("iCE40HX8K", "ECP5-25F"):
            found[f"neuron {kind}", part] = partial(neuron_gateware(kind), parameters)
        found[f"engine {kind}", "ECP5-25F"] = partial(Engine, parameters)
    for number, layer in enumerate(network.layers):
        array = partial(MacArray, MacParameters(layer.rows, layer.columns))
        found[f"dense layer {number}", "ECP5-85F"] = array
    return found


def main() -> None:
    """Measure everything, and keep it."""
    network = open_network("mnist-10")
    programs = [[*yosys_command(), "-V"]]
    programs += [[f"nextpnr-{family}", "--version"] for family in ("ice40", "ecp5")]
    content: dict[str, Any] = {
        "topology": list(network.topology),
        "lanes": LANES,
        "tools": [first_line(program).replace('"', "") for program in programs],
        "usage": [],
    }
    for (design, part), make in designs(network).items():
        print(f"{design} on {part}")
        content["usage"].append(measure(design, make(), part))
        RECORDED.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
