"""The plan of rooms in ``docs/architecture.md``, made from the sources.

``python -m tests.docs.rooms docs/architecture.md`` writes it between its marks.
"""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

from allspin.host.show.table import Marks

ROOT = Path(__file__).resolve().parents[2]
MARKS = Marks("<!-- rooms -->", "<!-- end of rooms -->")
LAYERS = ("sim", "hdl", "boards", "host")


@dataclass(frozen=True)
class Room:
    """A folder of a layer, or a module that lies in the layer's own folder.

    Parameters
    ----------
    name : str
        The folder's name, or the module's file name.
    sentence : str
        First paragraph of its docstring, on one line.
    files : tuple[str, ...]
        What is in the folder: modules without ``.py``, folders with a slash; empty for a module.
    imports : tuple[str, ...]
        Names of the rooms of the same layer that it imports.
    """

    name: str
    sentence: str
    files: tuple[str, ...]
    imports: tuple[str, ...]


def sentence(path: Path) -> str:
    """First paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def imported(path: Path, package: str) -> set[str]:
    """What a file imports of a package, wherever in the file: the names that follow the package."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    start = f"{package}."
    return {name[len(start) :].partition(".")[0] for name in modules if name.startswith(start)}


def files_of(folder: Path) -> tuple[str, ...]:
    """What a folder holds, as `Room.files` lists it."""
    names = []
    for path in folder.iterdir():
        if path.name.startswith((".", "__pycache__")):
            continue
        if path.is_dir():
            names.append(f"{path.name}/")
        elif path.name != "__init__.py":
            names.append(path.name.removesuffix(".py"))
    return tuple(sorted(names))


def rooms_of(layer: Path) -> dict[str, Room]:
    """All rooms of a layer by name, in alphabetical order, from its folder alone."""
    sources: dict[str, list[Path]] = {}
    for path in sorted(layer.rglob("*.py")):
        inside = path.relative_to(layer).parts
        if inside != ("__init__.py",):
            sources.setdefault(inside[0], []).append(path)
    found = {}
    for name, paths in sorted(sources.items()):
        names = {other for path in paths for other in imported(path, f"allspin.{layer.name}")}
        others = {name for name in sources if name.removesuffix(".py") in names} - {name}
        folder = layer / name
        front = folder / "__init__.py" if folder.is_dir() else folder
        files = files_of(folder) if folder.is_dir() else ()
        found[name] = Room(name, sentence(front), files, tuple(sorted(others)))
    return found


def reached(rooms: dict[str, Room], name: str) -> set[str]:
    """Rooms that a room imports, directly or through others."""
    found: set[str] = set()
    waiting = list(rooms[name].imports)
    while waiting:
        other = waiting.pop()
        if other not in found:
            found.add(other)
            waiting += rooms[other].imports
    return found


def arrows(rooms: dict[str, Room]) -> list[tuple[str, str]]:
    """The fewest arrows that say which room reaches which: the transitive reduction."""
    return [
        (name, other)
        for name, room in rooms.items()
        for other in room.imports
        if not any(other in reached(rooms, third) for third in room.imports)
    ]


def picture(layer: str, rooms: dict[str, Room]) -> list[str]:
    """Lines of a Mermaid flow chart."""
    node = {name: f"{layer}_{name.removesuffix('.py')}" for name in rooms}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'    {node[name]}["{name}"]' for name in rooms]
    lines += [f"    {node[one]} --> {node[other]}" for one, other in arrows(rooms)]
    return [*lines, "```"]


def table(rooms: dict[str, Room]) -> list[str]:
    """Lines of the table of a layer's rooms."""
    lines = ["| room | what it is | files | imports |", "| --- | --- | --- | --- |"]
    for room in rooms.values():
        name = room.name if room.name.endswith(".py") else f"{room.name}/"
        files = ", ".join(f"`{file}`" for file in room.files)
        imports = ", ".join(f"`{other}`" for other in room.imports)
        lines.append(f"| `{name}` | {room.sentence} | {files} | {imports} |")
    return lines


def plan(root: Path) -> str:
    """The whole plan: a heading, a picture and a table for each layer."""
    lines = []
    for layer in LAYERS:
        rooms = rooms_of(root / layer)
        lines += ["", f"### {layer}", "", sentence(root / layer / "__init__.py"), ""]
        lines += [*picture(layer, rooms), "", *table(rooms)]
    return "\n".join([*lines, "", ""])


if __name__ == "__main__":
    MARKS.fill(Path(sys.argv[1]), plan(ROOT))
