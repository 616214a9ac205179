"""The plan of rooms in docs/architecture.md is that of the sources."""

import re
from pathlib import Path

import pytest

from tests.docs.rooms import LAYERS, MARKS, ROOT, arrows, plan, rooms_of

DOCUMENT = ROOT / "docs" / "architecture.md"
FIX = "run: .venv/bin/python -m tests.docs.rooms docs/architecture.md"


def documented() -> str:
    before, after = MARKS.around(DOCUMENT)
    text = DOCUMENT.read_text(encoding="utf-8")
    return text[len(before) + len(MARKS.begin) : len(text) - len(after) - len(MARKS.end)]


def part(text: str, layer: str) -> str:
    """What stands under a layer's heading."""
    return text.partition(f"\n### {layer}\n")[2].partition("\n### ")[0]


def told_rooms(text: str, layer: str) -> dict[str, set[str]]:
    """Rooms of a layer's table, each with those that it imports."""
    rows = re.findall(r"^\| `([^`]+)` \|.*\| ([^|]*) \|$", part(text, layer), re.MULTILINE)
    return {name.strip("/"): set(re.findall(r"`([^`]+)`", last)) for name, last in rows}


def told_arrows(text: str, layer: str) -> set[tuple[str, str]]:
    """Arrows of a layer's picture, between the labels of its nodes."""
    drawn = part(text, layer)
    label = dict(re.findall(r'^ +(\w+)\["(.+)"\]$', drawn, re.MULTILINE))
    found = re.findall(r"^ +(\w+) --> (\w+)$", drawn, re.MULTILINE)
    return {(label[one], label[other]) for one, other in found}


def closure(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Pairs of which the second is reached from the first, by Warshall's algorithm."""
    found = set(pairs)
    names = {name for pair in pairs for name in pair}
    for middle in sorted(names):
        before = {one for one, other in found if other == middle}
        behind = {other for one, other in found if one == middle}
        found |= {(one, other) for one in before for other in behind}
    return found


def differences(text: str, layer: str) -> set[str]:
    """Rooms and arrows that are only in the document or only in the sources."""
    folder = ROOT / layer
    there = {
        path.relative_to(folder).parts[0]
        for path in folder.rglob("*.py")
        if path != folder / "__init__.py"
    }
    told = told_rooms(text, layer)
    imports = {(name, other) for name, room in rooms_of(folder).items() for other in room.imports}
    listed = {(name, other) for name, others in told.items() for other in others}
    drawn = told_arrows(text, layer)
    wrong = (there ^ set(told)) | {f"{a} -> {b}" for a, b in imports ^ listed}
    return wrong | {f"{a} ..> {b}" for a, b in closure(imports) ^ closure(drawn)}


def test_the_plan_is_what_the_sources_make():
    assert documented() == f"\n{plan(ROOT)}", FIX


@pytest.mark.parametrize("layer", LAYERS)
def test_rooms_and_arrows_are_those_of_the_sources(layer):
    assert differences(documented(), layer) == set(), FIX


@pytest.mark.parametrize("layer", LAYERS)
def test_rooms_form_no_circle(layer):
    pairs = closure({(name, o) for name, r in rooms_of(ROOT / layer).items() for o in r.imports})
    assert [pair for pair in pairs if pair[0] == pair[1]] == []


def test_every_room_says_what_it_is():
    rooms = [room for layer in LAYERS for room in rooms_of(ROOT / layer).values()]
    silent = [room.name for room in rooms if not room.sentence]
    assert silent == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("| `programming/` |", {"programming"}),
        ("    sim_chip --> sim_device", {"chip ..> device"}),
    ],
)
def test_what_is_missing_is_seen(line, found):
    lines = documented().splitlines(keepends=True)
    short = [each for each in lines if not each.startswith(line)]
    assert len(short) == len(lines) - 1
    assert differences("".join(short), "sim") >= found


def test_a_small_tree(tmp_path: Path):
    files = {
        "__init__.py": "",
        "ground.py": '"""Ground,\nand more.\n\nNot this."""\n',
        "low/__init__.py": '"""Low."""\n',
        "low/one.py": "def f():\n    import allspin.sim.ground\n",
        "high/__init__.py": '"""High."""\nfrom allspin.sim import low, ground\n',
        "high/in/__init__.py": "from allspin.sim.high import x\nfrom allspin.simple.low import y\n",
        "high/figures.csv": "",
    }
    for name, text in files.items():
        path = tmp_path / "sim" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    rooms = rooms_of(tmp_path / "sim")
    assert {name: room.imports for name, room in rooms.items()} == {
        "ground.py": (),
        "high": ("ground.py", "low"),
        "low": ("ground.py",),
    }
    assert rooms["ground.py"].sentence == "Ground, and more."
    assert (rooms["high"].files, rooms["low"].files) == (("figures.csv", "in/"), ("one",))
    assert arrows(rooms) == [("high", "low"), ("low", "ground.py")]
