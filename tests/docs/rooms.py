"""The plan of rooms in ``docs/architecture.md``, made from the sources.

``python -m tests.docs.rooms docs/architecture.md`` writes it between its marks.
"""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

from allspin.host.show.document import Marks

ROOT = Path(__file__).resolve().parents[2]
MARKS = Marks("<!-- rooms -->", "<!-- end of rooms -->")
LAYERS = ("sim", "hdl", "boards", "host")


class Room(NamedTuple):
    """A folder of a layer, or a module that lies in the layer's own folder.

    Parameters
    ----------
    sentence : str
        First paragraph of its docstring, on one line.
    files : list of str
        Contents of the folder: modules without ``.py``, folders with a slash; empty for a module.
    imports : list of str
        Names of the rooms of the same layer that it imports.
    """

    sentence: str
    files: list[str]
    imports: list[str]


def sentence(path: Path) -> str:
    """First paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def imported(path: Path) -> set[str]:
    """Modules that a file imports, on any line, and the names that it takes from them."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def rooms_of(layer: Path) -> dict[str, Room]:
    """All rooms of a layer by name, in alphabetical order, from its folder alone."""
    places = {path.relative_to(layer).parts[0] for path in layer.rglob("*.py")} - {"__init__.py"}
    found = {}
    for name in sorted(places):
        room = layer / name
        paths, front, files = [room], room, []
        if room.is_dir():
            paths, front = list(room.rglob("*.py")), room / "__init__.py"
            inside = [path for path in room.iterdir() if path.name[0] != "." and path != front]
            files = sorted(
                f"{path.name}/" if path.is_dir() else path.name.removesuffix(".py")
                for path in inside
                if path.name != "__pycache__"
            )
        modules = {module for path in paths for module in imported(path)}
        begin = f"allspin.{layer.name}."
        names = {module.split(".")[2] for module in modules if module.startswith(begin)}
        imports = sorted(place for place in places - {name} if place.removesuffix(".py") in names)
        found[name] = Room(sentence(front), files, imports)
    return found


def arrows(rooms: dict[str, Room]) -> list[tuple[str, str]]:
    """The fewest arrows that say which room reaches which: the transitive reduction.

    Raises
    ------
    CycleError
        If rooms import one another in a circle.
    """
    reached: dict[str, set[str]] = {}
    for name in TopologicalSorter(
        {name: room.imports for name, room in rooms.items()}
    ).static_order():
        imports = rooms[name].imports
        reached[name] = set(imports).union(*(reached[other] for other in imports))
    return [
        (name, other)
        for name, room in rooms.items()
        for other in room.imports
        if not any(other in reached[third] for third in room.imports)
    ]


def plan(root: Path) -> str:
    """The whole plan: for each layer a heading, a Mermaid flow chart, and a table."""
    lines = []
    for layer in LAYERS:
        rooms = rooms_of(root / layer)
        node = {name: f"{layer}_{name.removesuffix('.py')}" for name in rooms}
        lines += ["", f"### {layer}", "", sentence(root / layer / "__init__.py"), ""]
        lines += ["```mermaid", "flowchart TD"]
        lines += [f'    {node[name]}["{name}"]' for name in rooms]
        lines += [f"    {node[one]} --> {node[other]}" for one, other in arrows(rooms)]
        lines += ["```", "", "| room | what it is | files | imports |", "| --- | --- | --- | --- |"]
        for name, room in rooms.items():
            shown = name if name.endswith(".py") else f"{name}/"
            files, imports = (", ".join(f"`{each}`" for each in names) for names in room[1:])
            lines.append(f"| `{shown}` | {room.sentence} | {files} | {imports} |")
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    MARKS.fill(Path(sys.argv[1]), plan(ROOT))
