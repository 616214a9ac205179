"""``allspin sim``: the engine in an HDL simulator, under cocotb."""

import argparse
import json
from pathlib import Path
from typing import Any

from allspin.hdl.bench.simulator import SIMULATORS, BenchFailure
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.options import add_data_argument
from allspin.host.cli.parser import naming_options
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.run.simulate import SimulatorOptions, simulate_engine
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.table import Figure, Number, figures, print_tables

HELP = """\
Run a network's engine in an HDL simulator, and compare every logit with the golden model.

The engine is that of the boards and the virtual board, as Verilog; cocotb programs it and
streams test images. Use it for waveforms, and as a start for your own testbenches. The
simulator is compiled once for each design and kept."""
EPILOG = """\
examples:
  allspin sim mnist-10
  allspin sim mnist-10 --images 3 --waves out.fst
  allspin sim mnist-10 --simulator icarus --images 5 --seed 1 --lanes 10
"""

IMAGES = 20
MISMATCHES = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add("--simulator", choices=SIMULATORS, default=SIMULATORS[0], help="the simulator (verilator)")
    add("--images", metavar="N", type=int, default=IMAGES, help=f"first N test images ({IMAGES})")
    add_data_argument(parser)
    add(
        "--seed",
        metavar="S",
        type=int,
        help="stall both ends of the engine at random, drawn from this seed (no stalls)",
    )
    add("--waves", metavar="OUT.fst", type=Path, help="record waveforms, in FST")
    add("--lanes", metavar="L", type=int, help="columns that are computed in a cycle (all)")
    add(
        "--rows-per-clock",
        metavar="R",
        type=int,
        default=1,
        help="rows that are driven in a cycle, 1, 2, 4 or 8 (1)",
    )
    add("--states", action="store_true", help="keep states in place of R_AH words")
    add(
        "--memory",
        choices=("block", "ecp5"),
        default="block",
        help="the portable engine, or the one for an ECP5's clock (block)",
    )
    add("--json", action="store_true", help="print the result as one JSON object")


def _print_table(result: dict[str, Any]) -> None:
    rows: list[Figure] = [
        ("images", result["images"]),
        ("logits compared", result["logits_compared"]),
        ("mismatches", result["mismatches"]),
        ("cycles per image", Number(result["cycles_per_image"], ".1f")),
        ("time", result["seconds"], "s"),
    ]
    notes = [f"the waveforms are in {result['waves']}"] if result["waves"] else []
    print_tables([figures(f"{result['network']} in {result['simulator']}", rows)], notes)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and say what came of it."""
    with naming_options():
        profile = HardwareProfile(
            lanes=arguments.lanes,
            rows_per_clock=arguments.rows_per_clock,
            memory=arguments.memory,
            states=arguments.states,
        )
        options = SimulatorOptions(arguments.simulator, arguments.seed, arguments.waves)
    network = open_network(arguments.network)
    images, _ = load_test_set(arguments.data, [network], arguments.images)
    try:
        with Steps() as steps:
            found = simulate_engine(network, images[: arguments.images], profile, options, steps)
    except BenchFailure as failure:
        warn(f"the simulation failed: {failure}")
        return MISMATCHES
    result = {
        "network": arguments.network,
        "simulator": arguments.simulator,
        **found.to_dict(),
        "waves": None if arguments.waves is None else str(arguments.waves),
    }
    if arguments.json:
        say(json.dumps(result))
    else:
        _print_table(result)
    if found.first_mismatch is not None:
        warn(f"first mismatch, {found.first_mismatch}")
    return MISMATCHES if found.mismatches else 0
