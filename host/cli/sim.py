"""``allspin sim``: the engine in an HDL simulator, under cocotb."""

from typing import Any

from allspin.hdl.bench.simulator import BenchFailure
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.options import (
    FAILED,
    Arguments,
    Parser,
    add_options,
    add_shared,
    answer,
    read_options,
)
from allspin.host.run.simulate import IMAGES, SimulatorOptions, simulate_engine
from allspin.host.show.say import warn
from allspin.host.show.table import Figure, Number, Table, figures

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


def add_arguments(parser: Parser) -> None:
    """Declare the command's options."""
    add_shared(parser, "network")
    add_options(parser, SimulatorOptions)
    add_shared(parser, "--images", default=IMAGES, help=f"first N test images ({IMAGES})")
    add_shared(parser, "--data", "--lanes", "--rows-per-clock", "--keep-states")
    add_shared(parser, "--json")


def _table(result: dict[str, Any]) -> Table:
    rows: list[Figure] = [
        ("images", result["images"]),
        ("logits compared", result["logits_compared"]),
        ("mismatches", result["mismatches"]),
        ("cycles per image", Number(result["cycles_per_image"], ".1f")),
        ("time", result["seconds"], "s"),
    ]
    return figures(f"{result['network']} in {result['simulator']}", rows)


def run(arguments: Arguments) -> int:
    """Simulate, and say what came of it."""
    profile = read_options(arguments, HardwareProfile)
    options = read_options(arguments, SimulatorOptions)
    try:
        found = simulate_engine(
            *(arguments.network, arguments.images, profile, options),
            data=arguments.data,
            progress=arguments.steps,
        )
    except BenchFailure as failure:
        arguments.steps.stop()
        warn(f"the simulation failed: {failure}")
        return FAILED
    result = {
        "network": arguments.network,
        "simulator": options.simulator,
        **found.to_dict(),
        "waves": None if options.waves is None else str(options.waves),
    }
    notes = [f"the waveforms are in {options.waves}"] if options.waves else []
    answer(arguments, result, _table(result), notes)
    if found.first_mismatch is not None:
        warn(f"first mismatch, {found.first_mismatch}")
    return FAILED if found.mismatches else 0
