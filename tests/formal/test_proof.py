"""Proofs fail where they should: for a wrong claim, one that never comes up, and a lost mutant."""

from pathlib import Path
from typing import Any

import pytest
from amaranth.asserts import AnyConst, AnySeq
from amaranth.hdl import Assert, Cover, Fragment, Module, Signal

from allspin.hdl.crossbar import replay
from allspin.hdl.stream import buffers as source
from allspin.hdl.stream.buffers import Queue
from tests.formal.proof import Mode, Mutant, Opened, Proof, Task, Verdict, about, ask, copied
from tests.formal.stand_ins import FewWords, offer

Z3 = "smtbmc z3"


def counter(limit: int, step: int = 1) -> Module:
    """Counts by `step` to seven and begins again; asserts that it stays below a limit."""
    m = Module()
    count = Signal(4)
    m.d.sync += count.eq((count + step) % 8)
    m.d.comb += [Assert(count < limit), Cover(count == 5)]
    return m


@pytest.mark.parametrize(
    ("limit", "step", "mode", "depth", "verdict"),
    [
        (8, 1, Mode.PROVE, 2, Verdict.PASS),
        (6, 1, Mode.PROVE, 9, Verdict.FAIL),
        # It only counts even numbers, but the induction may begin at an odd one.
        (7, 2, Mode.PROVE, 2, Verdict.UNKNOWN),
        (8, 2, Mode.COVER, 9, Verdict.FAIL),
    ],
)
def test_the_verdict_is_the_one_that_is_due(
    limit: int, step: int, mode: Mode, depth: int, verdict: Verdict, tmp_path: Path
) -> None:
    assert ask(counter(limit, step), mode, depth, tmp_path, Z3) == verdict


def test_a_broken_module_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"log\.txt"):
        ask(counter(8), Mode.BMC, 2, tmp_path, "no such engine")


@pytest.mark.parametrize(
    ("elsewhere", "verdict"), [(0, Verdict.PASS), (1, Verdict.FAIL)], ids=["kept", "not kept"]
)
def test_a_memory_of_few_words_keeps_these(
    elsewhere: int, verdict: Verdict, tmp_path: Path
) -> None:
    m = Module()
    kept = AnyConst(3)
    m.submodules.memory = memory = FewWords(4, 8, [kept])
    write, read = memory.write_port(), memory.read_port(domain="comb")
    written = Signal(4)
    m.d.comb += [write.en.eq(AnySeq(1)), write.addr.eq(AnySeq(3)), write.data.eq(AnySeq(4))]
    m.d.comb += read.addr.eq(kept ^ elsewhere)
    with m.If(write.en & (write.addr == read.addr)):
        m.d.sync += written.eq(write.data)
    m.d.comb += Assert(read.data == written)
    assert ask(m, Mode.BMC, 4, tmp_path, Z3) == verdict


def test_an_offered_item_stays_until_it_is_taken(tmp_path: Path) -> None:
    dut = source.RegisterSlice(2)
    m, _ = about(dut)
    offer(m, dut.i)
    waits, item = Signal(), Signal(2)
    m.d.sync += [waits.eq(dut.i.valid & ~dut.i.ready), item.eq(dut.i.payload)]
    with m.If(waits):
        m.d.comb += Assert(dut.i.valid & (dut.i.payload == item))
    m.d.comb += dut.o.ready.eq(AnySeq(1))
    assert ask(m, Mode.PROVE, 2, tmp_path, Z3) == Verdict.PASS


def test_a_mutant_must_change_one_place() -> None:
    with pytest.raises(ValueError, match=r"0 times in allspin\.hdl"):
        copied(source, mutant=Mutant("no such line", ""))
    with pytest.raises(ValueError, match=r"times in allspin\.hdl"):
        copied(source, mutant=Mutant("self", ""))


def test_a_mutant_leaves_the_module_alone() -> None:
    mutant: Any = copied(source, mutant=Mutant("class RegisterSlice(", "class Other("))
    assert hasattr(mutant, "Other")
    assert not hasattr(source, "Other")


def test_a_mutant_of_a_part_is_in_the_block() -> None:
    change = Mutant("self.end.eq(following)", "self.end.eq(self.start)")
    mutant: Any = copied(source, replay, mutant=change)
    assert mutant.Replay.elaborate.__globals__["Ring"] is mutant.Ring is not source.Ring
    assert replay.Ring is source.Ring


def test_a_mutant_that_lives_is_a_failure(tmp_path: Path) -> None:
    mutant = Mutant("every_clock: bool = False", "every_clock: bool = True")
    proof = Proof("counter", source, lambda hdl: counter(8), 1, (mutant,))
    with pytest.raises(AssertionError, match="counter-mutant0: pass, not fail"):
        Task(proof, Mode.BMC, 2, mutant).run(tmp_path)


def test_inner_signals_have_names() -> None:
    inside = Opened(Queue(2, 4))
    assert inside["head"].name == "head"
    with pytest.raises(KeyError, match="no_such: 0 signals"):
        inside["no_such"]
    Fragment.get(inside, None)
