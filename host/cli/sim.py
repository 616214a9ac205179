"""``allspin sim``: the engine in an HDL simulator, under cocotb."""

from typing import Annotated, Any

from cyclopts import Parameter

from allspin.hdl.bench.simulator import BenchFailure
from allspin.hdl.parameters.profile import HardwareProfile
from allspin.host.cli.answers import FAILED, answer
from allspin.host.cli.shared import DataFile, Json, NetworkName, Steps
from allspin.host.options import FLAT
from allspin.host.run.simulate import IMAGES, SimulatorOptions, simulate_engine
from allspin.host.show.say import warn
from allspin.host.show.table import Figure, Number, Table, figures
from allspin.sim.errors import refused

EXAMPLES = """\
examples:
  allspin sim mnist-10
  allspin sim mnist-10 --images 3 --waves out.fst
  allspin sim mnist-10 --simulator icarus --images 5 --seed 1 --lanes 10
"""


def _table(result: dict[str, Any]) -> Table:
    rows: list[Figure] = [
        ("images", result["images"]),
        ("logits compared", result["logits_compared"]),
        ("mismatches", result["mismatches"]),
        ("cycles per image", Number(result["cycles_per_image"], ".1f")),
        ("time", result["seconds"], "s"),
    ]
    return figures(f"{result['network']} in {result['simulator']}", rows)


def run(
    network: NetworkName,
    /,
    *,
    simulation: Annotated[SimulatorOptions, FLAT] = SimulatorOptions(),  # noqa: B008 (it is frozen)
    images: Annotated[int, Parameter(metavar="N")] = IMAGES,
    data: DataFile = None,
    lanes: int | None = None,
    rows_per_clock: int = 1,
    keep_states: bool = False,
    json: Json = False,
    steps: Steps,
) -> int:
    """Run a network's engine in an HDL simulator, and compare every logit with the golden model.

    The engine is that of the boards and the virtual board, as Verilog; cocotb programs it and
    streams test images. Use it for waveforms, and as a start for your own testbenches. The
    simulator is compiled once for each design and kept. Exit status 1 if a logit differs.

    Parameters
    ----------
    network : str
        Network file, or the name of a shipped network.
    images : int
        First N test images.
    lanes : int, optional
        Columns that are computed in a cycle, 1 to 65535: all unless given.
    rows_per_clock : int
        Rows that are driven in a cycle, 1, 2, 4, 8 or 16.
    keep_states : bool
        Keep states in place of R_AH words.
    """
    with refused(kinds=(ValueError, TypeError)):
        profile = HardwareProfile(lanes=lanes, rows_per_clock=rows_per_clock, states=keep_states)
    try:
        found = simulate_engine(network, images, profile, simulation, data=data, progress=steps)
    except BenchFailure as failure:
        steps.stop()
        warn(f"the simulation failed: {failure}")
        return FAILED
    result = {
        "network": network,
        "simulator": simulation.simulator,
        **found.to_dict(),
        "waves": None if simulation.waves is None else str(simulation.waves),
    }
    notes = [f"the waveforms are in {simulation.waves}"] if simulation.waves else []
    answer(steps, result, _table(result), notes, json_wanted=json)
    if found.first_mismatch is not None:
        warn(f"first mismatch, {found.first_mismatch}")
    return FAILED if found.mismatches else 0
