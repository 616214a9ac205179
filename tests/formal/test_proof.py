"""Proofs fail where they should: for a wrong claim, one that never comes up, and a lost mutant."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Cover, Module, Signal

from allspin.hdl.crossbar import pass_source
from allspin.hdl.stream import buffers as source
from tests.formal.proof import Mutant, Proof, Task, about, anything, ask, copied
from tests.formal.stand_ins import FewWords

Z3 = "smtbmc z3"
FILES = sorted(
    path.stem
    for path in Path(__file__).parent.glob("test_*.py")
    if "\nPROOFS = " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", FILES)
def test_each_mutant_changes_its_block(name: str) -> None:
    # The mutants must fit the blocks as they are now, though `make prove` alone tries them.
    proofs: list[Proof] = import_module(f"tests.formal.{name}").PROOFS
    for proof in proofs:
        assert proof.mutants
        for mutant in proof.mutants:
            proof.copy(mutant)


def counter(limit: int, step: int = 1) -> Module:
    """Counts by `step` to seven and begins again; asserts that it stays below a limit."""
    m = Module()
    count = Signal(4)
    m.d.sync += count.eq((count + step) % 8)
    m.d.comb += [Assert(count < limit), Cover(count == 5)]
    return m


@pytest.mark.long
@pytest.mark.parametrize(
    ("limit", "step", "mode", "depth", "verdict"),
    [
        (8, 1, "prove", 2, "pass"),
        (6, 1, "prove", 9, "fail"),
        # The counter only has even values, but the induction may begin at an odd one.
        (7, 2, "prove", 2, "unknown"),
        (8, 2, "cover", 9, "fail"),
    ],
)
def test_the_verdict_is_the_one_that_is_due(
    limit: int, step: int, mode: str, depth: int, verdict: str, tmp_path: Path
) -> None:
    assert ask(counter(limit, step), mode, depth, tmp_path, Z3) == verdict


@pytest.mark.long
def test_a_broken_module_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"log\.txt"):
        ask(counter(8), "bmc", 2, tmp_path, "no such engine")


@pytest.mark.long
@pytest.mark.parametrize(("elsewhere", "verdict"), [(0, "pass"), (1, "fail")])
def test_a_memory_of_few_words_keeps_these(elsewhere: int, verdict: str, tmp_path: Path) -> None:
    kept = AnyConst(3)
    memory = FewWords(4, 8, [kept])
    write, read = memory.write_port(), memory.read_port(domain="comb")
    m = Module()
    m.submodules.memory = memory
    written = Signal(4)
    for port in (write.en, write.addr, write.data):
        m.d.comb += anything(port)
    m.d.comb += read.addr.eq(kept ^ elsewhere)
    with m.If(write.en & (write.addr == read.addr)):
        m.d.sync += written.eq(write.data)
    m.d.comb += Assert(read.data == written)
    assert ask(m, "bmc", 4, tmp_path, Z3) == verdict


@pytest.mark.parametrize(("old", "count"), [("no such line", 0), ("self", r"\d+")])
def test_a_mutant_must_change_one_place(old: str, count: object) -> None:
    with pytest.raises(ValueError, match=rf"{count} times in allspin\.hdl"):
        copied(source, mutant=Mutant(old, ""))


def test_a_mutant_leaves_the_module_alone() -> None:
    change = Mutant("self.end.eq(following)", "self.end.eq(self.start)")
    mutant: Any = copied(source, pass_source, mutant=change)
    # One of a part is in the block.
    assert mutant.Replay.build.__globals__["Ring"] is mutant.Ring is not source.Ring
    assert pass_source.Ring is source.Ring


@pytest.mark.long
def test_a_mutant_that_lives_is_a_failure(tmp_path: Path) -> None:
    mutant = Mutant("depth, 2, 65536", "depth, 2, 65535")
    proof = Proof("counter", source, lambda hdl: counter(8), 1, (mutant,))
    with pytest.raises(AssertionError, match="counter-mutant0: pass, not fail"):
        Task(proof, "bmc", 2, mutant).run(tmp_path)


@pytest.mark.long
def test_inner_signals_have_names_and_undriven_inputs_are_anything(
    tmp_path: Path,
) -> None:
    m, inside = about(dut := source.Queue(2, 4))
    assert inside["head"].name == "head"
    with pytest.raises(KeyError, match="no_such: 0 signals"):
        inside["no_such"]
    m.d.comb += [dut.i.valid.eq(1), Cover(dut.i.payload == 3), Cover(dut.o.ready)]
    assert ask(m, "cover", 3, tmp_path, Z3) == "pass"
