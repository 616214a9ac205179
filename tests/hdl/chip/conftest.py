"""The published vectors of ``docs/generator.md``."""

import re
from pathlib import Path

import pytest

_DRAW = re.compile(
    r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| `\w{16}` \| `\w{8}` "
    r"\| `(\w{8})` \| (-?\d+) \|$",
    re.M,
)
_NORMAL = re.compile(r"^\| `(\w{8})` \| (-?\d+) \|$", re.M)


@pytest.fixture(scope="session")
def document() -> str:
    return (Path(__file__).parents[3] / "docs" / "generator.md").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def draw_vectors(document: str) -> list[tuple[tuple[int, ...], int, int]]:
    """Address (seed, layer, purpose, row, column, number), bits and normal value of each."""
    vectors = [
        (tuple(map(int, found[:6])), int(found[6], 16), int(found[7]))
        for found in _DRAW.findall(document)
    ]
    assert len(vectors) == 12
    return vectors


@pytest.fixture(scope="session")
def normal_vectors(document: str) -> list[tuple[int, int]]:
    """Bits and normal value of each."""
    vectors = [(int(bits, 16), int(value)) for bits, value in _NORMAL.findall(document)]
    assert len(vectors) == 9
    return vectors
