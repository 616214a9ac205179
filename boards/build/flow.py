"""Stages of a build, each kept under the digest of all its inputs.

1. The machine alone becomes a netlist: minutes, and the same for all boards of one part.
2. The shell becomes a netlist and both become one: seconds.
3. That netlist is placed, routed and packed, once for each seed: minutes.

A build that was stopped continues with the stage that it was in. The same inputs and tools give the
same bitstream, byte for byte.
"""

import json
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from allspin.boards.build.families import ROUTED, TOP, family_of, with_options
from allspin.boards.build.gateware import gateware_of, machine_text
from allspin.boards.build.tools import Tool, Wanted, find_tool
from allspin.boards.shell import Shell, ShellParameters
from allspin.hdl.cache import build_once, cache_folder, digest
from allspin.hdl.cache.process import Progress, complaint, no_progress, run_tool
from allspin.sim.errors import UserError

OUTCOME = "outcome.json"
_USE = re.compile(r"^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%$", re.MULTILINE)
_ELEMENT = re.compile(r"(?<=\s)(\\[^\s\"]*)\[(\d+)\](?=\s)")
"""Amaranth's name of an array's element. ABC9 makes the same name of a vector's bit, at which Yosys
stops ("count_id")."""
_TOO_MANY = re.compile(
    r"unable to (find legal )?place|no bels remaining|failed to (expand region|place)|not enough",
    re.IGNORECASE,
)


class Tools(NamedTuple):
    """The programs of one build, in the order in which they run."""

    yosys: Tool
    router: Tool
    packer: Tool

    def __str__(self) -> str:
        return ", ".join(map(str, self))


@dataclass(frozen=True)
class SynthesisedBoard:
    """Synthesised board.

    Parameters
    ----------
    folder : Path
        Folder with ``top.json``, which nextpnr reads.
    name : str
        Digest of all its inputs.
    cells : mapping of str to int
        Number of cells of each type.
    seconds : float
        Time of Yosys for the machine and the shell, when it ran.
    """

    folder: Path
    name: str
    cells: Mapping[str, int]
    seconds: float

    @property
    def path(self) -> Path:
        """File of the netlist, in Yosys' JSON."""
        return self.folder / f"{TOP}.json"


@dataclass(frozen=True)
class Routed:
    """Result of placing and routing with one seed.

    Parameters
    ----------
    folder : Path
        Folder with the bitstream and the logs.
    seed : int
        Seed of the placement.
    bitstream : Path or None
        The bitstream; None if the design does not fit.
    fmax : float or None
        Highest frequency of the machine's clock, in Hz.
    resources : mapping of str to tuple of int
        Used and available numbers of nextpnr's resources.
    seconds : float
        Time of placing, routing and packing, when they ran.
    """

    folder: Path
    seed: int
    bitstream: Path | None
    fmax: float | None
    resources: Mapping[str, tuple[int, int]]
    seconds: float


class Build:
    """Build of a machine on a board.

    Parameters
    ----------
    parameters : ShellParameters
        The board and its machine.
    wanted : {"auto", "native", "pypi"}
        Source of the tools.
    progress : callable
        Called with the step and the seconds since it began.

    Attributes
    ----------
    family : Family
        Family of the board's part.
    tools : Tools
        Tools of the build.

    Raises
    ------
    UserError
        If a tool is missing.
    """

    def __init__(
        self,
        parameters: ShellParameters,
        wanted: Wanted = "auto",
        progress: Progress = no_progress,
    ) -> None:
        self.parameters = parameters
        self._progress = progress
        self._platform = parameters.board.create_platform()
        self.family = family_of(self._platform)
        names = ("yosys", self.family.router, self.family.packer)
        self.tools = Tools(*(find_tool(name, wanted) for name in names))

    @cached_property
    def _plan(self) -> Mapping[str, Any]:
        """Files from which amaranth-boards' platform would build the shell."""
        self._progress("elaborating the board", 0.0)
        return self._platform.prepare(Shell(self.parameters), TOP, emit_src=False).files

    @cached_property
    def _machine(self) -> str:
        """The machine as RTLIL, with names that Yosys accepts."""
        return _ELEMENT.sub(r"\1<\2>", machine_text(self.parameters, self._progress))

    @cached_property
    def gateware(self) -> str:
        """Digest of the machine's logic (see `allspin.boards.build.gateware`)."""
        return gateware_of(self.parameters, self._machine)

    def _planned(self, tool: str) -> list[str]:
        """The platform's own command line for one of its tools."""
        commands = json.loads(self._plan[f"build_{TOP}.json"])["commands"]
        return next(command for command in commands if command[0].startswith(tool))

    def _once(self, name: str, make: Callable[[Path], None], what: str) -> Path:
        waits = f"waiting for another that is {what}"
        return build_once(name, make, lambda seconds: self._progress(waits, seconds))

    def _yosys(self, folder: Path, script: str, what: str) -> None:
        (folder / "script.ys").write_text(script)
        command = [*self.tools.yosys.command, "-q", "-l", "yosys.log", "script.ys"]
        if run_tool(command, folder, "yosys.out", what, self._progress) != 0:
            raise _failed(self.tools.yosys, folder / "yosys.out")

    def synthesise(self) -> SynthesisedBoard:
        """Run the first two stages.

        Raises
        ------
        UserError
            If Yosys fails, or the cache cannot be written.
        """
        family = self.family
        yosys = str(self.tools.yosys)

        def make_machine(folder: Path) -> None:
            begun = time.monotonic()
            (folder / "machine.il").write_text(self._machine)
            self._yosys(folder, family.machine_script(), "synthesising the machine")
            (folder / "machine.il").unlink()
            _keep(folder, begun)

        machine_name = digest("machine", self._machine, family.machine_script(), yosys)
        machine = self._once(machine_name, make_machine, "synthesising the machine")
        shell = self._plan[f"{TOP}.il"]

        def make_top(folder: Path) -> None:
            begun = time.monotonic()
            (folder / "shell.il").write_text(shell)
            shutil.copy(machine / "machine.net.il", folder)
            self._yosys(folder, family.shell_script(), "synthesising the board")
            (folder / "machine.net.il").unlink()
            _keep(folder, begun)

        name = digest("top", machine_name, shell, family.shell_script(), yosys)
        folder = self._once(name, make_top, "synthesising the board")
        cells = json.loads((folder / "cells.json").read_text())
        return SynthesisedBoard(
            folder=folder,
            name=name,
            cells=cells["modules"][f"\\{TOP}"]["num_cells_by_type"],
            seconds=sum(_kept(stage)["seconds"] for stage in (machine, folder)),
        )

    def route(self, netlist: SynthesisedBoard, seed: int = 1, *, written: bool = False) -> Routed:
        """Run the last stage.

        Parameters
        ----------
        netlist : SynthesisedBoard
            The netlist to place.
        seed : int
            Seed of the placement.
        written : bool
            True if the folder must have the routed netlist `ROUTED`, for a simulator. For an ECP5
            it takes about 100 MB; the bitstream is the same without it.

        Raises
        ------
        UserError
            If a tool fails for another reason than a design that does not fit.
        """
        family = self.family
        constraints = f"{TOP}.{family.constraints}"
        mhz = self.parameters.board.machine_frequency / 1e6
        route = with_options(
            family.route_command(self._platform, self._planned("nextpnr"), seed, mhz),
            self.parameters.board.profile().routing,
        )
        if written and ROUTED not in route:
            route += "--write", ROUTED
        pack = family.pack_command(self._platform, self._planned(family.packer))
        bitstream = f"{TOP}.{family.bitstream}"
        what = f"placing and routing, seed {seed}"

        def make(folder: Path) -> None:
            begun = time.monotonic()
            (folder / constraints).write_text(self._plan[constraints])
            shutil.copy(netlist.path, folder)
            log = folder / "nextpnr.log"
            command = [*self.tools.router.command, *route]
            status = run_tool(command, folder, log.name, what, self._progress)
            resources = {
                name: (int(used), int(available))
                for name, used, available in _USE.findall(log.read_text(errors="replace"))
            }
            overfull = any(used > available for used, available in resources.values())
            fmax = None
            if status == 0:
                fmax = 1e6 * reached(json.loads((folder / "report.json").read_text()), mhz)
                command = [*self.tools.packer.command, *pack]
                if run_tool(command, folder, "pack.log", "packing", self._progress) != 0:
                    raise _failed(self.tools.packer, folder / "pack.log")
            elif not overfull and not _TOO_MANY.search(complaint(log)):
                raise _failed(self.tools.router, log)
            (folder / f"{TOP}.json").unlink()
            _keep(folder, begun, fmax=fmax, resources=resources)

        name = digest(
            "route",
            netlist.name,
            self._plan[constraints],
            *(str(self.tools.router), str(self.tools.packer)),
            json.dumps([route, pack]),
        )
        folder = self._once(name, make, what)
        kept = _kept(folder)
        return Routed(
            folder=folder,
            seed=seed,
            bitstream=folder / bitstream if kept["fmax"] is not None else None,
            fmax=kept["fmax"],
            resources={name: tuple(pair) for name, pair in kept["resources"].items()},
            seconds=kept["seconds"],
        )


def reached(report: Mapping[str, Any], mhz: float) -> float:
    """Return the machine's highest frequency in MHz, from nextpnr's report.

    A clock that is slower by design is scaled to the machine's. A path between two clocks, which no
    constraint covers, must be shorter than a period of the machine's clock.

    Parameters
    ----------
    report : mapping
        nextpnr's report.
    mhz : float
        Wanted frequency of the machine's clock.
    """
    clocks = [
        each["achieved"] * max(1.0, mhz / each.get("constraint", mhz))
        for each in report["fmax"].values()
    ]
    crossings = [
        1e3 / max(sum(step["delay"] for step in way["path"]), 1e-3)  # of ns
        for way in report.get("critical_paths", ())
        if way["from"] != way["to"] and "<async>" not in (way["from"], way["to"])
    ]
    return min(clocks + crossings)


def _keep(folder: Path, begun: float, **outcome: Any) -> None:
    outcome["seconds"] = time.monotonic() - begun
    (folder / OUTCOME).write_text(json.dumps(outcome))


def _kept(folder: Path) -> dict[str, Any]:
    return json.loads((folder / OUTCOME).read_text())


def _failed(tool: Tool, log: Path) -> UserError:
    """Error of a tool that failed; its log is kept, the folder is not."""
    kept = cache_folder() / f"failed-{tool.name}.log"
    shutil.copyfile(log, kept)
    return UserError(f"{tool.name} failed: {complaint(log)} (all that it said: {kept})")
