"""``allspin sim``: the engine in an HDL simulator, under cocotb."""

import argparse
import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.table import Table

from allspin.hdl.bench.runner import BenchFailure, build, engine_source, simulate
from allspin.hdl.bench.session import PROGRESS, RESULT
from allspin.hdl.bench.tools import SIMULATORS, find_tools
from allspin.hdl.parameters import EngineParameters, HardwareProfile
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.data.files import check_writable
from allspin.host.show.progress import Steps
from allspin.host.show.say import say, warn
from allspin.host.show.terminal import Terminal
from allspin.sim.errors import UserError
from allspin.sim.network.network import Network

NAME = "sim"
HELP = """\
Run a network's engine in an HDL simulator, and compare every logit with the golden model.

The engine is the one of the virtual board and of the boards, as Verilog; cocotb programs it
and streams test images. For waveforms, and as a start for testbenches of one's own. The
simulator is compiled once for a design and kept."""
EPILOG = """\
examples:
  allspin sim mnist-10
  allspin sim mnist-10 --images 3 --waves out.fst
  allspin sim mnist-10 --simulator icarus --images 5 --seed 1 --lanes 10
"""

IMAGES = 20
STALLS = 0.3
"""Share of the clocks with a stall, where a seed asks for stalls."""
MISMATCHES = 1
POLL = 0.2
"""Seconds between two looks at the simulation's progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("network", metavar="NET", help="network file, or the name of one that ships")
    add("--simulator", choices=SIMULATORS, default=SIMULATORS[0], help="which (verilator)")
    add("--images", metavar="N", type=int, default=IMAGES, help=f"first N test images ({IMAGES})")
    add("--data", metavar="DIR", type=Path, help="folder of IDX files (MNIST, which ships)")
    add(
        "--seed",
        metavar="S",
        type=int,
        help="stall both ends of the engine at random, drawn from this seed (no stalls)",
    )
    add("--waves", metavar="OUT.fst", type=Path, help="record waveforms, in FST")
    add("--lanes", metavar="L", type=int, help="columns that a row drives in a clock (all)")
    add(
        "--rows-per-clock",
        metavar="R",
        type=int,
        default=1,
        help="rows that are driven in a clock, 1, 2 or 4 (1)",
    )
    add(
        "--memory",
        choices=("block", "ecp5"),
        default="block",
        help="the portable engine, or the one for an ECP5's clock (block)",
    )
    add("--json", action="store_true", help="print the result as one JSON object")


def _profile(arguments: argparse.Namespace) -> HardwareProfile:
    try:
        return HardwareProfile(
            lanes=arguments.lanes,
            rows_per_clock=arguments.rows_per_clock,
            memory=arguments.memory,
        )
    except ValueError as error:
        raise UserError(f"--{str(error).replace('rows_per_clock', 'rows-per-clock')}") from error


def _check_waves(path: Path) -> None:
    """Find out before the work that the waveforms cannot be written."""
    if path.suffix != ".fst":
        raise UserError(f"waveforms are FST: name the file {path.stem}.fst, not {path.name}")
    check_writable(path)


class _Watch:
    """Say how far the simulation is while it runs."""

    def __init__(self, folder: Path, steps: Steps) -> None:
        self._file = folder / PROGRESS
        self._steps = steps
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(POLL):
            if self._file.exists():
                done, total = map(int, self._file.read_text().split())
                self._steps.advance(done, total, f"{done} of {total} images")

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._steps.stop()


def _simulate(
    verilog: str,
    network: Network,
    images: npt.NDArray[np.uint8],
    profile: HardwareProfile,
    arguments: argparse.Namespace,
    steps: Steps,
) -> dict[str, Any]:
    """Run the session and read what it found."""
    with tempfile.TemporaryDirectory(prefix="allspin-sim-") as temporary:
        folder = Path(temporary)
        with _Watch(folder, steps):
            simulate(
                verilog,
                "allspin.hdl.bench.session",
                simulator=arguments.simulator,
                network=network,
                images=images,
                profile=profile,
                options={"stalls": 0.0 if arguments.seed is None else STALLS},
                seed=arguments.seed or 0,
                waves=arguments.waves,
                folder=folder,
            )
        return json.loads((folder / RESULT).read_text())


def _print_table(result: dict[str, Any]) -> None:
    table = Table(title=f"{result['network']} in {result['simulator']}", show_header=False)
    table.add_column()
    table.add_column(justify="right", overflow="fold")
    table.add_row("images", f"{result['images']}")
    table.add_row("logits compared", f"{result['logits_compared']}")
    table.add_row("mismatches", f"{result['mismatches']}")
    table.add_row("cycles an image", f"{result['cycles_per_image']:.1f}")
    table.add_row("seconds", f"{result['seconds']:.2f}")
    if result["waves"]:
        table.add_row("waveforms", result["waves"])
    Terminal().print(table)


def run(arguments: argparse.Namespace) -> int:
    """Simulate, and say what came of it."""
    profile = _profile(arguments)
    network = open_network(arguments.network)
    images, labels = load_test_set(arguments.data, [network], arguments.images)
    images, labels = images[: arguments.images], labels[: arguments.images]
    if arguments.waves is not None:
        _check_waves(arguments.waves)
    find_tools(arguments.simulator)

    steps = Steps()
    steps.start("preparing the simulator, compiled once for a design")
    try:
        verilog = engine_source(EngineParameters.from_network(network, profile))
        build(verilog, simulator=arguments.simulator, waves=arguments.waves is not None)
    finally:
        steps.stop()
    steps.finish()
    steps.start("simulating")
    try:
        found = _simulate(verilog, network, images, profile, arguments, steps)
    except BenchFailure as failure:
        warn(f"the simulation failed: {failure}")
        return MISMATCHES
    first = found.pop("first_mismatch")
    result = {
        "network": arguments.network,
        "simulator": arguments.simulator,
        **found,
        "waves": None if arguments.waves is None else str(arguments.waves),
    }
    if arguments.json:
        say(json.dumps(result))
    else:
        _print_table(result)
    if first is not None:
        warn(f"first mismatch, {first}")
    return MISMATCHES if result["mismatches"] else 0
