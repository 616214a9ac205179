"""Mutants are changes of the blocks as they are now, though `make prove` alone tries them."""

from importlib import import_module
from pathlib import Path

import pytest

from tests.formal.proof import Proof, copied

FILES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("test_*.py")
    if "\nPROOFS = " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", FILES)
def test_each_mutant_changes_its_block(name: str) -> None:
    proofs: list[Proof] = import_module(f"tests.formal.{name}").PROOFS
    for proof in proofs:
        assert proof.mutants
        for mutant in proof.mutants:
            copied(*proof.sources, mutant=mutant)
