"""``allspin gates``: netlists of whole boards, simulated and compared with the golden model."""

from collections.abc import Iterator
from typing import Annotated, Any

from cyclopts import Parameter

from allspin.host.bitstreams.build_options import BuildChanges
from allspin.host.bitstreams.jobs import (
    DEFAULT_NETWORK,
    make_job,
)
from allspin.host.cli.answers import FAILED, answer
from allspin.host.cli.shared import BOARD, Json, NetworkName, Steps
from allspin.host.data.catalogue import open_network
from allspin.host.data.datasets import load_test_set
from allspin.host.options import FLAT
from allspin.host.selftest.netlist import (
    FAMILY_BOARDS,
    ProvedStage,
    find_provable,
    prove_board,
)
from allspin.host.show.say import warn
from allspin.host.show.table import Table, figures
from allspin.sim.errors import refused

EXAMPLES = """\
exit status 1 if a logit differs

examples:
  allspin gates
  allspin gates ice40 --images 20
  allspin gates ulx3s-85f --network mnist-100 --json
  allspin gates icebreaker --routed
"""

IMAGES = 5
SIMULATED = ("programming", "streaming", "checking")


def run(
    boards: Annotated[list[str] | None, BOARD] = None,
    /,
    *,
    network: NetworkName = DEFAULT_NETWORK,
    images: Annotated[int, Parameter(metavar="N")] = IMAGES,
    lanes: int | None = None,
    rows_per_clock: int | None = None,
    stage: Annotated[ProvedStage, FLAT] = ProvedStage(),  # noqa: B008 (it is frozen)
    json: Json = False,
    steps: Steps,
) -> int:
    """Verify netlists of boards in simulation.

    Synthesise a board, simulate the netlist from which its bitstream is made, program a network
    through its UART's pins, and compare every logit with the golden model. A family stands for one
    of its boards. A large network takes minutes to compile, and some more to program bit by bit.
    Compiled netlists are kept.

    Parameters
    ----------
    boards : list of str, optional
        Boards, or families: ice40, ecp5; each family unless given. PROFILE is one of the board's
        machines, the first unless given.
    network : str
        Network file, or the name of a shipped network.
    images : int
        First N test images.
    lanes : int, optional
        Columns that are computed in a cycle: the profile's unless given.
    rows_per_clock : int, optional
        Rows that are driven in a cycle: the profile's unless given.
    """
    opened = open_network(network)
    pixels, _ = load_test_set(None, [opened], images)
    changes = BuildChanges(lanes, rows_per_clock)
    names = boards or []
    profiles = {}
    for name in names:
        board, _, profile = name.partition(":")
        profiles[FAMILY_BOARDS.get(board, board)] = profile or None
    found = find_provable(list(profiles))
    with refused(kinds=(ValueError, TypeError)):
        jobs = [
            make_job(board, profiles.get(board.name), network, opened, changes) for board in found
        ]
    proofs = [prove_board(job, pixels[:images], stage, steps) for job in jobs]
    tables = [_table(proof) for proof in proofs]
    answer(steps, {"boards": proofs}, tables, json_wanted=json)
    wrong = [line for proof in proofs for line in _differences(proof)]
    for line in wrong:
        warn(line)
    return FAILED if wrong else 0


def _differences(proof: dict[str, Any]) -> Iterator[str]:
    netlist = f"of the netlist {proof['netlist']} of {proof['board']}"
    if proof["mismatches"]:
        yield (
            f"{proof['mismatches']} of {proof['logits_compared']} logits {netlist} differ from "
            "the golden model"
        )
    for found in proof["checks"]:
        if found["right"] is False:
            yield f"{found['check']} {netlist}: {found['what']}"


def _table(proof: dict[str, Any]) -> Table:
    rows = (
        ("netlist", f"{proof['netlist']}, {proof['stage']}"),
        ("cells", sum(proof["cells"].values())),
        ("images", proof["images"]),
        ("logits compared", proof["logits_compared"]),
        ("mismatches", proof["mismatches"]),
        *((found["check"], found["what"]) for found in proof["checks"]),
        ("requests sent again", proof["resent"]),
        ("programming", proof["clocks_programming"], "cycles"),
        ("streaming", proof["clocks_streaming"], "cycles"),
        ("simulated throughput", proof["simulated_images_per_second"], "images/s"),
        ("compiling", proof["seconds_compiling"], "s"),
        ("simulating", sum(proof[f"seconds_{part}"] for part in SIMULATED), "s"),
    )
    return figures(f"{proof['network']} in the gates of {proof['board']}", rows)
