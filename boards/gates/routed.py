"""The netlist of a board after placing and routing, as nextpnr writes it."""

from pathlib import Path

from boards.build.families import TOP
from boards.build.flow import Build, Netlist
from boards.build.process import Progress, complaint, run_tool
from hdl.cache import build_once, digest
from sim.errors import UserError

ROUTED = "routed.json"


def route(build: Build, netlist: Netlist, seed: int, progress: Progress) -> Path:
    """Place and route a netlist again as for its bitstream, and keep what nextpnr made of it.

    The same tool with the same seed gives the same result, so this is the bitstream's design.

    Parameters
    ----------
    build : Build
        Of the board.
    netlist : boards.build.flow.Netlist
        What it synthesised.
    seed : int
        Of placing.
    progress : callable
        Told what is being done, and for how long.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UserError
        If nextpnr fails.
    """
    constraints = f"{TOP}.{build.family.constraints}"
    planned = build._planned("nextpnr")
    mhz = build.parameters.board.machine_frequency / 1e6
    options = build.family.route_command(build._platform, planned, seed, mhz)
    what = f"placing and routing, seed {seed}"

    def make(folder: Path) -> None:
        (folder / constraints).write_text(build._plan[constraints])
        (folder / f"{TOP}.json").write_bytes((netlist.folder / f"{TOP}.json").read_bytes())
        command = [*build.tools.router.command, *options, "--write", ROUTED]
        if run_tool(command, folder, "nextpnr.log", what, progress) != 0:
            tool = build.tools.router.name
            raise UserError(f"{tool} failed: {complaint(folder / 'nextpnr.log')}")
        (folder / f"{TOP}.json").unlink()

    name = digest("routed", netlist.name, build._plan[constraints], str(build.tools), *options)
    return build_once(name, make, lambda seconds: progress(f"waiting: {what}", seconds)) / ROUTED
