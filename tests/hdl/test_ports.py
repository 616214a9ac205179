"""What pyright takes for a component's ports are the ports it has."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "hdl").rglob("*.py"), *(ROOT / "boards").rglob("*.py")])
SIGNATURES = {"NeuronGateware": "NeuronSignature", "DrawInterface": "DrawSignature"}
"""Where ports are a signature's."""
CLASSES = {
    node.name: node
    for file in FILES
    for node in ast.parse(file.read_text()).body
    if isinstance(node, ast.ClassDef)
}
PORTS = {
    node.name: node
    for file in FILES
    for node in ast.parse(file.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.endswith("_ports")
}
"""Functions that give ports which several components have."""
COMPONENTS = [
    name
    for name, node in CLASSES.items()
    if "wiring.Component" in map(ast.unparse, node.bases) or name in SIGNATURES
]


def members(node: ast.AST) -> set[str]:
    """What is called by a constant where it is said to be `In` or `Out`."""
    shared = [
        PORTS[part.func.id]
        for part in ast.walk(node)
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id in PORTS
    ]
    found: list[tuple[ast.expr | None, ast.expr]] = []
    for part in ast.walk(node):
        if isinstance(part, ast.Dict):
            found += zip(part.keys, part.values, strict=True)
        elif isinstance(part, ast.Assign) and isinstance(part.targets[0], ast.Subscript):
            found.append((part.targets[0].slice, part.value))
    named = {
        key.value
        for key, value in found
        if isinstance(key, ast.Constant)
        and isinstance(key.value, str)
        and ast.unparse(value).startswith(("In(", "Out("))
    }
    return named.union(*map(members, shared))


def test_components_are_found():
    assert len(COMPONENTS) > 40


@pytest.mark.parametrize("name", COMPONENTS)
def test_each_port_is_annotated_and_nothing_else_is(name: str):
    body = CLASSES[name].body
    annotated = {ast.unparse(part.target) for part in body if isinstance(part, ast.AnnAssign)}
    assert annotated == members(CLASSES[SIGNATURES.get(name, name)])
