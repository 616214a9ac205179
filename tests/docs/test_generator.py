"""The page of the generator: its vectors, tables and script are those of the code."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from allspin.sim.chip.generator import Purpose, draw_bits, normal_table, normal_values
from tests.docs.documents import blocks, python, read, rows

GENERATOR = read("generator.md")

VECTORS = [
    SimpleNamespace(
        place=[*map(int, row[:6])], key=row[6], block=row[7], bits=row[8], normal=row[9]
    )
    for row in rows(
        GENERATOR.replace("`", ""),
        "seed | layer | purpose | row | column | number | key | block | bits | normal",
    )
]


def test_vectors_are_the_code_s():
    assert len(VECTORS) >= 12
    for vector in VECTORS:
        seed, layer, purpose, row, column, number = vector.place
        bits = draw_bits(seed, layer, Purpose(purpose), row, column, number)
        assert f"{int(bits):08x}" == vector.bits
        assert int(normal_values(bits.reshape(1))[0]) == int(vector.normal)
        assert number << 48 | layer << 40 | purpose << 32 | seed == int(vector.key, 16)
        assert row << 16 | column == int(vector.block, 16)


def test_chosen_bits_purposes_and_digest():
    plain = GENERATOR.replace("`", "")
    chosen = rows(plain, "bits | normal")
    assert len(chosen) >= 9
    bits = np.array([int(row[0], 16) for row in chosen], np.uint32)
    assert normal_values(bits).tolist() == [int(row[1]) for row in chosen]
    named = {row[1]: int(row[0]) for row in rows(plain, "purpose | name | of a | number")}
    assert named == {item.name: item.value for item in Purpose}
    content = b"".join(part.astype(">u2").tobytes() for part in normal_table())
    assert hashlib.sha256(content).hexdigest() in GENERATOR


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: "-".join(map(str, vector.place)))
def test_the_generator_s_script_draws_the_vectors(vector, tmp_path):
    (tmp_path / "draw.py").write_text(blocks(GENERATOR, "python")[0])
    done = python(tmp_path, "draw.py", *vector.place)
    assert done.stdout.split() == [str(int(vector.bits, 16)), vector.normal], done.stderr
