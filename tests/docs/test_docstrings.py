"""Examples in docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path.relative_to(ROOT)
    for layer in ("sim", "hdl", "boards", "host")
    for path in sorted((ROOT / layer).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_an_example_gives_what_it_says(source: Path) -> None:
    module = import_module(".".join(("allspin", *source.with_suffix("").parts)))
    results = doctest.testmod(module)
    assert results.attempted
    assert not results.failed
