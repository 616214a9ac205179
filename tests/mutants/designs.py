"""Designs whose RTLIL shows whether a mutant changes gateware; together they reach every line.

``python -m tests.mutants.designs [NAME ...]`` prints an object: each design's digest, or the
error that its elaboration raised. With ``--expect FILE`` it ends behind the first digest that
is not the file's; with ``--optimised`` digests are of the designs that Yosys has optimised. With
``--trace`` it prints the lines that each design executes, and with ``--names`` all names, quick
ones first.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Fragment

import allspin.boards.board
from allspin.boards.board import Board
from allspin.boards.build.families import TOP
from allspin.boards.catalogue import find_boards
from allspin.boards.profiles import ECP5_85, Profile
from allspin.boards.shell import Shell, ShellParameters
from allspin.boards.top import Top, TopParameters
from allspin.hdl.chip.variation import Variation
from allspin.hdl.cost.standard_cells import yosys_command
from allspin.hdl.link.uart import UartParameters
from allspin.hdl.neuron.cmos_neuron import DigitalColumn, RegisteredRelu, RoundedRelu, TableLogic
from allspin.hdl.parameters.crossbar_parameters import CrossbarParameters
from allspin.hdl.parameters.engine_parameters import EngineParameters
from allspin.hdl.parameters.profile import HardwareProfile, ResidentParameters, VariationParameters
from allspin.hdl.resident.beat_memory import EcpBeatMemory
from allspin.sim.network.network import Network
from allspin.sim.network.neuron import NEURONS
from allspin.sim.network.random_network import random_network
from tests.hdl.driving import Ecp5
from tests.sim.network.any_network import in_tiles

ROOT = Path(__file__).resolve().parents[2]
OPTIMISE = """
read_rtlil source.il
hierarchy -auto-top
proc
flatten
setattr -unset keep w:* c:*
opt -full -purge
wreduce
opt -full -purge
rename -enumerate -pattern _cell_% c:*
rename -enumerate -pattern _wire_% w:*
write_rtlil result.il
"""
"""Yosys script by which designs are optimised for comparison: it merges copies of a register, and
removes bits without a reader."""
Lines = dict[str, set[int]]


@dataclass(frozen=True)
class Component:
    """A component, elaborated for a platform.

    Parameters
    ----------
    make : callable
        Returns the component.
    platform : object
        Platform that it is elaborated for; None for simulators.
    """

    make: Callable[[], Any]
    platform: object = None

    def elaborate(self) -> None:
        """Execute all lines of its elaboration."""
        Fragment.get(self.make(), self.platform)

    def text(self) -> str:
        """Its RTLIL."""
        return rtlil.convert(self.make(), platform=self.platform, emit_src=False)


@dataclass(frozen=True)
class Surroundings:
    """Gateware around the machine on a board.

    Parameters
    ----------
    board : Board
        The board.
    network : Network
        Network that the machine is for.
    """

    board: Board
    network: Network

    def elaborate(self) -> None:
        """Execute all lines of its elaboration."""
        self.text()

    def text(self) -> str:
        """All files that tools get."""
        profile = HardwareProfile(lanes=1)
        parameters = ShellParameters.from_network(self.board, self.network, profile)
        platform = self.board.create_platform()
        files = platform.prepare(Shell(parameters), TOP, emit_src=False).files
        return "\n".join(f"{name}\n{content}" for name, content in sorted(files.items()))


Design = Component | Surroundings


def _machine(
    network: Network, profile: HardwareProfile, platform: object = None, **options: Any
) -> Component:
    def make() -> Top:
        return Top(TopParameters.from_network(network, profile, **options))

    return Component(make, platform)


def _profiles() -> Iterator[tuple[str, HardwareProfile]]:
    """Every machine that ships."""
    for part, machines in vars(allspin.boards.board).items():
        if isinstance(machines, Mapping):
            for kind, profile in machines.items():
                if isinstance(profile, Profile):
                    yield f"{part} {kind}", profile.hardware


def designs() -> dict[str, Design]:
    """Each design by its name."""
    two = random_network((12, 6, 5), 0)
    four = random_network((70, 9, 6, 3), 1, pixel_bits=7, hidden_bits=3, rah_bits=5)
    found: dict[str, Design] = {
        "one layer": _machine(random_network((7, 3), 2), HardwareProfile()),
        "uart": _machine(two, HardwareProfile(), uart=UartParameters(7.5)),
        "rounded": Component(lambda: RoundedRelu(8, 4)),
        "table": Component(lambda: TableLogic(range(16), 4)),
        "column": Component(lambda: DigitalColumn(4, 8, 17, 6, 4)),
        "ramp": Component(lambda: RegisteredRelu(12, 12, -1, 4, waits=False)),
    }
    for kind, neuron in NEURONS.items():
        network = random_network((8, 5, 4), 3, neuron=neuron())
        found[f"neuron {kind}"] = _machine(network, HardwareProfile())
    small = VariationParameters(states=16, rounds_per_clock=1)
    redrawn = VariationParameters(states=10, redraw=True)
    profiles = {
        f"{memory} {rows}": HardwareProfile(lanes=4, rows_per_clock=rows, memory=memory)
        for rows in (1, 2, 4)
        for memory in ("block", "ecp5")
    }
    profiles |= {
        f"states on {memory} {rows}": HardwareProfile(
            lanes=9, rows_per_clock=rows, memory=memory, states=True
        )
        for rows, memory in ((1, "spram"), (2, "block"), (8, "ecp5"))
    }
    profiles |= {
        "lanes": HardwareProfile(lanes=2),
        "iterative": HardwareProfile(variation=small),
        "redraw": HardwareProfile(rows_per_clock=2, variation=redrawn),
        "redraw of states": HardwareProfile(variation=replace(redrawn, use_noise=False)),
    }
    for beats, images in ((50, 3), (40_000, 3000)):
        kept = ResidentParameters(beats, images)
        for memory in ("block", "ecp5"):
            name = f"{memory} with {beats} beats"
            profiles[name] = HardwareProfile(memory=memory, rows_per_clock=2, resident=kept)
    for name, profile in profiles.items():
        found[name] = _machine(four, profile)
    tiled = in_tiles(random_network((40, 9, 6), 6), 16, 4)
    for memory, rows, offsets in (("block", 1, False), ("block", 2, True), ("ecp5", 2, True)):
        profile = HardwareProfile(lanes=4, rows_per_clock=rows, memory=memory, tile_offsets=offsets)
        found[f"tiles on {memory} {rows}"] = _machine(tiled, profile)
    found["words in SPRAM"] = _machine(two, HardwareProfile(lanes=4, memory="spram"))
    for name, profile in _profiles():
        found[name] = _machine(two, profile)
        if profile.memory == "ecp5":
            found[f"{name} on an ECP5"] = _machine(two, profile, Ecp5())
    # Sizes that need several of the parts that small machines have one of.
    large = random_network((784, 100, 10), 4)
    chips = EngineParameters.from_network(large, ECP5_85["chips"].hardware)
    found["large chips"] = Component(lambda: Variation(chips), Ecp5())
    for beats in (14336, 28672):
        found[f"{beats} beats"] = Component(
            lambda beats=beats: EcpBeatMemory(CrossbarParameters(784, 100, 100), beats), Ecp5()
        )
    found["many rows"] = _machine(random_network((1764, 3), 5), HardwareProfile(lanes=1))
    for name, board in find_boards().items():
        found[f"shell of {name}"] = Surroundings(board, two)
    return found


def digest_of(design: Design, optimised: bool = False) -> str:
    """Digest of a design, or the error that was raised in its place."""
    try:
        text = design.text()
        return hashlib.sha256((optimise(text) if optimised else text).encode()).hexdigest()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def optimise(text: str) -> str:
    """RTLIL without the logic that Yosys finds to be of no use, and with numbers for names.

    Text that Yosys cannot read is left as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "source.il").write_text(text, encoding="utf-8")
        Path(folder, "script.ys").write_text(OPTIMISE, encoding="utf-8")
        command = [*yosys_command(), "-q", "script.ys"]
        if subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode != 0:
            return text
        lines = Path(folder, "result.il").read_text(encoding="utf-8").splitlines()
    wires, others = [], []
    start = ""
    for line in lines:
        if line.startswith("  attribute \\init "):
            start = line
        elif line.startswith("  wire "):
            wires.append(start + line)
            start = ""
        elif not line.lstrip().startswith(("#", "attribute", "autoidx")):
            others.append(line)
    # Wires come in no order, all else in that of the design.
    return "\n".join([*sorted(wires), *others]) or text


def lines_of(design: Design) -> Lines:
    """The lines of this tree that are executed while a design is elaborated."""
    found: Lines = defaultdict(set)
    prefix = f"{ROOT}/"

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(prefix):
            return None
        seen = found[name.removeprefix(prefix)]

        def note(frame: FrameType, event: str, argument: Any) -> Any:
            seen.add(frame.f_lineno)
            return note

        return note(frame, event, argument)

    threading.settrace(enter)
    sys.settrace(enter)
    try:
        design.elaborate()
    finally:
        sys.settrace(None)
        threading.settrace(None)
    return found


def main() -> None:
    """Print the digests, or the lines."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--expect", type=Path)
    parser.add_argument("--optimised", action="store_true")
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--names", action="store_true", dest="only_names")
    arguments = parser.parse_args()
    every = designs()
    if arguments.only_names:
        print(json.dumps(list(every)))
        return
    chosen = {name: every[name] for name in arguments.names or every}
    if arguments.trace:
        traced = {
            name: {path: sorted(lines) for path, lines in lines_of(design).items()}
            for name, design in chosen.items()
        }
        print(json.dumps(traced))
        return
    expected = json.loads(arguments.expect.read_text()) if arguments.expect else {}
    digests = {}
    for name, design in chosen.items():
        digests[name] = digest_of(design, arguments.optimised)
        if expected and digests[name] != expected[name]:
            break
    print(json.dumps(digests))


if __name__ == "__main__":
    main()
