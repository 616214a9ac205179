"""The generator's document: its vectors, its purposes and its script, against the code."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from allspin.sim.chip.generator import Purpose, draw_bits, normal_table, normal_values

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "generator.md").read_text("utf-8")


def table(heading: str) -> list[list[str]]:
    """Cells of the rows of the first table whose header starts with the given words."""
    lines = TEXT[TEXT.index(f"\n| {heading} |") + 1 :].splitlines()
    rows = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip(" `") for cell in line.strip("|").split("|")])
    return rows


VECTORS = table("seed | layer | purpose | row | column | number | key | block | bits | normal")


def test_vectors_are_the_code_s() -> None:
    assert len(VECTORS) >= 12
    for row in VECTORS:
        seed, layer, purpose, line, column, number = map(int, row[:6])
        bits = draw_bits(seed, layer, Purpose(purpose), line, column, number)
        assert f"{int(bits):08x}" == row[8]
        assert int(normal_values(bits.reshape(1))[0]) == int(row[9])
        assert number << 48 | layer << 40 | purpose << 32 | seed == int(row[6], 16)
        assert line << 16 | column == int(row[7], 16)


def test_chosen_bits() -> None:
    rows = table("bits | normal")
    assert len(rows) >= 9
    bits = np.array([int(row[0], 16) for row in rows], np.uint32)
    assert normal_values(bits).tolist() == [int(row[1]) for row in rows]


def test_purposes_are_all_named() -> None:
    rows = table("purpose | name | of a | number")
    assert {row[1]: int(row[0]) for row in rows} == {item.name: item.value for item in Purpose}


def test_digest_stands_there() -> None:
    content = b"".join(part.astype(">u2").tobytes() for part in normal_table())
    assert hashlib.sha256(content).hexdigest() in TEXT


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: "-".join(row[:6]))
def test_script_draws_the_vectors(row: list[str], tmp_path: Path) -> None:
    match = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert match is not None
    script = tmp_path / "draw.py"
    script.write_text(match[1], "utf-8")
    result = subprocess.run(
        [sys.executable, str(script), *row[:6]], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [str(int(row[8], 16)), row[9]]
